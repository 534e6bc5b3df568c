"""What runs in an invented container beside its main program: the commands of execs, until they end or are killed.

As in a real container, a command goes on when whoever began it goes away, unless it writes to nobody.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

FIRST = 100
"""Numbers below are the main program's and those of tools that show themselves."""


@dataclass(slots=True, eq=False)
class Run:
    """A command that runs. `mark` is what it was marked with, "" for most."""

    pid: int
    command: str
    mark: str = ""
    killed: threading.Event = field(default_factory=threading.Event)


class Runs:
    """The commands that run in one container."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(FIRST)
        self._running: dict[int, Run] = {}

    @contextmanager
    def begun(self, command: str) -> Iterator[Run]:
        """Count a command among those that run, for as long as it does."""
        with self._lock:
            run = Run(next(self._numbers), command)
            self._running[run.pid] = run
        try:
            yield run
        finally:
            with self._lock:
                del self._running[run.pid]

    def now(self) -> list[Run]:
        """Give what runs, the oldest first."""
        with self._lock:
            return list(self._running.values())

    def kill(self, which: Callable[[Run], bool]) -> int:
        """End what fits; give how many that were."""
        found = [run for run in self.now() if which(run)]
        for run in found:
            run.killed.set()
        return len(found)
