"""Says in the place of a log that cannot be read why that is, so that a merge of several is not silently incomplete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain

from runtimes.base import LogLine, LogSource, Stream
from runtimes.engine.answers import Inspected, moment
from runtimes.engine.drivers import driver_of, readable, told, unreadable
from runtimes.engine.kept import aside
from runtimes.errors import Missing, RuntimeProblem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def source_of(container: Inspected) -> LogSource:
    """Say what must be known of a container's log."""
    is_readable, kept = readable(container), aside(container.own_name, container.state.status)
    problem = None if is_readable else unreadable(container)
    return LogSource(
        id=container.id,
        name=container.own_name,
        driver=driver_of(container),
        readable=is_readable,
        sentence=problem.sentence if problem else told(container),
        hint=problem.hint if problem else "",
        current=kept.current if kept else "",
        replaces=kept.replaces if kept else "",
        ended_at=moment(container.state.finished_at) if kept else None,
    )


def notice(container: Inspected, problem: RuntimeProblem) -> LogLine:
    """Make the line that says so. It bears the time at which the container was made, the same each time it is given."""
    at = moment(container.created) or _EPOCH
    return LogLine(
        at=at,
        nanoseconds=int((at - _EPOCH).total_seconds()) * 1_000_000_000,
        instance=container.own_name,
        container=container.own_name,
        stream="notice",
        text=f"{problem.sentence} {problem.hint}".strip(),
    )


class Notice:
    """A log of one notice and nothing more: it is not asked for again."""

    def __init__(self, line: LogLine) -> None:
        self._line = line

    def __iter__(self) -> Iterator[LogLine]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[Sequence[LogLine]]:
        """Give the notice. Raise Missing after it."""
        yield [self._line]
        raise Missing(self._line.text)

    def close(self) -> None:
        """Nothing is held."""


class Prefaced:
    """Lines with notices before them, whatever their tail. `close()` may come from another thread."""

    def __init__(self, notices: Sequence[LogLine], lines: Stream[LogLine]) -> None:
        self._notices = notices
        self._lines = lines

    def __iter__(self) -> Iterator[LogLine]:
        return chain(self._notices, self._lines)

    def close(self) -> None:
        """End the lines."""
        self._lines.close()
