"""Somebody's lasting look at one service of an engine: the list is kept current and figures are renewed meanwhile.

Figures cost the engine something for each container, so they are measured for services that somebody looks at, and as
often for five lookers as for one: who waits looks when the figures are due, and only the first who comes starts it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from runtimes.interest import Interest

RENEW_GAP_S = 0.2
"""Longest shortening of a wait: who waits looks no more often than this whether figures are due."""
TURN_S = 60.0
"""Time alone changes a row: who restarted often is no longer an error ten minutes later. So late that is told."""


class Looking:
    """A Watch of `runtimes.base`. `renew` starts measuring where it is due, and says in how many seconds it is next."""

    def __init__(self, interest: Interest, *, renew: Callable[[], float], left: Callable[[], None]) -> None:
        self._interest = interest
        self._renew = renew
        self._left = left
        self._closed = False
        self._due_at = 0.0
        self._turn_at = monotonic() + TURN_S

    @property
    def ended(self) -> bool:
        """Whether it, or the runtime, was closed."""
        return self._interest.ended

    def wait(self, timeout_s: float) -> bool:
        """Return True when the list may answer differently than when last waited for; never raises."""
        deadline = monotonic() + timeout_s
        while not self._interest.ended:
            if monotonic() >= self._due_at:
                self._due_at = monotonic() + max(RENEW_GAP_S, self._renew())
            told = self._interest.wait(max(0.0, min(self._due_at, self._turn_at, deadline) - monotonic()))
            if told or monotonic() >= self._turn_at:
                self._turn_at = monotonic() + TURN_S
                return True
            if monotonic() >= deadline:
                return False
        return self._interest.wait(0.0)

    def close(self) -> None:
        """End the interest. May be called twice, and from another thread."""
        if not self._closed:
            self._closed = True
            self._left()
        self._interest.close()
