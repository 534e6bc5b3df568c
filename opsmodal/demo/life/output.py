"""What invented programs write: every line follows from the program and the time, so that nothing has to be kept.

A run of a container can be asked for its n-th line at any moment; thousands of pods that log steadily cost no memory
and no thread. Lines that a test puts in by hand are kept, up to a bound.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from opsmodal.demo.names import share

NANOSECONDS = 1_000_000_000
WRITTEN_LINES_MAX = 10_000
"""Lines put in by hand that a run keeps."""
READABLE_LINES_MAX = 200_000
"""Lines back that can still be read: a kubelet keeps about 10 MB before it rotates."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, and when it was written."""

    nanoseconds: int
    text: bytes


class Output(Protocol):
    """The output of one run of a container: a sequence that grows with time."""

    def count(self, until_ns: int) -> int:
        """Give how many lines were written up to a moment."""
        ...

    def line(self, place: int) -> Line:
        """Give the line at `place`, from 0."""
        ...


def nanoseconds(moment: datetime) -> int:
    """Give a moment as nanoseconds since 1970."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NANOSECONDS + delta.microseconds * 1000


Write = Callable[[str, int, datetime], str]
"""Gives the n-th steady line of a run: (identity of the run, n, moment)."""


@dataclass(slots=True, kw_only=True)
class Steady:
    """Opening lines, then one line every `period_s` (0 for none), then closing lines when the run has ended."""

    identity: str
    started_ns: int
    opening: tuple[str, ...] = ()
    period_s: float = 0.0
    write: Write = lambda _, place, __: f"line {place}"
    closing: tuple[str, ...] = ()
    ended_ns: int | None = None
    opening_s: float = 0.02

    def _steady_from_ns(self) -> int:
        return self.started_ns + int((len(self.opening) + 1) * self.opening_s * NANOSECONDS)

    def _steady_ns(self, place: int) -> int:
        """Give the time of a steady line: evenly spaced, each a bit off, never out of order."""
        period_ns = self.period_s * NANOSECONDS
        return self._steady_from_ns() + int((place + 0.8 * share(self.identity, place)) * period_ns)

    def _steady_count(self, until_ns: int) -> int:
        if self.period_s <= 0 or until_ns < self._steady_from_ns():
            return 0
        least = int((until_ns - self._steady_from_ns()) / (self.period_s * NANOSECONDS))
        return least + (self._steady_ns(least) <= until_ns)

    def count(self, until_ns: int) -> int:
        """Give how many lines were written up to a moment."""
        end_ns = self.ended_ns if self.ended_ns is not None else until_ns
        running_ns = min(until_ns, end_ns)
        opened = sum(self._opening_ns(place) <= running_ns for place in range(len(self.opening)))
        closed = len(self.closing) if self.ended_ns is not None and until_ns >= self.ended_ns else 0
        return opened + self._steady_count(running_ns) + closed

    def _opening_ns(self, place: int) -> int:
        return self.started_ns + int((place + 1) * self.opening_s * NANOSECONDS)

    def line(self, place: int) -> Line:
        """Give the line at `place`."""
        if place < len(self.opening):
            moment_ns = self._opening_ns(place)
            return Line(moment_ns, self.opening[place].encode())
        steady = self._steady_count(self.ended_ns) if self.ended_ns is not None else place
        place -= len(self.opening)
        if self.ended_ns is not None and place >= steady:
            text = self.closing[min(place - steady, len(self.closing) - 1)]
            return Line(self.ended_ns + place - steady, text.encode())
        moment_ns = self._steady_ns(place)
        moment = datetime.fromtimestamp(moment_ns / NANOSECONDS, UTC)
        return Line(moment_ns, self.write(self.identity, place, moment).encode())


@dataclass(slots=True)
class Journal:
    """The output of a run: what its program writes and what was put in by hand, in the order of time."""

    program: Output
    written: deque[Line] = field(default_factory=lambda: deque(maxlen=WRITTEN_LINES_MAX))
    ended: bool = False

    def _program_lines(self, first: int, last: int) -> Iterator[Line]:
        return (self.program.line(place) for place in range(first, last))

    def between(self, after_ns: int, until_ns: int) -> Iterator[Line]:
        """Give the lines later than `after_ns` and up to `until_ns`, oldest first."""
        last = self.program.count(until_ns)
        first = max(last - READABLE_LINES_MAX, self._first_after(after_ns, last))
        by_hand = [line for line in self.written if after_ns < line.nanoseconds <= until_ns]
        return _merged(self._program_lines(first, last), by_hand)

    def _first_after(self, after_ns: int, last: int) -> int:
        return bisect_right(range(last), after_ns, key=lambda place: self.program.line(place).nanoseconds)

    def tail(self, count: int, until_ns: int) -> list[Line]:
        """Give the last `count` lines up to a moment, oldest first."""
        if count <= 0:
            return []
        last = self.program.count(until_ns)
        mine = self._program_lines(max(0, last - min(count, READABLE_LINES_MAX)), last)
        by_hand = [line for line in self.written if line.nanoseconds <= until_ns]
        return list(_merged(mine, by_hand))[-count:]


def _merged(lines: Iterator[Line], by_hand: list[Line]) -> Iterator[Line]:
    waiting = deque(by_hand)
    for line in lines:
        while waiting and waiting[0].nanoseconds < line.nanoseconds:
            yield waiting.popleft()
        yield line
    yield from waiting


class Outputs:
    """Find the journals of containers: the present run and the one before. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[tuple[str, str], deque[Journal]] = {}

    def begin(self, uid: str, container: str, output: Output) -> Journal:
        """Begin the journal of a new run."""
        journal = Journal(output)
        with self._lock:
            self._runs.setdefault((uid, container), deque(maxlen=2)).append(journal)
        return journal

    def of(self, uid: str, container: str, *, previous: bool = False) -> Journal | None:
        """Give the journal of the present run, or of the one before; None when there is none."""
        with self._lock:
            runs = self._runs.get((uid, container), deque())
            return runs[-1 - previous] if len(runs) > previous else None

    def write(self, uid: str, container: str, line: Line) -> bool:
        """Put a line into the journal of the present run; tell whether there is one."""
        journal = self.of(uid, container)
        if journal is None:
            return False
        journal.written.append(line)
        return True

    def forget(self, uid: str) -> None:
        """Forget all journals of a pod."""
        with self._lock:
            for key in [key for key in self._runs if key[0] == uid]:
                del self._runs[key]
