"""A value that is read from far away, kept for a while, and read once however many want it at the same time.

A failure is remembered too, for a moment: everybody who waits for a provider that hangs waits once, not one after the
other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from opsmodal.oidc.errors import ProviderAway

T = TypeVar("T")

FAILURE_S = 5.0
WAIT_MAX_S = 30.0


class Remembered(Generic[T]):
    """One value. `for_s` is how long it is good, `again_s` how long it is kept even when it is asked for anew."""

    def __init__(
        self, read: Callable[[], T], *, for_s: float, again_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._for_s = for_s
        self._again_s = again_s
        self._clock = clock
        self._lock = threading.Lock()
        self._value: T | None = None
        self._at = 0.0
        self._problem: ProviderAway | None = None
        self._problem_at = 0.0

    @property
    def known(self) -> T | None:
        """Give the value if it is there and good, without asking anybody."""
        return self._value if self._value is not None and self._clock() - self._at < self._for_s else None

    def get(self) -> T:
        """Give the value. Raise ProviderAway."""
        return self._at_most(self._for_s)

    def anew(self) -> T:
        """Give the value as it is now, unless it was read a moment ago. Raise ProviderAway."""
        return self._at_most(self._again_s)

    def _at_most(self, age_s: float) -> T:
        if not self._lock.acquire(timeout=WAIT_MAX_S):
            raise ProviderAway("The provider does not answer in time.")
        try:
            if self._value is not None and self._clock() - self._at < age_s:
                return self._value
            if self._problem is not None and self._clock() - self._problem_at < FAILURE_S:
                raise ProviderAway(self._problem.sentence, hint=self._problem.hint)
            return self._refreshed()
        finally:
            self._lock.release()

    def _refreshed(self) -> T:
        try:
            value = self._read()
        except ProviderAway as problem:
            self._problem, self._problem_at = problem, self._clock()
            raise
        self._value, self._at, self._problem = value, self._clock(), None
        return value
