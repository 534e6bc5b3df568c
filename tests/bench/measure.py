"""What a benchmark is: our time and a peer's, taken in turns in the same run, so that a slow machine slows both.

A single figure says more about the machine than about the code; the ratio is what is compared between versions.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

Take = Callable[[], float]
"""Take one measurement and give it in the benchmark's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """`at_most` is a promise on our own median, in `unit`; None where nothing was promised."""

    name: str
    unit: str
    ours: Take
    peer: Take
    peer_name: str
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The medians over `rounds` turns."""

    benchmark: Benchmark
    rounds: int
    ours: float
    peer: float

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def kept(self) -> bool:
        """Whether the promise, if there is one, was kept."""
        return self.benchmark.at_most is None or self.ours <= self.benchmark.at_most


def measured(benchmark: Benchmark, *, rounds: int) -> Result:
    """Take turns; the first turn warms caches and is thrown away."""
    turns = [(benchmark.ours(), benchmark.peer()) for _ in range(rounds + 1)][1:]
    return Result(
        benchmark=benchmark,
        rounds=rounds,
        ours=statistics.median(ours for ours, _ in turns),
        peer=statistics.median(peer for _, peer in turns),
    )
