"""Log lines on their way: merged by time, in batches, and remembering how far a source was read.

Every adapter needs these, and every one of them is easy to get subtly wrong: a line repeated after a cut, one lost. So
they live here, pure, and are tested with arbitrary input. `runtimes.records` makes the lines out of bytes.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

from runtimes.base import LogLine, Stream

RESUME_OVERLAP_S = 2
"""How far before the last given line a resumed source starts. Engines stamp stdout and stderr in two threads, so lines
stand a little out of order in the log, and the kubelet takes whole seconds only."""

SKIP_MAX_LINES = 100_000
"""How many lines a resumed source may skip while its stamps say "maybe given": see `Position`."""

_BEFORE_ALL = -(2**63)
"""Nanoseconds of a line that has no stamp and no predecessor that has one."""

_MARK = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})\.([0-9]{1,9})\.([0-9a-f]{16})", re.ASCII)
"""Nanoseconds since 1970 of the last and of the latest line, lines given with the last one's stamp, and the beginning
of its text's SHA-256."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Batched(Stream[LogLine], Protocol):
    """A stream that can also give its lines as they arrive: many at once when there are many."""

    def batches(self) -> Iterator[Sequence[LogLine]]:
        """Give the lines in batches, none of them empty. Either this or `__iter__`, not both."""
        ...


def batched(stream: Stream[LogLine]) -> Iterator[Sequence[LogLine]]:
    """Give the lines of any stream in batches: handing on a thousand at once costs little more than one."""
    batches: Callable[[], Iterator[Sequence[LogLine]]] | None = getattr(stream, "batches", None)
    return batches() if batches is not None else ((line,) for line in stream)


def merged(sources: Iterable[Iterator[LogLine]]) -> Iterator[LogLine]:
    """Merge finite sources by time: stable, lazy, and never changing the order within one source.

    A line without a stamp, or with one that goes back (the engine's clock was set back), stays behind the line
    before it in its source. Closing the merge closes every source that can be closed.
    """
    opened = list(sources)
    try:
        if len(opened) == 1:  # nothing to merge, and a million lines should not pay for it
            yield from opened[0]
        else:
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
        position._stamp = position._stream_stamp = int(found[1])
        position._latest, position._given_with_stamp = int(found[2]), int(found[3])
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
        self._give(stamp, line.text)
        return True

    def take(self, nanoseconds: int | None, text: str) -> None:
        """Take a line as given, whatever was given before; None where it has no stamp."""
        self._stream_stamp = stamp = self._stream_stamp if nanoseconds is None else nanoseconds
        self._give(stamp, text)

    def _give(self, stamp: int, text: str) -> None:
        self._given_with_stamp = self._given_with_stamp + 1 if stamp == self._stamp else 1
        self._stamp, self._text = stamp, text
        self._latest = max(self._latest, stamp)

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
