"""An engine's log stream taken apart: which bytes are stdout, which stderr, and which pieces are one line. Pure.

Without a terminal both streams come in one body, each message behind a header of eight bytes (Docker Engine API,
"Attach to a container", stream format); with one there is a single raw stream. Docker cuts a line at 16 KiB and writes
the time stamp before *each* piece, so that a long line read naively has stamps in its middle: here they are taken out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Literal

from runtimes.lines import LINE_MAX_BYTES, records, stamp_of

HEADER_BYTES = 8
STREAMS: dict[int, Literal["stdout", "stderr", "unknown"]] = {0: "stdout", 1: "stdout", 2: "stderr"}
"""0 is stdin, which engines write for stdout of some old containers; anything else is no frame."""

FRAME_MAX_BYTES = 16 * 1024 * 1024
"""A header that announces more is no header: engines write at most 16 KiB and a stamp into one frame."""

PIECE_BYTES = 16 * 1024
"""Where dockerd cuts a line (daemon/logger/copier.go, defaultBufSize)."""

Stream = Literal["stdout", "stderr", "unknown"]


class NotFrames(ValueError):
    """The body does not consist of frames."""


def frames(chunks: Iterable[bytes]) -> Iterator[tuple[Stream, bytes]]:
    """Cut a multiplexed body into (stream, payload). Raise NotFrames where a header makes no sense.

    A frame that the end of the body cut off is dropped: whoever resumes gets it whole.
    """
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= HEADER_BYTES:
            kind, length = struct.unpack_from(">BxxxL", held)
            if kind not in STREAMS or length > FRAME_MAX_BYTES:
                raise NotFrames(f"stream {kind}, {length} bytes")
            if len(held) < HEADER_BYTES + length:
                break
            yield STREAMS[kind], bytes(held[HEADER_BYTES : HEADER_BYTES + length])
            del held[: HEADER_BYTES + length]


def split_records(chunks: Iterable[bytes], *, stamped: bool = True) -> Iterator[tuple[Stream, bytes]]:
    """Give the (stream, record) pairs of a multiplexed body: whole lines, stamped once if at all, with line ends."""
    lines: dict[Stream, _Line] = {}
    for stream, payload in frames(chunks):
        for record in lines.setdefault(stream, _Line(stamped=stamped)).add(payload):
            yield stream, record
    for stream, line in lines.items():
        for record in line.end():
            yield stream, record


def terminal_records(chunks: Iterable[bytes], *, stamped: bool = True) -> Iterator[tuple[Stream, bytes]]:
    """Give the records of a container with a terminal, whose stdout and stderr are one.

    Without frames nothing tells a stamp that Podman wrote into a long line a second later from the line's own text:
    only a log that is not `stamped` is exact here.
    """
    for record in records(chunks, stamped=stamped):
        yield "unknown", _unstamped(record) if stamped and len(record) > PIECE_BYTES else record


def _unstamped(record: bytes) -> bytes:
    """Take the stamps out that Docker wrote before each later piece of one long line: all are the line's own."""
    stamp = stamp_of(record)
    return stamp + record[len(stamp) :].replace(stamp, b"") if stamp else record


class _Line:
    """The line of one stream that has not ended yet: at most LINE_MAX_BYTES and one frame."""

    def __init__(self, *, stamped: bool) -> None:
        self._held = b""
        self._stamped = stamped

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
