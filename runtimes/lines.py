"""Log lines out of bytes: cutting, parsing, merging, and remembering how far a source was read.

Every adapter needs the same four, and every one of them is easy to get subtly wrong: a line lost at the edge of a
chunk, a line repeated after a cut. So they live here, pure, and are tested with arbitrary input. What this module
refuses to do: fail on bytes (a log is whatever a process wrote), hold more than one line of it in memory, and lose a
byte: `written` gives back what `records` and `parsed` took apart.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from runtimes.base import LogLine, Stream

LINE_MAX_BYTES = 64 * 1024
"""Longest record in bytes. Four times what dockerd cuts at (16 KiB), so an engine's own pieces are never cut again."""

RESUME_OVERLAP_S = 2
"""How far before the last given line a resumed source starts. Engines stamp stdout and stderr in two threads, so lines
stand a little out of order in the log, and the kubelet takes whole seconds only."""

SKIP_MAX_LINES = 100_000
"""How many lines a resumed source may skip while its stamps say "maybe given": see `Position`."""

_BEFORE_ALL = -(2**63)
"""Nanoseconds of a line that has no stamp and no predecessor that has one."""

CARRIAGE_RETURN = 0x0D

_MARK = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})\.([0-9]{1,9})\.([0-9a-f]{16})", re.ASCII)
"""Nanoseconds since 1970 of the last and of the latest line, lines given with the last one's stamp, and the beginning
of its text's SHA-256."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

_STAMP = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))(?: |\Z)", re.ASCII
)
"""RFC 3339 with up to nine digits, as Go's RFC3339Nano prints it; containerd and Podman use the host's offset."""


def records(chunks: Iterable[bytes], *, max_bytes: int = LINE_MAX_BYTES, stamped: bool = True) -> Iterator[bytes]:
    """Cut a stream of bytes into records with their line ends, the same ones however the stream is chunked.

    A line longer than `max_bytes` (at least 64, without its end) comes in pieces, cut between UTF-8 characters, of
    which only the last has the end; when the log is `stamped`, each piece starts with the stamp of its line, so that
    each can be parsed, merged and resumed by itself. What follows the last line end is a record when the chunks end,
    and is dropped when they raise: the resumed stream brings that line whole.
    """
    held = bytearray()
    stamp, in_pieces, searched = b"", not stamped, 0
    for chunk in chunks:
        held += chunk
        while True:
            room = max_bytes - len(stamp)
            end = held.find(b"\n", searched, room + 1)
            if end >= 0:
                yield stamp + bytes(held[: end + 1])
                del held[: end + 1]
                stamp, in_pieces, searched = b"", not stamped, 0
            elif len(held) > room:
                piece = bytes(held[: _between_characters(held, room)])
                yield stamp + piece
                del held[: len(piece)]
                stamp, in_pieces, searched = stamp if in_pieces else stamp_of(piece), True, 0
            else:
                searched = len(held)
                break
    if held:
        yield stamp + bytes(held)


def parsed(
    record: bytes,
    *,
    instance: str,
    container: str,
    stream: Literal["stdout", "stderr", "unknown"] = "unknown",
    stamped: bool = True,
) -> LogLine:
    """Read one record as kubelet and engines write it with timestamps on: RFC 3339, one space, the text.

    A record without a (real) stamp is given whole, with `at` None and `nanoseconds` 0; so is one of a log that is not
    `stamped`, whatever its text looks like.
    """
    end: Literal["\n", "\r\n", ""] = "\r\n" if record.endswith(b"\r\n") else "\n" if record.endswith(b"\n") else ""
    body = record[: len(record) - len(end)]
    at, nanoseconds, data = _stamped(body) if stamped else (None, 0, body)
    text = data.decode("utf-8", errors="replace")
    return LogLine(
        at=at,
        nanoseconds=nanoseconds,
        instance=instance,
        container=container,
        stream=stream,
        text=text,
        end=end,
        raw=data if "\ufffd" in text and text.encode() != data else None,
    )


def written(line: LogLine) -> bytes:
    """Give the bytes that were logged: one after the other, those of all records are the log."""
    return (line.text.encode() if line.raw is None else line.raw) + line.end.encode()


def merged(sources: Iterable[Iterator[LogLine]]) -> Iterator[LogLine]:
    """Merge finite sources by time: stable, lazy, and never changing the order within one source.

    A line without a stamp, or with one that goes back (the engine's clock was set back), stays behind the line
    before it in its source. Closing the merge closes every source that can be closed.
    """
    opened = list(sources)
    try:
        yield from (line for _, line in heapq.merge(*map(_keyed, opened), key=_first))
    finally:
        for source in opened:
            close = getattr(source, "close", None)
            if close is not None:
                close()


class Merged:
    """Several open logs as one stream, by time; of a limited `tail` only the last lines are held.

    `close()` closes every one of them, and may come from another thread.
    """

    def __init__(self, opened: Sequence[Stream[LogLine]], *, tail: int | None) -> None:
        self._opened = opened
        self._tail = tail

    def __iter__(self) -> Iterator[LogLine]:
        try:
            lines = merged([iter(each) for each in self._opened])
            yield from lines if self._tail is None else deque(lines, maxlen=self._tail)
        finally:
            self.close()

    def close(self) -> None:
        """Close every log; twice does no harm."""
        for each in self._opened:
            each.close()


def order_key(line: LogLine, previous: int) -> int:
    """Give the nanoseconds under which a line is ordered, never below `previous`, its predecessor's key."""
    return max(previous, line.nanoseconds) if line.at is not None else previous


class Position:
    """How far a source was read, so that a resumed source skips exactly what was given. Not safe across threads.

    Use it so: open the source; give those lines for which `fresh` is true; after a cut call `resume`, open the source
    again from `since`, and go on as before. It holds one line, however long the source is.

    The rule is the order of the log: whatever comes before the last given line was given, or lies before the tail that
    was asked for. So the resumed source is skipped up to the last given line, known by its stamp, how many lines were
    given with that stamp, and its text; or up to a stamp later than all given ones, where the last given line was
    rotated away. A line without a stamp counts as having its predecessor's.

    Stamps that go back because the engine's clock was set back change nothing in this, with two limits. When the last
    given line was rotated away as well, new lines with the old stamps cannot be told from given ones: at most
    SKIP_MAX_LINES of them are skipped. And a clock set back by more than RESUME_OVERLAP_S *during* a cut makes the
    engine itself leave out what it stamped before `since`; no question to it brings those lines.
    """

    def __init__(self) -> None:
        self._stamp = self._latest = self._stream_stamp = _BEFORE_ALL
        self._text: str | None = ""
        self._digest = ""
        self._given_with_stamp = 0
        self._met_with_stamp = 0
        self._may_skip = 0

    @classmethod
    def at(cls, mark: str) -> Self:
        """Make the position that `mark` describes. Raise ValueError for a text that describes none."""
        found = _MARK.fullmatch(mark)
        if found is None:
            raise ValueError("no position in a log")
        position = cls()
        position._stamp, position._latest, position._given_with_stamp = int(found[1]), int(found[2]), int(found[3])
        position._text, position._digest = None, found[4]
        return position

    @property
    def mark(self) -> str:
        """Describe this position in a short text, so that another process can go on from it; empty at the start."""
        if self._stamp < 0:
            return ""
        digest = self._digest if self._text is None else _digest(self._text)
        return f"{self._stamp}.{self._latest}.{self._given_with_stamp}.{digest}"

    @property
    def since(self) -> datetime | None:
        """From when to ask the source again, a little before the last given line; None when there is nothing to skip.

        None also means that the source is to be asked as it was the first time (with its tail).
        """
        if self._stamp == _BEFORE_ALL:
            return None
        whole_s = self._stamp // 1_000_000_000 - RESUME_OVERLAP_S
        return max(_EPOCH, _EPOCH + timedelta(seconds=whole_s))

    def resume(self) -> None:
        """Say that the source is about to be read again from `since`: skip what was given."""
        self._stream_stamp = _BEFORE_ALL
        self._met_with_stamp = 0
        self._may_skip = SKIP_MAX_LINES if self._given_with_stamp else 0

    def fresh(self, line: LogLine) -> bool:
        """Whether `line`, the next of the source, was not given before; if so it is taken as given now."""
        self._stream_stamp = stamp = line.nanoseconds if line.at is not None else self._stream_stamp
        if self._may_skip and self._was_given(stamp, line.text):
            return False
        self._may_skip = 0
        self._given_with_stamp = self._given_with_stamp + 1 if stamp == self._stamp else 1
        self._stamp, self._text = stamp, line.text
        self._latest = max(self._latest, stamp)
        return True

    def _was_given(self, stamp: int, text: str) -> bool:
        if stamp > self._latest:
            return False
        self._may_skip -= 1
        if stamp == self._stamp:
            self._met_with_stamp += 1
            if self._met_with_stamp >= self._given_with_stamp and self._is_last(text):
                self._may_skip = 0
        return True

    def _is_last(self, text: str) -> bool:
        return text == self._text if self._text is not None else _digest(text) == self._digest


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _first(pair: tuple[int, LogLine]) -> int:
    return pair[0]


def _keyed(source: Iterator[LogLine]) -> Iterator[tuple[int, LogLine]]:
    key = _BEFORE_ALL
    for line in source:
        key = order_key(line, key)
        yield key, line


def _between_characters(data: bytearray, cut: int) -> int:
    """Move a cut back to the start of a UTF-8 character (RFC 3629: at most three continuation bytes), not before CR.

    A CR may belong to the line end, and a piece of nothing but a line end would be shown as an empty line.
    """
    for moved in range(cut, cut - 4, -1):
        if data[moved] & 0xC0 != 0x80 and data[moved] != CARRIAGE_RETURN:
            return moved
    return cut


def stamp_of(record: bytes) -> bytes:
    """Give the stamp that a record starts with, and the space behind it; nothing where there is none."""
    at, _, text = _stamped(record)
    return b"" if at is None else record[: len(record) - len(text)]


def _stamped(record: bytes) -> tuple[datetime | None, int, bytes]:
    found = _STAMP.match(record)
    if found is None:
        return None, 0, record
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, offset_h, offset_m = found.groups()[6:]
    nanoseconds = int(fraction.ljust(9, b"0")) if fraction else 0
    offset_s = (int(offset_h) * 3600 + int(offset_m) * 60) * (-1 if sign == b"-" else 1) if sign else 0
    try:
        written = datetime(year, month, day, hour, minute, second, nanoseconds // 1000, tzinfo=UTC)
        at = written - timedelta(seconds=offset_s)
    except (ValueError, OverflowError):  # "2024-13-40T99:99:99Z": a process may print what looks like a stamp
        return None, 0, record
    return at, (at - _EPOCH) // _SECOND * 1_000_000_000 + nanoseconds, record[found.end() :]
