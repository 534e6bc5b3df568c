"""How far a live collection can be believed: since when, whether it is being watched, and what is wrong. Pure.

Not locked itself: the reflector holds the lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from runtimes.errors import RuntimeProblem

RETRY_AFTER_MAX_S = 60.0
"""Longest that a server may make us wait by asking for it."""
JUMP = timedelta(seconds=2)
"""When the clock and the time since differ by more, the clock was set."""
GRACE_S = 2.0
"""How long a collection counts as current while its watch is being opened again."""


@dataclass(slots=True)
class Standing:
    """`listed`: there is something to show. `live`: it is being watched."""

    listed: bool = False
    live: bool = False
    problem: RuntimeProblem | None = None
    begun: int = 0
    ended: int = 0
    """Attempts to list that have begun and ended."""
    listed_at: float = 0.0
    refused_until: float = 0.0
    """Until then the server has asked to be left alone."""
    retry_after_s: float = 0.0
    _heard_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _heard: float = field(default_factory=monotonic)
    _left_at: float = 0.0

    def told(self) -> tuple[datetime, bool, str]:
        """Give (as of, stale, problem). What is watched is as of now: a change would have been told."""
        if self.live:
            return datetime.now(UTC), False, ""
        if self.problem is not None:
            return self._as_of(), True, self.problem.sentence
        late = self._left_at > 0 and monotonic() - self._left_at > GRACE_S
        return self._as_of(), late, "The watch was cut and is being opened again." if late else ""

    def begin(self) -> None:
        """An attempt begins."""
        self.begun += 1

    def know(self) -> None:
        """A list has come."""
        self.listed, self.problem, self.ended, self.retry_after_s = True, None, self.begun, 0.0
        self.listed_at, self._left_at = monotonic(), 0.0
        self.hear()

    def hear(self) -> None:
        """The runtime gave a sign of life."""
        self._heard_at, self._heard = datetime.now(UTC), monotonic()

    def _as_of(self) -> datetime:
        """Say when the runtime was last heard, by the clock as it stands now: it may have been set since."""
        now = datetime.now(UTC)
        jumped = now - self._heard_at - timedelta(seconds=monotonic() - self._heard)
        return self._heard_at + jumped if abs(jumped) > JUMP else self._heard_at

    def join(self) -> None:
        """A watch is open."""
        self.live = True
        self.hear()

    def leave(self) -> None:
        """The watch has ended."""
        if self.live:
            self.live, self._left_at = False, monotonic()

    def lose(self, problem: RuntimeProblem, *, refused: bool) -> None:
        """An attempt failed, or the watch was lost; with `refused` there is nothing to show any more."""
        self.live, self.ended, self.problem = False, self.begun, problem
        self.retry_after_s = min(problem.retry_after_s or 0.0, RETRY_AFTER_MAX_S)
        self.listed = self.listed and not refused
