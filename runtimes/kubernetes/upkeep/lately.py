"""What hardly ever changes about a cluster, asked once a minute however often a page asks for it.

A refusal is kept as long: who may not read something would only be refused again. Silence never is, and nothing that is
about to be changed goes by what is kept here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from runtimes.errors import Denied

T = TypeVar("T")

KEPT_S = 60.0


class Lately(Generic[T]):
    """One answer, or one refusal. Safe to use from several threads; asks outside of its lock."""

    def __init__(self, *, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._until = 0.0
        self._value: T | None = None
        self._refusal: Denied | None = None

    def known(self) -> T | None:
        """Give what is known, None where nothing is, or not of late. Raise the refusal."""
        with self._lock:
            if monotonic() >= self._until:
                return None
            if self._refusal is not None:
                raise self._refusal
            return self._value

    def asked(self, ask: Callable[[], T]) -> T:
        """Give what is known, else ask. Raise what asking raises, or has raised."""
        found = self.known()
        if found is not None:
            return found
        try:
            found = ask()
        except Denied as denied:
            self._set(None, denied)
            raise
        self.keep(found)
        return found

    def keep(self, value: T) -> None:
        """Take in an answer."""
        self._set(value, None)

    def forget(self) -> None:
        """Ask anew next time."""
        with self._lock:
            self._until = 0.0

    def _set(self, value: T | None, refusal: Denied | None) -> None:
        with self._lock:
            self._value, self._refusal, self._until = value, refusal, monotonic() + self._kept_s
