"""The Logs tab: what an engine keeps of a container's output, read once or followed.

An engine keeps one log for each container, across its restarts, until the container is removed. So "the run before"
is not a log of its own here, and is refused in a sentence that says where its lines are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import chain

from runtimes.base import EVERY, LogLine, LogQuery, Scope, Stream
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.api import Api, Download, escaped
from runtimes.engine.containers import Containers
from runtimes.engine.follower import Follower, readable
from runtimes.engine.frames import NotFrames, split_records, terminal_records
from runtimes.engine.problems import not_an_engine
from runtimes.engine.scope import missing
from runtimes.errors import Invalid, Missing, RuntimeProblem, Unavailable, Unsupported
from runtimes.follow import follow
from runtimes.lines import Merged, Position
from runtimes.records import parsed

NANOSECONDS = 1_000_000_000
QUIET_MAX_S = 300.0
"""A followed log that is silent for this long is opened anew where it stood: the peer may have gone without a word."""
LOGS_MAX = 200
"""Logs opened at once for one reader: each is a connection to the engine."""
REDISCOVER_S = 2.0
"""How soon a new container of the service is followed."""


class Logs:
    """The logs of a service's containers."""

    def __init__(self, api: Api, containers: Containers) -> None:
        self._api = api
        self._containers = containers

    def read(self, scope: Scope, query: LogQuery) -> Stream[LogLine]:
        """Open the lines that there are now, by time; `tail` counts for all containers together."""
        opened: list[Lines] = []
        wanted = self._asked_for(scope, query)
        exact = query.exact and len(wanted) == 1
        for container in wanted:
            try:
                opened.append(
                    self.open(container, tail=query.tail, since=query.since, following=False, stamped=not exact)
                )
            except Missing:  # removed since it was listed: one that is gone hides no other
                if query.instance != EVERY:
                    raise missing(query.instance, service=scope.service) from None
            except RuntimeProblem:
                Merged(opened, tail=None).close()
                raise
        return Merged(opened, tail=None if exact else query.tail)

    def follow(self, scope: Scope, query: LogQuery) -> Stream[LogLine]:
        """Open the lines of `query` and those that come; with "*" also those of new containers."""
        first = self._asked_for(scope, query)
        if query.tail and len(first) > 1:
            query = self._since_the_merged_tail(scope, query)
        follower = Follower(self, scope, query, first=first)
        positions = {
            (each.own_name, each.id): Position.at(query.marks[each.own_name, each.own_name])
            for each in first
            if (each.own_name, each.own_name) in query.marks
        }
        waiting = query.instance == EVERY
        return follow(follower.sources, rediscover_s=REDISCOVER_S, keep_waiting=waiting, positions=positions)

    def _since_the_merged_tail(self, scope: Scope, query: LogQuery) -> LogQuery:
        """Turn "the last 500 lines of all" into "since the first of these", which each log can be asked for."""
        with closing(self.read(scope, query)) as merged:
            first = next(iter(merged), None)
        return replace(query, since=first.at, tail=None) if first and first.at else query

    def listed(self, scope: Scope) -> list[Row]:
        return self._containers.listed(scope)

    def one(self, scope: Scope, wanted: str) -> Inspected:
        return self._containers.one(scope, wanted)

    def open(
        self,
        container: Inspected,
        *,
        tail: int | None,
        since: datetime | None,
        following: bool,
        stamped: bool = True,
    ) -> Lines:
        """Open one container's log. Raise Unsupported when its log driver keeps nothing."""
        if not readable(container):
            raise _unreadable(container)
        params: dict[str, str | int | list[str]] = {
            "stdout": 1,
            "stderr": 1,
            "timestamps": int(stamped),
            "follow": int(following),
            "tail": "all" if tail is None else tail,
        }
        if since is not None:
            params["since"] = int(since.timestamp())
        quiet_s = QUIET_MAX_S if following else self._api.timeout_s
        try:
            body = self._api.download(f"/containers/{escaped(container.id)}/logs", params, quiet_s=quiet_s)
        except RuntimeProblem as problem:
            if isinstance(problem, Unsupported) or "log driver" in problem.detail or "logging" in problem.detail:
                raise _unreadable(container) from problem
            raise
        unavailable = not_an_engine(self._api.place)
        return Lines(body, container=container, since=since, unavailable=unavailable, stamped=stamped)

    def _asked_for(self, scope: Scope, query: LogQuery) -> Sequence[Inspected]:
        if query.previous:
            raise Unsupported(
                "An engine keeps one log for each container, across its restarts: there is no separate log of the run "
                "before.",
                hint="Read the container's log without the option; the lines of earlier runs are in it.",
            )
        everyone = query.instance == EVERY
        found = self._containers.all(scope) if everyone else [self._containers.one(scope, query.instance)]
        if query.container not in ("", EVERY):
            found = [each for each in found if query.container in (each.own_name, each.id)]
            if not found:
                raise missing(query.container, service=scope.service)
        if len(found) > LOGS_MAX:
            raise Invalid(f"{len(found)} logs are too many to merge.", hint="Choose one container.")
        if not everyone:
            return found
        if found and not any(map(readable, found)):
            raise _unreadable(found[0])
        return [each for each in found if readable(each)]


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


def _unreadable(container: Inspected) -> Unsupported:
    driver = container.host_config.log_config.type
    return Unsupported(
        f"The log of {container.own_name} cannot be read: its log driver{f' {driver}' if driver else ''} keeps nothing "
        "that the engine could give back.",
        hint="Read it where the driver sends it, or make the container with the driver json-file, local or journald.",
    )
