"""The time of the simulated cluster, apart from the machine's, so that a world can have a past.

Stamps are the machine's own time once a cluster serves; only while its past is played (`Clock.play`) does the clock
stand where it is put. `speed` shortens waits (back-off, probes, pulls) and never changes a stamp: ages stay true.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def stamp(moment: datetime) -> str:
    """Write `moment` the way the API writes a metav1.Time: whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(moment: datetime) -> str:
    """Write `moment` the way the API writes a metav1.MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parsed(text: str) -> datetime:
    """Read a stamp of the API. Raise ValueError for anything else."""
    return datetime.fromisoformat(text).astimezone(UTC)


class Clock:
    """Tell the time; `speed` 10 lets ten simulated seconds of waiting pass in one."""

    def __init__(self, *, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError("speed must be more than 0")
        self.speed = speed
        self._played: datetime | None = None

    def now(self) -> datetime:
        """Give the present moment, or the one that is being played."""
        return self._played or datetime.now(UTC)

    def play(self, moment: datetime | None) -> None:
        """Stand at `moment`; None goes back to the machine's time."""
        self._played = moment

    def wait_s(self, simulated_s: float) -> float:
        """Give how long a wait of `simulated_s` really takes. A past is played without waiting at all."""
        return simulated_s if self._played else simulated_s / self.speed

    def after(self, simulated_s: float) -> datetime:
        """Give the moment when a wait of `simulated_s` that begins now is over."""
        return self.now() + timedelta(seconds=self.wait_s(simulated_s))

    def stamp(self) -> str:
        """Give the present moment as the API writes it."""
        return stamp(self.now())
