"""Which logs a follow reads, as containers come, stop and come back.

`runtimes.follow` resumes a log that breaks. What it cannot know is here: that a container which stopped is left after
a while, so that a follow of a finished service ends, and that one which is started again goes on where it stopped
instead of beginning with its tail again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from time import monotonic
from typing import Protocol

from runtimes.base import EVERY, LogLine, LogQuery, Scope, Stream
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.unread import Notice, notice
from runtimes.errors import Unsupported
from runtimes.lines import Position, batched

LINGER_S = 10.0
"""How long a container that stopped is still followed: longer than most restarts, so that a loop is one source."""
LIVE = frozenset({"running", "restarting", "paused", "created", "stopping", "removing", "initialized", "configured"})


class Source(Protocol):
    """The part of Logs that a follow needs."""

    def listed(self, scope: Scope) -> list[Row]: ...

    def one(self, scope: Scope, wanted: str) -> Inspected: ...

    def open(
        self, container: Inspected, *, tail: int | None, since: datetime | None, following: bool
    ) -> Stream[LogLine]: ...


class Follower:
    """Gives `follow` its sources. `first` are the containers that are there when it begins."""

    def __init__(self, logs: Source, scope: Scope, query: LogQuery, *, first: Sequence[Inspected]) -> None:
        self._logs = logs
        self._scope = scope
        self._query = query
        self._first = frozenset(each.id for each in first)
        self._final = frozenset(each.id for each in first if not comes_back(each))
        self._openers: dict[str, ContainerLog] = {}
        self._stopped_at: dict[str, float] = {}

    def sources(self) -> Mapping[tuple[str, str], ContainerLog]:
        """List the logs to follow: of containers that live, and for a while of those that stopped."""
        found: dict[tuple[str, str], ContainerLog] = {}
        rows = self._wanted(self._logs.listed(self._scope))
        for row in rows:
            if row.state in LIVE:
                self._stopped_at.pop(row.id, None)
            elif self._left_behind(row.id):
                continue
            found[row.name, row.id] = self._opener(row)
        self._forget_all_but({row.id for row in rows})
        return found

    def _left_behind(self, container: str) -> bool:
        """Say whether a container stopped long enough ago; its first look is always taken, for its last lines."""
        if container not in self._stopped_at:
            self._stopped_at[container] = monotonic()
            return False
        return monotonic() - self._stopped_at[container] > (0.0 if container in self._final else LINGER_S)

    def _wanted(self, rows: list[Row]) -> list[Row]:
        return rows if self._query.instance == EVERY else [row for row in rows if row.id in self._first]

    def _opener(self, row: Row) -> ContainerLog:
        if row.id not in self._openers:
            old = row.id in self._first
            self._openers[row.id] = ContainerLog(
                self._logs,
                self._scope,
                row.id,
                tail=self._query.tail if old else None,
                since=self._query.since if old else None,
                alone=self._query.instance != EVERY,
            )
        return self._openers[row.id]

    def _forget_all_but(self, there: set[str]) -> None:
        for gone in self._openers.keys() - there:
            del self._openers[gone]
            self._stopped_at.pop(gone, None)


def comes_back(container: Inspected) -> bool:
    """Say whether the engine may start a container again by itself."""
    return container.host_config.restart_policy.name in ("always", "unless-stopped", "on-failure")


class ContainerLog:
    """Opens one container's log, from where it was left when it was followed before."""

    def __init__(
        self, logs: Source, scope: Scope, container: str, *, tail: int | None, since: datetime | None, alone: bool
    ) -> None:
        self._alone = alone
        self._logs = logs
        self._scope = scope
        self._container = container
        self._tail = tail
        self._since = since
        self._left = Position()

    def __call__(self, position: Position) -> Stream[LogLine]:
        container = self._logs.one(self._scope, self._container)
        back = position.since is None and self._left.since is not None
        resumed = position.since or self._left.since
        try:
            opened = self._logs.open(
                container,
                tail=None if resumed else self._tail,
                since=resumed or self._since,
                following=True,
            )
        except Unsupported as problem:
            if self._alone:
                raise
            return Notice(notice(container, problem))  # one that cannot be read hides no other
        return Remembered(opened, self._left, skipping=back)


class Remembered:
    """Lines of a log on their way to `follow`, noting how far they got; `skipping` leaves out what was given before."""

    def __init__(self, lines: Stream[LogLine], left: Position, *, skipping: bool) -> None:
        self._lines = lines
        self._left = left
        self._skipping = skipping
        self._left.resume()

    def __iter__(self) -> Iterator[LogLine]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[Sequence[LogLine]]:
        """Give the lines as they arrive."""
        for batch in batched(self._lines):
            if lines := [line for line in batch if self._left.fresh(line) or not self._skipping]:
                yield lines

    def close(self) -> None:
        self._lines.close()
