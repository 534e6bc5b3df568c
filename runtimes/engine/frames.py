"""An engine's log stream taken apart: which bytes are stdout, which stderr, and which pieces are one line. Pure.

Without a terminal both streams come in one body, each message behind a header of eight bytes (Docker Engine API,
"Attach to a container", stream format); with one there is a single raw stream. Docker cuts a line at 16 KiB and writes
the time stamp before *each* piece, so that a long line read naively has stamps in its middle: here they are taken out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Literal

from runtimes.lines import LINE_MAX_BYTES, records

HEADER_BYTES = 8
STREAMS: dict[int, Literal["stdout", "stderr", "unknown"]] = {0: "stdout", 1: "stdout", 2: "stderr"}
"""0 is stdin, which engines write for stdout of some old containers; anything else is no frame."""

FRAME_MAX_BYTES = 16 * 1024 * 1024
"""A header that announces more is no header: engines write at most 16 KiB and a stamp into one frame."""

PIECE_BYTES = 16 * 1024
"""Where dockerd cuts a line (daemon/logger/copier.go, defaultBufSize)."""
STAMP_MAX_CHARS = 36
"""`2006-01-02T15:04:05.999999999+07:00` and a space."""

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


def split_records(chunks: Iterable[bytes]) -> Iterator[tuple[Stream, bytes]]:
    """Give the (stream, record) pairs of a multiplexed body: whole lines, stamped once, without their line ends."""
    lines: dict[Stream, _Line] = {}
    for stream, payload in frames(chunks):
        for record in lines.setdefault(stream, _Line()).add(payload):
            yield stream, record
    for stream, line in lines.items():
        for record in line.end():
            yield stream, record


def terminal_records(chunks: Iterable[bytes]) -> Iterator[tuple[Stream, bytes]]:
    """Give the records of a container with a terminal, whose stdout and stderr are one."""
    for record in records(chunks):
        yield "unknown", _unstamped(record) if len(record) > PIECE_BYTES else record


def _unstamped(record: bytes) -> bytes:
    """Take the stamps out that Docker wrote before each later piece of one long line: all are the line's own."""
    stamp = _stamp(record)
    return stamp + record[len(stamp) :].replace(stamp, b"") if stamp else record


def _stamp(payload: bytes) -> bytes:
    end = payload.find(b" ", 0, STAMP_MAX_CHARS)
    return payload[: end + 1] if end > 0 and payload[:4].isdigit() and b"T" in payload[:end] else b""


class _Line:
    """The line of one stream that has not ended yet: at most LINE_MAX_BYTES and one frame."""

    def __init__(self) -> None:
        self._held = b""
        self._stamp = b""

    def add(self, payload: bytes) -> Iterator[bytes]:
        if self._held:
            payload = payload.removeprefix(self._stamp)
        else:
            self._stamp = _stamp(payload)
        self._held += payload
        if b"\n" in payload:
            whole, _, self._held = self._held.rpartition(b"\n")
            yield from records([whole + b"\n"])
            self._stamp = _stamp(self._held)
        elif len(self._held) > LINE_MAX_BYTES:
            *pieces, self._held = records([self._held])
            yield from pieces

    def end(self) -> Iterator[bytes]:
        if self._held:
            yield from records([self._held])
