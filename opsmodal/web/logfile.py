"""What a downloaded log holds: the bytes that were logged. Pure.

Lines are cut and decoded so that they can be shown; a file refuses both. The log of one container is written as the
engine has it, to the byte. Where a time or a source stands before each line, it stands once before each whole line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runtimes.base import LogLine
from runtimes.records import written


def log_file(lines: Iterable[LogLine], *, stamps: bool, sources: bool) -> Iterator[bytes]:
    """Write lines to a file, `stamps` and `sources` before each when wanted."""
    if not (stamps or sources):
        yield from map(written, lines)
        return
    unended = None
    for line in lines:
        source = (line.instance, line.container, line.stream)
        if source != unended:
            # A log that ends in the middle of a line is followed by those of others: the two are kept apart.
            yield (b"" if unended is None else b"\n") + prefix(line, stamps=stamps, sources=sources).encode()
        yield written(line)
        unended = None if line.end else source


def prefix(line: LogLine, *, stamps: bool, sources: bool) -> str:
    """Say when and where a line was written, as far as wanted and known."""
    stamp = f"{line.at.isoformat().replace('+00:00', 'Z')} " if stamps and line.at else ""
    return stamp + (f"[{line.instance}/{line.container}] " if sources else "")
