"""Lines of many sources on their way to one reader: bounded, and given out by time as far as that is possible live.

Each source has a lane of its own, so that a flood in one neither starves nor delays the others: a full lane holds back
its own source only. It refuses to wait long for order: a source that is quiet is not waited for, so lines that come
late after a silence stand where they arrived, as they would on a terminal.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from time import monotonic

from runtimes.base import LogLine
from runtimes.lines import order_key

LANE_MAX_LINES = 1000
"""Lines that wait in one lane; twice the default tail, so that the catching up of a usual follow is merged whole."""

LANE_MAX_CHARS = 1024 * 1024
"""Characters that wait in one lane: long lines count for more, 50 lanes then hold at most some 50 to 200 MB."""

LIVELY_S = 0.1
"""How long a source that was just opened or gave a line is waited for, so that its next one finds its place by time.
Longer than the jitter between two connections to one engine, shorter than what a person notices."""

WAIT_S = 60.0
"""Longest single wait; whoever waits looks again after it, so that no lost wake-up can hang a thread for ever."""


class Lane:
    """The lines of one source that wait for the reader. Touched by the Inbox only, under its lock."""

    def __init__(self, lock: threading.Lock, lively_until: float) -> None:
        self.lines: deque[tuple[int, LogLine]] = deque()
        self.chars = 0
        self.last_key = -(2**63)
        self.lively_until = lively_until
        self.left = False
        self.room = threading.Condition(lock)

    @property
    def full(self) -> bool:
        return len(self.lines) >= LANE_MAX_LINES or self.chars >= LANE_MAX_CHARS

    def fill(self, lines: Sequence[LogLine], at: int) -> int:
        """Take lines from `at` on while there is room; give where to go on."""
        while at < len(lines) and not self.full:
            line = lines[at]
            self.last_key = order_key(line, self.last_key)
            self.lines.append((self.last_key, line))
            self.chars += len(line.text)
            at += 1
        return at


class Inbox:
    """Take lines from the threads of many sources and give them to one reader. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readable = threading.Condition(self._lock)
        self._lanes: list[Lane] = []
        self._error: Exception | None = None
        self._finished = False
        self._closed = False

    def lane(self, *, patience_s: float = 0.0) -> Lane:
        """Open a lane; the reader holds back other lines up to `patience_s` for its first one."""
        with self._lock:
            lane = Lane(self._lock, monotonic() + patience_s)
            self._lanes.append(lane)
            return lane

    def put(self, lane: Lane, lines: Sequence[LogLine]) -> bool:
        """Queue lines, waiting while the lane is full; False when nobody reads any more."""
        at = 0
        with self._lock:
            while at < len(lines):
                while lane.full and not self._over:
                    lane.room.wait(WAIT_S)
                if self._over:
                    return False
                at = lane.fill(lines, at)
                lane.lively_until = monotonic() + LIVELY_S
                self._readable.notify()
        return True

    def expect(self, lane: Lane, *, within_s: float) -> None:
        """Say how soon a source may give a line: so long the reader waits for it, and with 0 not at all."""
        with self._lock:
            lane.lively_until = monotonic() + within_s
            self._readable.notify()

    def fail(self, error: Exception) -> None:
        """Raise `error` at the reader once the lines that wait are read, and take no more; the first error counts."""
        with self._lock:
            self._error = self._error or error
            self._wake_everybody()

    def finish(self) -> None:
        """Say that nothing more comes: the reader ends once the lines that wait are read."""
        with self._lock:
            self._finished = True
            self._readable.notify()

    def close(self) -> None:
        """Drop what waits and wake everybody up."""
        with self._lock:
            self._closed = True
            for lane in self._lanes:
                lane.lines.clear()
            self._wake_everybody()

    def leave(self, lane: Lane) -> None:
        """Forget a lane whose source has ended, as soon as its lines are read."""
        with self._lock:
            lane.lively_until = 0.0
            lane.left = True
            self._forget_empty(lane)
            self._readable.notify()

    def take(self) -> list[LogLine]:
        """Give the next lines, all that can be given now; wait for one. None at the end: then the list is empty.

        Raise what a source failed with.
        """
        with self._lock:
            while not self._closed:
                waiting = [lane for lane in self._lanes if lane.lines]
                wait_s = self._patience_s(waiting) if waiting else WAIT_S
                if waiting and wait_s <= 0:
                    return self._pop(waiting)
                if not waiting and self._error:
                    raise self._error
                if not waiting and self._finished:
                    return []
                self._readable.wait(wait_s)
            return []

    @property
    def _over(self) -> bool:
        return self._closed or self._error is not None

    def _wake_everybody(self) -> None:
        self._readable.notify_all()
        for lane in self._lanes:
            lane.room.notify_all()

    def _forget_empty(self, lane: Lane) -> None:
        if lane.left and not lane.lines and lane in self._lanes:
            self._lanes.remove(lane)

    def _patience_s(self, waiting: list[Lane]) -> float:
        """How long to wait for a lively lane that has nothing yet. Not at all when a source is being held back."""
        if any(lane.full for lane in waiting):
            return 0.0
        until = max((lane.lively_until for lane in self._lanes if not lane.lines), default=0.0)
        return until - monotonic()

    def _pop(self, waiting: list[Lane]) -> list[LogLine]:
        """Give lines by time until a lane is empty, whose next line may come before those that wait."""
        taken: list[LogLine] = []
        if len(waiting) == 1:
            taken = [line for _, line in waiting[0].lines]
            waiting[0].lines.clear()
        while all(lane.lines for lane in waiting):
            first = min(waiting, key=lambda lane: lane.lines[0][0])
            taken.append(first.lines.popleft()[1])
        for lane in waiting:
            lane.chars = sum(len(line.text) for _, line in lane.lines)
            lane.room.notify()
            self._forget_empty(lane)
        return taken
