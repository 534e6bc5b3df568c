"""What readers see of a live collection: snapshots with their age, and whether anything is new since they last looked.

It refuses to pass old data off as new, to hide a refusal behind data that was allowed once, and to queue for a slow
reader: a reader holds nothing but where the collection stood.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Generic, TypeVar

from runtimes.base import Counts, Snapshot
from runtimes.errors import RuntimeProblem, Unavailable
from runtimes.interest import Interest, Mark
from runtimes.replica import Change, Listed, Replica
from runtimes.standing import Standing
from runtimes.watched import Pace

T = TypeVar("T")


class Collection(Generic[T]):
    """The shared state of readers and the thread that keeps it current. `start` makes that thread run."""

    def __init__(self, name: str, pace: Pace, *, start: Callable[[], None]) -> None:
        self.name = name
        self.news = threading.Condition()
        self.closed = False
        self.running = False
        self.polling = False
        """Whether it may be listed and not watched."""
        self.subscribers = 0
        self._pace = pace
        self._start = start
        self._replica: Replica[T] = Replica()
        self._standing = Standing()
        self._read_at = 0.0
        self._wanted = False
        self._stirs = 0
        self._lists = 0

    # For readers.

    @property
    def counts(self) -> Counts:
        """Say how large and how old it is; nothing but past lists while nobody looks."""
        with self.news:
            if not self.running:
                return Counts(lists=self._lists)
            age = datetime.now(UTC) - self._standing.told()[0]
            return Counts(collections=1, items=self._replica.size, lists=self._lists, oldest_s=age.total_seconds())

    def read(self, wait_s: float) -> Snapshot[T]:
        """Give what is there, at once when it is known, else after a list. Raise RuntimeProblem."""
        with self.news:
            self._know(wait_s)
            return self._snapshot()

    def peek(self) -> Snapshot[T] | None:
        """Give what is there without being counted as a reader; None where nothing is being watched."""
        with self.news:
            return self._snapshot() if self.running and self._standing.listed and not self.polling else None

    def watch(self) -> Interest:
        """Keep it current from now on, without waiting for anything. Raise Unavailable when it is closed."""
        with self.news:
            self._look()
            self.subscribers += 1
            return Interest(self, self._mark())

    def stir(self) -> None:
        """Tell those who wait that something which belongs to the items, and is kept elsewhere, is new."""
        with self.news:
            self._stirs += 1
            self.news.notify_all()

    def moved(self, mark: Mark, ended: Callable[[], bool], timeout_s: float) -> Mark:
        """Give where it stands as soon as that is not `mark`, at the latest after `timeout_s`; never raises."""
        with self.news:
            if not self.closed:
                with suppress(RuntimeProblem):  # no thread can be had: the next look tries again
                    self._look()
            self.news.wait_for(lambda: self.closed or ended() or self._mark() != mark, timeout_s)
            return self._mark()

    def settle(self, key: str, seen: Callable[[T | None], bool], within_s: float) -> bool:
        """Wait until an item is as somebody who has just changed it expects; ask nobody for it."""
        with self.news:
            self._standing.listed_at = 0.0  # where nothing is watched, the next reader gets a new list
            if not self._standing.live:
                return False
            return self.news.wait_for(lambda: self.closed or seen(self._replica.get(key)), within_s)

    def leave(self) -> None:
        """A subscriber has gone."""
        with self.news:
            self.subscribers -= 1
            self._read_at = monotonic()
            self.news.notify_all()

    def _mark(self) -> Mark:
        _, stale, problem = self._standing.told()
        return self._replica.serial, self._stirs, self._standing.listed, stale, problem

    def _know(self, wait_s: float) -> None:
        """Return when there is something to give. Raise why there is not."""
        self._look()
        standing, polling = self._standing, self.polling
        if standing.listed and not (polling and monotonic() - standing.listed_at > self._pace.fresh_s):
            return
        if standing.refused_until > monotonic() and standing.problem is not None and not standing.listed:
            raise standing.problem
        # An attempt that is under way may have begun before what the reader knows of: its failure is not the answer.
        goal, self._wanted = standing.begun + 1, True
        self.news.notify_all()
        self.news.wait_for(lambda: self._answered(goal, polling), wait_s)
        self._refuse_closed()
        if not self._standing.listed:
            raise self._standing.problem or Unavailable(
                f"{self.name[:1].upper()}{self.name[1:]} could not be read within {wait_s:g} s.", hint="Try again."
            )

    def _answered(self, goal: int, polling: bool) -> bool:
        ended = self.closed or not self.running or self._standing.ended >= goal
        return ended or (self._standing.listed and not polling)

    def _look(self) -> None:
        self._refuse_closed()
        self._read_at = monotonic()
        if not self.running:
            self._start()

    def _refuse_closed(self) -> None:
        if self.closed:
            raise Unavailable("The runtime is being closed.")

    def _snapshot(self) -> Snapshot[T]:
        as_of, stale, problem = self._standing.told()
        return Snapshot(items=self._replica.items, as_of=as_of, stale=stale, problem=problem)

    # For the thread that keeps it current.

    @property
    def version(self) -> str:
        """Where a watch goes on from."""
        return self._replica.version

    def begin(self) -> None:
        """An attempt to list begins."""
        with self.news:
            self._standing.begin()
            self._lists += 1

    def become(self, items: list[Listed[T]], version: str) -> None:
        """Show what a list says."""
        with self.news:
            self._replica.replace(items, version)
            self._standing.know()
            self.news.notify_all()

    def watching(self, live: bool) -> None:
        """A watch is open, or has ended."""
        with self.news:
            if live:
                self._standing.join()
            else:
                self._standing.leave()
            self.news.notify_all()

    def apply(self, change: Change[T]) -> bool:
        """Take in an event; False when the stream cannot be trusted."""
        with self.news:
            trusted = self._replica.apply(change)
            self._standing.hear()
            self.news.notify_all()
            return trusted

    def lose(self, problem: RuntimeProblem, *, refused: bool) -> None:
        """An attempt failed; with `refused` nobody may see what was there."""
        with self.news:
            self._standing.lose(problem, refused=refused)
            if not self._standing.listed:
                self._replica.clear()
            self.news.notify_all()

    def rest(self, floor_s: float, longest_s: float) -> None:
        """Let time pass: at least as long as the server asked for, at most until somebody needs something."""
        with self.news:
            floor_s = max(floor_s, self._standing.retry_after_s)
            self._standing.refused_until = monotonic() + self._standing.retry_after_s
            self.news.wait_for(lambda: self.closed, floor_s)
            self.news.wait_for(lambda: self.closed or self._wanted, max(0.0, longest_s - floor_s))
            self._wanted = False

    def idle(self) -> bool:
        """Say whether nobody has looked for long; only with the lock held."""
        return not self.subscribers and monotonic() - self._read_at >= self._pace.idle_s

    def reset(self) -> None:
        """Give everything back; the next reader starts anew. Only with the lock held."""
        self.running = self.polling = False
        self._standing = Standing(problem=self._standing.problem)
        self._replica.clear()
        self.news.notify_all()
