"""What a benchmark says: figures of ours beside a peer's of the same run, and whether what was promised is met. Pure.

A single figure says more about the machine than about the code; the ratio is what is compared between versions.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

Take = Callable[[], float]
"""Take one measurement and give it in the figure's unit."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """An upper bound, on our own figure or on its ratio to the peer's."""

    at_most: float
    of: Literal["ours", "ratio"] = "ours"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number. `with_` says what it was measured with; `count` is over how many measurements."""

    name: str
    ours: float
    unit: str
    with_: str
    count: int = 1
    peer: float | None = None
    peer_name: str = ""
    promise: Promise | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's; None without a peer, infinite beside a peer of nothing."""
        if self.peer is None:
            return None
        return self.ours / self.peer if self.peer else (math.inf if self.ours else 1.0)

    @property
    def judged(self) -> float | None:
        """The number that the promise is about."""
        return self.ours if self.promise is None or self.promise.of == "ours" else self.ratio

    @property
    def kept(self) -> bool:
        """Whether the promise, if there is one, is met."""
        return self.promise is None or (self.judged is not None and self.judged <= self.promise.at_most)


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A benchmark that could not be measured, or not to its end, and why."""

    name: str
    why: str


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that `percent` of all do not exceed (nearest rank). Raise ValueError for none."""
    if not values:
        raise ValueError("no values, no percentile")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def in_turns(ours: Take, peer: Take, *, rounds: int, warm_up: bool = True) -> tuple[list[float], list[float]]:
    """Measure both in turns, so that a slow minute slows both; the first turn warms caches and is thrown away."""
    turns = [(ours(), peer()) for _ in range(rounds + warm_up)][warm_up:]
    return [mine for mine, _ in turns], [other for _, other in turns]


def median(values: Sequence[float]) -> float:
    """Give the median."""
    return statistics.median(values)
