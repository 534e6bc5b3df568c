"""What a downloaded log holds: the bytes that were logged. Pure.

Lines are cut and decoded so that they can be shown; a file refuses both. The log of one container is written as the
engine has it, to the byte. Where a time or a source stands before each line, it stands once before each whole line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runtimes.base import LogLine
from runtimes.records import written

SENT_BYTES = 32 * 1024
"""As much as is sent at once."""


def log_file(lines: Iterable[LogLine], *, stamps: bool, sources: bool) -> Iterator[bytes]:
    """Write lines to a file, `stamps` and `sources` before each when wanted."""
    if not (stamps or sources):
        yield from map(written, lines)
        return
    unended = None
    for line in lines:
        source = (line.instance, line.container, line.stream)
        if source == unended:
            yield written(line)
        else:
            # A log that ends in the middle of a line is followed by those of others: the two are kept apart.
            apart = "" if unended is None else "\n"
            start = apart + prefix(line, stamps=stamps, sources=sources)
            yield start.encode() + written(line) if line.raw is not None else f"{start}{line.text}{line.end}".encode()
        unended = None if line.end else source


def joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Put pieces together to be sent: each that is sent by itself costs as much as reading ten lines (measured)."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= SENT_BYTES:
            yield b"".join(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held)


def prefix(line: LogLine, *, stamps: bool, sources: bool) -> str:
    """Say when and where a line was written, as far as wanted and known."""
    stamp = f"{line.at.isoformat().removesuffix('+00:00')}Z " if stamps and line.at else ""
    return stamp + (f"[{line.instance}/{line.container}] " if sources else "")
