"""The lines of one container's log, out of the bytes that an engine sends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from runtimes.base import LogLine
from runtimes.engine.answers import Inspected
from runtimes.engine.api import Download
from runtimes.engine.frames import NotFrames, split_records, terminal_records
from runtimes.errors import Unavailable
from runtimes.records import parsed

NANOSECONDS = 1_000_000_000


class Lines:
    """The lines of one container's log. `close()` may come from another thread."""

    def __init__(
        self,
        body: Download,
        *,
        container: Inspected,
        since: datetime | None,
        unavailable: Unavailable,
        stamped: bool,
    ) -> None:
        self._body = body
        self._container = container
        self._since = since
        self._unavailable = unavailable
        self._stamped = stamped

    def __iter__(self) -> Iterator[LogLine]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[Sequence[LogLine]]:
        """Give the lines as they arrive."""
        split = terminal_records if self._container.config.tty else split_records
        name, since, stamped = self._container.own_name, self._since, self._stamped
        try:
            for batch in split(self._body, stamped=stamped):
                lines = [
                    parsed(record, instance=name, container=name, stream=stream, stamped=stamped)
                    for stream, record in batch
                ]
                if since is not None:
                    lines = [line for line in lines if line.at is None or line.at >= _as_fine_as(line, since)]
                if lines:
                    yield lines
        except NotFrames:
            raise self._unavailable from None
        finally:
            self._body.close()

    def close(self) -> None:
        self._body.close()


def _as_fine_as(line: LogLine, since: datetime) -> datetime:
    """Cut `since` to the second for a line that is stamped so: Podman 4.3 writes no fractions."""
    return since.replace(microsecond=0) if line.nanoseconds % NANOSECONDS == 0 else since
