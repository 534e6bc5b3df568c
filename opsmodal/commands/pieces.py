"""The output of a command as pieces with numbers: bytes of one of its streams, cut between characters.

A piece is read by itself, so a character that two reads of a pipe have torn apart waits for its rest: all pieces of a
stream, each decoded alone, are the whole stream decoded (UTF-8, with U+FFFD for what is none). Small writes are
gathered for a moment, as a program that writes single bytes must not cost a record for each. Pure but for the clock.
"""

from __future__ import annotations

import codecs
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

Source = Literal["stdout", "stderr"]

PIECE_MAX_BYTES = 64 * 1024
"""What one frame carries at most: shown at once, and small beside what a page holds."""
GATHER_S = 0.05
"""How long small writes wait for more: below what an eye takes for a pause, and 12,000 pieces in ten minutes."""
TURNS_MAX = 16
"""How often the streams may take turns in what is gathered; beyond that what belongs to one is put together."""
_MARKS: dict[Source, bytes] = {"stdout": b"o", "stderr": b"e"}
_SOURCES: dict[bytes, Source] = {mark: source for source, mark in _MARKS.items()}


def packed(source: Source, data: bytes) -> bytes:
    """Write a piece as it lies in a spool."""
    return _MARKS[source] + data


def unpacked(record: bytes) -> tuple[Source, str]:
    """Read a piece: its stream, and its text."""
    return _SOURCES[record[:1]], record[1:].decode(errors="replace")


class Gathering:
    """Writes on their way to the spool: joined, cut between characters, and put there by whoever comes by in time."""

    def __init__(self, put: Callable[[list[bytes]], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._put = put
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: list[tuple[Source, bytearray]] = []
        self._torn: dict[Source, bytes] = {"stdout": b"", "stderr": b""}
        self._bytes = 0
        self._put_at = clock() - GATHER_S

    @property
    def due_s(self) -> float | None:
        """How long until what is gathered is due; None when nothing is."""
        return max(0.0, self._put_at + GATHER_S - self._clock()) if self._parts else None

    def add(self, source: Source, data: bytes) -> bool:
        """Take a write in; True when it waits for more. Raise what putting raises."""
        with self._lock:
            for start in range(0, len(data), PIECE_MAX_BYTES):
                part = data[start : start + PIECE_MAX_BYTES]
                if self._bytes + len(part) > PIECE_MAX_BYTES:
                    self._flush(last=False)
                self._join(source, part)
            if self._clock() - self._put_at >= GATHER_S:
                self._flush(last=False)
            return bool(self._parts)

    def flush_due(self) -> None:
        """Put what is due: for readers, as nobody writes while the command is quiet."""
        with self._lock:
            if self._parts and self._clock() - self._put_at >= GATHER_S:
                self._flush(last=False)

    def finish(self) -> None:
        """Put everything, and what is left of torn characters."""
        with self._lock:
            self._flush(last=True)

    def _join(self, source: Source, data: bytes) -> None:
        self._bytes += len(data)
        parts = self._parts
        if len(parts) >= TURNS_MAX:
            same = next((held for of, held in reversed(parts) if of == source), None)
        else:
            same = parts[-1][1] if parts and parts[-1][0] == source else None
        if same is None:
            parts.append((source, bytearray(data)))
        else:
            same += data

    def _flush(self, *, last: bool) -> None:
        self._put_at = self._clock()
        parts, self._parts, self._bytes = self._parts, [], 0
        records = [packed(source, piece) for source, held in parts for piece in self._whole(source, bytes(held))]
        if last:
            records += [packed(source, rest) for source, rest in self._torn.items() if rest]
            self._torn = {"stdout": b"", "stderr": b""}
        if records:
            self._put(records)

    def _whole(self, source: Source, data: bytes) -> Iterator[bytes]:
        """Give what can be read of a stream's bytes now, and keep the beginning of a character for later."""
        data = self._torn[source] + data
        _, whole = codecs.utf_8_decode(data, "replace", False)
        self._torn[source] = data[whole:]
        if whole:
            yield data[:whole]
