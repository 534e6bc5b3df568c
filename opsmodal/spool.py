"""The bounded store behind a stream: records by number, the newest kept, several readers at their own pace.

The records lie in a few segment files, so that dropping the oldest is one close. The files have no name: each is
unlinked as soon as it is open, so whatever ends this process, no log of somebody's service is left on the disk. A spool
refuses to grow beyond its bound, and to pretend that nothing was dropped.
"""

from __future__ import annotations

import os
import threading
from array import array
from collections import deque
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from time import monotonic

SEGMENTS = 4
"""At most a quarter of what is kept is dropped at once."""

RECORD_OVERHEAD_BYTES = 8
"""What a record costs beside its bytes, in the index; counted, so that empty records are bounded too."""

READ_MAX_BYTES = 4 * 1024 * 1024
"""One read gives no more than this (but at least one record), whatever number of records was asked for."""


class Gone(Exception):
    """The record asked for was dropped; `first_offset` is the oldest that is still there."""

    def __init__(self, first_offset: int) -> None:
        super().__init__(f"Records before {first_offset} have been dropped.")
        self.first_offset = first_offset


class _Segment:
    """One file of records: `ends[i]` is where the record `first + i` ends."""

    def __init__(self, path: Path, first: int) -> None:
        self.first = first
        self.ends = array("Q", [0])
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        path.unlink()

    @property
    def next(self) -> int:
        return self.first + len(self.ends) - 1

    @property
    def cost_bytes(self) -> int:
        return self.ends[-1] + RECORD_OVERHEAD_BYTES * (len(self.ends) - 1)

    def append(self, records: Sequence[bytes]) -> None:
        data = b"".join(records)
        start, rest = self.ends[-1], memoryview(data)
        while rest:  # a write may be short; when the disk is full it raises and the records were never there
            written = os.pwrite(self._file, rest, start + len(data) - len(rest))
            rest = rest[written:]
        self.ends.extend(accumulate(map(len, records[1:]), initial=start + len(records[0])))

    def room(self, records: Sequence[bytes], at: int, max_bytes: int) -> int:
        """Say how many of the records from `at` on fit; at least one fits into an empty segment."""
        cost, first = self.cost_bytes, at
        while at < len(records):
            cost += len(records[at]) + RECORD_OVERHEAD_BYTES
            if cost > max_bytes and (at > first or self.cost_bytes):
                break
            at += 1
        return at - first

    def cost_from(self, offset: int) -> int:
        place = min(max(offset - self.first, 0), len(self.ends) - 1)
        return self.ends[-1] - self.ends[place] + RECORD_OVERHEAD_BYTES * (len(self.ends) - 1 - place)

    def read(self, offset: int, limit: int) -> list[tuple[int, bytes]]:
        ends = self.ends[offset - self.first : offset - self.first + limit + 1]
        within = [end for end in ends[1:] if end - ends[0] <= READ_MAX_BYTES] or list(ends[1:2])
        data = os.pread(self._file, within[-1] - ends[0], ends[0])
        places = pairwise([0, *(end - ends[0] for end in within)])
        return [(offset + number, data[start:end]) for number, (start, end) in enumerate(places)]

    def close(self) -> None:
        os.close(self._file)


class Spool:
    """Append records, read them by offset (their number, from 0). Safe across threads."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._segments: deque[_Segment] = deque()
        self._made = 0
        self._wakes = 0
        self._closed = False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._grow(0)

    @property
    def first_offset(self) -> int:
        """The oldest record that is still there (or would be, in an empty spool)."""
        with self._changed:
            return self._segments[0].first if self._segments else 0

    @property
    def next_offset(self) -> int:
        """The offset that the next record will get."""
        with self._changed:
            return self._segments[-1].next if self._segments else 0

    def append(self, record: bytes) -> int:
        """Keep a record and give its offset; the oldest go when there is no room.

        Raise ValueError for one larger than the whole spool or a closed spool, OSError when the disk refuses.
        """
        return self.extend((record,)) - 1

    def extend(self, records: Sequence[bytes]) -> int:
        """Keep records, in one write where they fit, and give the next offset. Raise what `append` raises."""
        largest = max(map(len, records), default=0)
        if largest + RECORD_OVERHEAD_BYTES > self._max_bytes:
            raise ValueError(f"a record of {largest} bytes does not fit into {self._max_bytes} bytes")
        with self._changed:
            if self._closed:
                raise ValueError("the spool is closed")
            at = 0
            while at < len(records):
                at += self._fill(records, at)
            self._changed.notify_all()
            return self._segments[-1].next

    def _fill(self, records: Sequence[bytes], at: int) -> int:
        """Put what fits into the last segment, or into a new one; give how many records that were."""
        last = self._segments[-1]
        fitting = last.room(records, at, self._max_bytes // SEGMENTS)
        if not fitting:
            last = self._grow(last.next)
            fitting = last.room(records, at, self._max_bytes // SEGMENTS)
        last.append(records[at : at + fitting])
        while sum(segment.cost_bytes for segment in self._segments) > self._max_bytes:
            self._segments.popleft().close()
        return fitting

    def bytes_from(self, offset: int) -> int:
        """Say how many bytes of the spool the records from `offset` on take."""
        with self._changed:
            return sum(segment.cost_from(offset) for segment in self._segments)

    def read(self, offset: int, limit: int) -> list[tuple[int, bytes]]:
        """Give at most `limit` records from `offset` on with their offsets; none at the end or after `close`.

        It may give fewer than there are: ask again from the last offset plus one. Raise Gone when `offset` was dropped.
        """
        with self._changed:
            if self._closed or limit <= 0:
                return []
            if offset < self._segments[0].first:
                raise Gone(self._segments[0].first)
            for segment in self._segments:
                if offset < segment.next:
                    return segment.read(offset, limit)
            return []

    def wait(self, offset: int, *, timeout_s: float) -> bool:
        """Wait until a record at `offset` was written, `wake` or `close`; False when the time ran out first."""
        deadline = monotonic() + timeout_s
        with self._changed:
            wakes = self._wakes
            while not self._closed and self._wakes == wakes and offset >= self._segments[-1].next:
                left_s = deadline - monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(left_s)
            return True

    def wake(self) -> None:
        """Let everybody who waits look again: what they wait for may have ended."""
        with self._changed:
            self._wakes += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Give the disk space back and wake everybody. May be called twice."""
        with self._changed:
            self._closed = True
            while self._segments:
                self._segments.popleft().close()
            self._changed.notify_all()

    def _grow(self, first: int) -> _Segment:
        segment = _Segment(self._path.with_name(f"{self._path.name}.{self._made}"), first)
        self._made += 1
        self._segments.append(segment)
        return segment
