"""Containers whose command is a script that the interpreter knows: their output and their end follow from it.

The script runs in simulated time, only as far as somebody looks, and what it wrote is kept up to a bound.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from opsmodal.demo.documents import Obj
from opsmodal.demo.life.output import NANOSECONDS, Line
from opsmodal.demo.shell.interpreter import is_known
from opsmodal.demo.shell.steps import Ask, Running, Say, Wait

LINES_MAX = 20_000
STEPS_MAX = 50_000
"""Steps that one look at a script takes at most."""


def words_of(container: Obj) -> list[str]:
    """Give the words of a container's command if it is one that the interpreter knows, else none."""
    words = [str(word) for word in (*(container.get("command") or ()), *(container.get("args") or ()))]
    return words if words and is_known(words[0]) else []


PROBE_STEPS_MAX = 1000
OUTPUT_MAX_BYTES = 10 * 1024
"""What a probe's report shows of its output (the kubelet: 10 KiB)."""


def quickly(running: Running, most_s: float) -> tuple[int, bytes]:
    """Run a command that must be done within `most_s`; give its exit status and output. Late counts as failed."""
    output, waited_s = b"", 0.0
    for _ in range(PROBE_STEPS_MAX):
        try:
            step = next(running)
        except StopIteration as end:
            return int(end.value or 0), output
        if isinstance(step, Say):
            output = (output + step.data)[:OUTPUT_MAX_BYTES]
        elif isinstance(step, Wait):
            waited_s += step.seconds
        if waited_s > most_s:
            break
    running.close()
    return 1, b"command timed out"


@dataclass(slots=True, kw_only=True)
class Script:
    """A script that runs from `started_ns` on; `pace` is how much real time a simulated second takes."""

    running: Running
    started_ns: int
    pace: float = 1.0
    exit_code: int | None = None
    ended_ns: int | None = None
    now_ns: int = 0
    _lines: list[Line] = field(default_factory=list)
    _partial: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def advance(self, until_ns: int) -> None:
        """Run the script up to a moment."""
        with self._lock:
            self.now_ns = max(self.now_ns, self.started_ns)
            for _ in range(STEPS_MAX):
                if self.exit_code is not None or self.now_ns > until_ns:
                    return
                self._step()

    def _step(self) -> None:
        try:
            step = next(self.running)
        except StopIteration as end:
            self.exit_code, self.ended_ns = int(end.value or 0), self.now_ns
            self._write(b"\n" if self._partial else b"")
            return
        if isinstance(step, Say):
            self._write(step.data)
        elif isinstance(step, Wait):
            self.now_ns += int(min(step.seconds, 10**8) * self.pace * NANOSECONDS)
        elif isinstance(step, Ask):
            return

    def _write(self, data: bytes) -> None:
        *whole, self._partial = (self._partial + data).split(b"\n")
        for text in whole:
            if len(self._lines) < LINES_MAX:
                self._lines.append(Line(self.now_ns, text))
            self.now_ns += 1

    def cut(self, now_ns: int) -> None:
        """End the script from outside."""
        with self._lock:
            self.running.close()
            if self.exit_code is None:
                self.exit_code, self.ended_ns = 137, now_ns

    def count(self, until_ns: int) -> int:
        """Give how many lines were written up to a moment."""
        self.advance(until_ns)
        low, high = 0, len(self._lines)
        while low < high:
            middle = (low + high) // 2
            if self._lines[middle].nanoseconds <= until_ns:
                low = middle + 1
            else:
                high = middle
        return low

    def line(self, place: int) -> Line:
        """Give the line at `place`."""
        return self._lines[place]
