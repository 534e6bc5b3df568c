"""Lists that pages ask for again and again, listed once more and then kept by a watch for as long as somebody asks.

It only ever saves a question: whatever is not being watched just now, was changed by ourselves a moment ago, may not be
watched or is too large is listed as if there were nothing here, and fails as a list fails. One identity has one of
these. It refuses to keep Secrets and ConfigMaps, and nothing that is about to be changed is read from it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, TypeVar

from runtimes.base import Counts, Snapshot
from runtimes.errors import RuntimeProblem, Unavailable
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.written import namespace_of
from runtimes.kubernetes.watching.source import LIST_MAX_BYTES, KeptSource, TooLarge
from runtimes.reflectors import Key, Reflectors
from runtimes.watch import REFUSALS, WATCH_AGAIN_S, Reflector
from runtimes.watched import Pace

T = TypeVar("T")

LISTS_MAX = 200
"""Lists of one identity that are kept at once, each a thread and a connection: those of some 15 namespaces."""
ALL_MAX_BYTES = 128 * 1024 * 1024
"""JSON of all lists of one identity beyond which no further one is kept."""
PACE = Pace(idle_s=90.0)
"""A page asks every 5 s; a list that nobody asked for during this is let go."""
FIRST_MAX_S = 15.0
"""Longest that somebody waits for a first list: that of a request which may be repeated once."""
WORTH_S = 8.0
"""How long somebody has to have been asking for a list before it is kept: the third look of a page that stays open.
Whoever looks once, as a program does, costs a request and not a watch, and sees what is true at that very moment."""
PAUSE_MAX_S = 30.0
"""A longer pause between two looks makes the next one a first look."""
LOOKS_MAX = 2_000
TRUSTED = timedelta(seconds=2)
"""How long a list counts as current while its watch is being opened, as `runtimes.standing` has it of an ended one."""
NEVER = frozenset({"secrets", "configmaps"})


class KeptLists:
    """The lists that one identity looks at on one API server. Safe to use from several threads."""

    def __init__(
        self,
        client: Client,
        runtime: str,
        *,
        pace: Pace = PACE,
        most: int = LISTS_MAX,
        most_bytes: int = LIST_MAX_BYTES,
        all_bytes: int = ALL_MAX_BYTES,
        worth_s: float = WORTH_S,
    ) -> None:
        self._client = client
        self._most_bytes = most_bytes
        self._all_bytes = all_bytes
        self._worth_s = worth_s
        self._reflectors: Reflectors[Any] = Reflectors(runtime, pace=pace, most=most)
        self._lock = threading.Lock()
        self._sources: dict[Key, KeptSource[Any]] = {}
        self._unfit: dict[Key, float] = {}
        self._looks: OrderedDict[Key, tuple[float, float]] = OrderedDict()
        """Since when each list has been asked for again and again, and when it was last."""

    def listed(self, path: str, kind: type[T], *, what: str, lenient: bool = False) -> Sequence[T]:
        """Give all of a collection, out of memory where that is current, else read. Raise RuntimeProblem.

        The arguments are as `Client.listed` has them; what is given is shared, and must not be changed.
        """
        found = self._current(path, kind, what)
        return self._client.listed(path, kind, what=what, lenient=lenient) if found is None else found

    def held(self, path: str, kind: type[T], *, what: str) -> Sequence[T] | None:
        """Give all of a collection as it is kept, None where that cannot be believed or had; never raises."""
        try:
            return self._current(path, kind, what)
        except RuntimeProblem:
            return None

    def beside(self, path: str, kind: type[T], *, what: str) -> Sequence[T]:
        """Give all of a collection out of what is kept for others, else read. Raise RuntimeProblem.

        It is for what is collected whether or not anybody looks: nothing is kept for that, and nothing kept longer.
        """
        known = self._reflectors.there(_key(path, kind, what))
        snapshot = known.peek() if known is not None and not self._client.written.lately(path) else None
        if snapshot is None or _is_old(snapshot):
            return self._client.listed(path, kind, what=what)
        found: tuple[T, ...] = snapshot.items
        return found

    def counts(self) -> Counts:
        """Say how much is kept, and how old it is."""
        return self._reflectors.counts()

    def close(self) -> None:
        """End every watch and join its thread. May be called twice."""
        self._reflectors.close()

    def _current(self, path: str, kind: type[T], what: str) -> Sequence[T] | None:
        """Give what is kept, None where that cannot be believed. Raise what a first list fails with."""
        key = _key(path, kind, what)
        if path.rpartition("/")[2] in NEVER or not self._is_fit(key) or self._client.written.lately(path):
            return None
        known = self._reflector(key, path, kind, what)
        if known is None or known.polling:
            self._give_up(key)
            return None
        try:
            snapshot = known.read(wait_s=FIRST_MAX_S)
        except TooLarge:
            self._give_up(key)
            return None
        except REFUSALS:
            self._give_up(key)
            raise
        except Unavailable:
            if self._reflectors.there(key) is not known:  # given up meanwhile by somebody else who asked
                return None
            raise
        return None if _is_old(snapshot) else snapshot.items

    def _reflector(self, key: Key, path: str, kind: type[T], what: str) -> Reflector[T] | None:
        """Give the live collection; None where there is no room for one more."""

        def source() -> KeptSource[T]:
            made = KeptSource(self._client, path, kind, what=what, most_bytes=self._most_bytes)
            with self._lock:
                self._sources[key] = made
            return made

        there = self._reflectors.there(key)
        if (there is None or not there.running) and self._held_bytes() >= self._all_bytes:
            return None
        try:
            return self._reflectors.of(key, source)
        except Unavailable:
            return None

    def _held_bytes(self) -> int:
        with self._lock:
            sources = list(self._sources.items())
        known = ((self._reflectors.there(key), source) for key, source in sources)
        return sum(source.held_bytes for each, source in known if each is not None and each.running)

    def _is_fit(self, key: Key) -> bool:
        """Say whether a list may be kept, and has been asked for long enough to be worth it."""
        now = monotonic()
        with self._lock:
            since, last = self._looks.pop(key, (now, now))
            since = now if now - last > PAUSE_MAX_S else since
            self._looks[key] = since, now
            while len(self._looks) > LOOKS_MAX:
                self._looks.popitem(last=False)
            return now - since >= self._worth_s and self._unfit.get(key, 0.0) <= now

    def _give_up(self, key: Key) -> None:
        """Keep a list no longer, and not try again for a while: its thread would go on asking what was refused."""
        now = monotonic()
        with self._lock:
            self._unfit = {each: until for each, until in self._unfit.items() if until > now}
            self._unfit[key] = now + WATCH_AGAIN_S
            self._sources.pop(key, None)
        self._reflectors.end(key)


def _key(path: str, kind: type[T], what: str) -> Key:
    """Name a list by its path and by what its objects are read as: facets have models of one name that differ."""
    return namespace_of(path), f"{what} ({path} as {kind.__module__}.{kind.__qualname__})"


def _is_old(snapshot: Snapshot[T]) -> bool:
    return snapshot.stale or datetime.now(UTC) - snapshot.as_of > TRUSTED
