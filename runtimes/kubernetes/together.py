"""Runs the reads of one page at the same time: a page needs up to ten, and a line with 100 ms there and back is common.

Bounded: a runtime has READERS threads however many people look; further reads wait for their turn.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from runtimes.errors import RuntimeProblem, Unavailable

READERS = 8
"""Measured, an overview of eleven reads against a real API server: over a line with 100 ms there and back 1,080 ms one
by one and 210 ms together; on loopback 14 ms and 36 ms, where threads only cost. The slow line is what hurts."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call gave, or the problem it ended with."""

    value: Any = None
    problem: RuntimeProblem | None = None

    def get(self) -> Any:
        """Give the value, or raise the problem."""
        if self.problem is not None:
            raise self.problem
        return self.value


class Together:
    """A bounded number of named threads that belong to one runtime."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix=f"kubernetes {name} reader")

    def run(self, *calls: Callable[[], object]) -> list[Outcome]:
        """Run all calls, give their outcomes in order. Never give them work that itself waits for this pool."""
        first, *others = calls
        try:
            waiting = [self._threads.submit(_outcome, call) for call in others]
        except RuntimeError as error:
            raise Unavailable("The runtime is being closed.") from error
        return [_outcome(first), *(future.result() for future in waiting)]

    def close(self) -> None:
        """Let running calls end (each has its own deadline) and join the threads. May be called twice."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _outcome(call: Callable[[], object]) -> Outcome:
    try:
        return Outcome(call())
    except RuntimeProblem as problem:
        return Outcome(problem=problem)
