"""One live collection for each key, however many people ask for it; owned and closed together by one runtime."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from runtimes.base import Counts
from runtimes.errors import Unavailable
from runtimes.watch import Reflector
from runtimes.watched import Pace, Source

T = TypeVar("T")

COLLECTIONS_MAX = 500
"""Collections of one runtime that are kept at once, each a thread and a connection."""

Key = tuple[str, str]
"""(namespace, kind)."""


class Reflectors(Generic[T]):
    """The live collections of a runtime. Safe to use from several threads.

    `given_back` is called with the key of one that nobody reads any more, in the thread that kept it.
    """

    def __init__(
        self,
        runtime: str,
        *,
        pace: Pace | None = None,
        given_back: Callable[[Key], None] = lambda _: None,
        most: int = COLLECTIONS_MAX,
    ) -> None:
        self._runtime = runtime
        self._pace = pace
        self._given_back = given_back
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[Key, Reflector[T]] = {}
        self._ended: list[Reflector[T]] = []
        """Those that were ended and may still be at their last request; they are joined when all are closed."""
        self._closed = False

    def of(self, key: Key, source: Callable[[], Source[T]]) -> Reflector[T]:
        """Give the collection of a key, made from `source` when it is new. Raise Unavailable for too many."""
        with self._lock:
            if self._closed:
                raise Unavailable(f"Runtime {self._runtime} is being closed.")
            known = self._known.get(key)
            if known is None:
                self._make_room()
                name = f"{key[1]} of {key[0]} on {self._runtime}"
                known = self._known[key] = Reflector(
                    source(), name=name, pace=self._pace, given_back=lambda: self._given_back(key)
                )
            return known

    def there(self, key: Key) -> Reflector[T] | None:
        """Give the collection of a key if somebody has asked for it."""
        with self._lock:
            return self._known.get(key)

    def end(self, key: Key) -> None:
        """Keep the collection of a key no longer; does not wait for its thread."""
        with self._lock:
            known = self._known.pop(key, None)
            if known is not None:
                self._ended = [each for each in self._ended if each.running] + [known]
        if known is not None:
            known.stop()

    def counts(self) -> Counts:
        """Say how much is kept, and how old it is."""
        with self._lock:
            known = list(self._known.values())
        return sum((each.counts for each in known), Counts())

    def close(self) -> None:
        """End all of them at the same time and join their threads. May be called twice."""
        with self._lock:
            self._closed = True
            known = [*self._known.values(), *self._ended]
        for each in known:
            each.stop()
        for each in known:
            each.close()

    def _make_room(self) -> None:
        if len(self._known) < self._most:
            return
        for key in [key for key, each in self._known.items() if not each.running]:
            self._known.pop(key).close()
        if len(self._known) >= self._most:
            hint = "Close some pages, or wait until nobody has looked at others for a few minutes."
            raise Unavailable(f"More than {self._most} lists of {self._runtime} are being watched.", hint=hint)
