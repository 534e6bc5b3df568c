"""The contract of whatever can be listed and watched, next to its values: the one thing a live collection asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from runtimes.base import Stream
from runtimes.replica import Change, Listed

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Generic[T]):
    """One page of a list; `next_page` is empty on the last, whose `version` is where a watch goes on from."""

    items: list[Listed[T]]
    version: str
    next_page: str = ""


class Source(Protocol[T]):
    """How one collection is listed and watched. Both are called from one thread at a time and raise RuntimeProblem."""

    def list(self, next_page: str) -> ListPage[T]:
        """Read a page, the first for "". Raise Expired when the position is no longer known."""
        ...

    def watch(self, version: str) -> Stream[Change[T]]:
        """Open what happens after `version`; its `close` ends a waiting read, from any thread.

        It ends by itself when nothing comes for longer than a dead line may go unnoticed: it is then opened again.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things take. Pauses double from the first to the longest, each shortened by up to half."""

    backoff_first_s: float = 0.2
    backoff_max_s: float = 3.0
    """Short, as a page has to recover within 5 s of its way, and a dial may be under way when that is back; there is
    one of these for each namespace."""
    demand_gap_s: float = 0.1
    """Somebody who waits for a first list cuts a pause short, but not shorter than this."""
    idle_s: float = 120.0
    """After the last reader everything is kept for so long, then given back."""
    poll_s: float = 5.0
    """How often a collection is listed for subscribers where it may not be watched."""
    fresh_s: float = 1.0
    """How old a list may be for a reader where the collection may not be watched."""
    short_watch_s: float = 1.0
    """A watch that ends sooner is none: after it comes a pause and a list, not another watch at once."""
