"""An engine's log stream taken apart: which bytes are stdout, which stderr, and which pieces are one line. Pure.

Without a terminal both streams come in one body, each message behind a header of eight bytes (Docker Engine API,
"Attach to a container", stream format); with one there is a single raw stream. Docker cuts a line at 16 KiB and writes
the time stamp before *each* piece, so that a long line read naively has stamps in its middle: here they are taken out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Literal

from runtimes.records import LINE_MAX_BYTES, cut, records, stamp_of

HEADER_BYTES = 8
HEADER = struct.Struct(">BxxxL")
STREAMS: dict[int, Literal["stdout", "stderr", "unknown"]] = {0: "stdout", 1: "stdout", 2: "stderr"}
"""0 is stdin, which engines write for stdout of some old containers; anything else is no frame."""

FRAME_MAX_BYTES = 16 * 1024 * 1024
"""A header that announces more is no header: engines write at most 16 KiB and a stamp into one frame."""

PIECE_BYTES = 16 * 1024
"""Where dockerd cuts a line (daemon/logger/copier.go, defaultBufSize)."""

Stream = Literal["stdout", "stderr", "unknown"]


class NotFrames(ValueError):
    """The body does not consist of frames."""


Records = list[tuple[Stream, bytes]]
"""(stream, record) pairs, in the order in which they came."""


def frames(chunks: Iterable[bytes]) -> Iterator[Records]:
    """Cut a multiplexed body into (stream, payload), those that each chunk completes. Raise NotFrames where a header
    makes no sense.

    A frame that the end of the body cut off is dropped: whoever resumes gets it whole.
    """
    cutter = Cutter()
    for chunk in chunks:
        if found := cutter.take(chunk):
            yield found
        cutter.check()


class Cutter:
    """Cuts a multiplexed body that comes bit by bit."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._sense = True

    def take(self, chunk: bytes) -> Records:
        """Give the frames that a chunk completes."""
        self._held += chunk
        found, end, self._sense = _whole(self._held)
        del self._held[:end]
        return found

    def check(self) -> None:
        """Raise NotFrames when what follows can be no frame."""
        if not self._sense:
            kind, length = HEADER.unpack_from(self._held)
            raise NotFrames(f"stream {kind}, {length} bytes")


def _whole(held: bytearray) -> tuple[Records, int, bool]:
    """Give the frames that are there whole, where they end, and whether what follows can be a frame."""
    found: Records = []
    at, size = 0, len(held)
    with memoryview(held) as view:  # a slice of it is copied once, and not what follows it for every frame
        while size - at >= HEADER_BYTES:
            kind, length = HEADER.unpack_from(view, at)
            if kind not in STREAMS or length > FRAME_MAX_BYTES:
                return found, at, False
            end = at + HEADER_BYTES + length
            if end > size:
                break
            found.append((STREAMS[kind], bytes(view[at + HEADER_BYTES : end])))
            at = end
    return found, at, True


def split_records(chunks: Iterable[bytes], *, stamped: bool = True) -> Iterator[Records]:
    """Give the records of a multiplexed body: whole lines, stamped once if at all, with line ends; none of it empty."""
    lines: dict[Stream, _Line] = {}
    for batch in frames(chunks):
        found: Records = []
        for stream, payload in batch:
            line = lines.get(stream) or lines.setdefault(stream, _Line(stamped=stamped))
            if line.is_whole(payload):
                found.append((stream, payload))
            else:
                found += [(stream, record) for record in line.add(payload)]
        if found:
            yield found
    if rest := [(stream, record) for stream, line in lines.items() for record in line.end()]:
        yield rest


def terminal_records(chunks: Iterable[bytes], *, stamped: bool = True) -> Iterator[Records]:
    """Give the records of a container with a terminal, whose stdout and stderr are one.

    Without frames nothing tells a stamp that Podman wrote into a long line a second later from the line's own text:
    only a log that is not `stamped` is exact here.
    """
    for batch in cut(chunks, stamped=stamped):
        yield [("unknown", _unstamped(record) if stamped and len(record) > PIECE_BYTES else record) for record in batch]


def _unstamped(record: bytes) -> bytes:
    """Take the stamps out that Docker wrote before each later piece of one long line: all are the line's own."""
    stamp = stamp_of(record)
    return stamp + record[len(stamp) :].replace(stamp, b"") if stamp else record


class _Line:
    """The line of one stream that has not ended yet: at most LINE_MAX_BYTES and one frame."""

    def __init__(self, *, stamped: bool) -> None:
        self._held = b""
        self._stamped = stamped

    def is_whole(self, payload: bytes) -> bool:
        """Say whether a payload is one whole line, as nearly all are: then it need not be taken in."""
        return not self._held and payload.find(b"\n") == len(payload) - 1 and 0 < len(payload) <= LINE_MAX_BYTES

    def add(self, payload: bytes) -> Iterator[bytes]:
        if self._held and self._stamped:  # Podman stamps each piece with its own second, Docker all with the first's
            payload = payload[len(stamp_of(payload)) :]
        self._held += payload
        if b"\n" in payload:
            whole, _, self._held = self._held.rpartition(b"\n")
            yield from records([whole + b"\n"], stamped=self._stamped)
        elif len(self._held) > LINE_MAX_BYTES:
            *pieces, self._held = records([self._held], stamped=self._stamped)
            yield from pieces

    def end(self) -> Iterator[bytes]:
        if self._held:
            yield from records([self._held], stamped=self._stamped)
