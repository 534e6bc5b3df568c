"""The Logs tab: what an engine keeps of a container's output, read once or followed.

An engine keeps one log for each container, across its restarts, until the container is removed. So "the run before"
is the log of the container that an update has replaced, as long as that is kept; without one it is refused in a
sentence that says where the lines are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from runtimes.base import EVERY, LogLine, LogQuery, LogSource, Scope, Stream
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.api import Api, escaped
from runtimes.engine.containers import Containers
from runtimes.engine.drivers import readable, unreadable
from runtimes.engine.follower import Follower
from runtimes.engine.kept import aside
from runtimes.engine.loglines import Lines
from runtimes.engine.problems import not_an_engine
from runtimes.engine.scope import missing
from runtimes.engine.unread import Prefaced, notice, source_of
from runtimes.errors import Invalid, Missing, RuntimeProblem, Unsupported
from runtimes.follow import follow
from runtimes.lines import Merged, Position

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
        """Open the lines that there are now, by time; `tail` counts for all containers together.

        Where several are merged, a notice before the lines stands for each log that cannot be read.
        """
        wanted = self._asked_for(scope, query)
        merging, exact = query.instance == EVERY, query.exact and len(wanted) == 1
        opened: list[Lines] = []
        notices: list[LogLine] = []
        for container in wanted:
            try:
                opened.append(
                    self.open(container, tail=query.tail, since=query.since, following=False, stamped=not exact)
                )
            except Missing:  # removed since it was listed: one that is gone hides no other
                if not merging:
                    raise missing(query.instance, service=scope.service) from None
            except RuntimeProblem as problem:
                if not (merging and isinstance(problem, Unsupported)):
                    Merged(opened, tail=None).close()
                    raise
                notices.append(notice(container, problem))
        if notices and not opened:
            raise unreadable(wanted[0])
        merged = Merged(opened, tail=None if exact else query.tail)
        return Prefaced(notices, merged) if notices else merged

    def follow(self, scope: Scope, query: LogQuery) -> Stream[LogLine]:
        """Open the lines of `query` and those that come; with "*" also those of new containers."""
        first = self._asked_for(scope, query)
        if query.previous or any(map(_is_aside, first)):  # nothing comes any more
            return self.read(scope, query)
        if first and not any(map(readable, first)):
            raise unreadable(first[0])
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

    def sources(self, scope: Scope) -> Sequence[LogSource]:
        """List the logs that cannot be read, or only in part, and those of containers that were replaced."""
        found = [source_of(each) for each in self._containers.all(scope)]
        own = {each.id for each in found}
        kept = [row.id for row in self._containers.aside(scope) if row.id not in own]
        found += [source_of(self._containers.one_aside(scope, each)) for each in kept]
        return tuple(each for each in found if each.sentence or each.replaces)

    def _since_the_merged_tail(self, scope: Scope, query: LogQuery) -> LogQuery:
        """Turn "the last 500 lines of all" into "since the first of these", which each log can be asked for."""
        with closing(self.read(scope, query)) as merged:
            first = next((line for line in merged if line.stream != "notice"), None)
        return replace(query, since=first.at, tail=None) if first and first.at else query

    def listed(self, scope: Scope) -> list[Row]:
        return [row for row in self._containers.listed(scope) if aside(row.name, row.state) is None]

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
            raise unreadable(container)
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
                raise unreadable(container) from problem
            raise
        unavailable = not_an_engine(self._api.place)
        return Lines(body, container=container, since=since, unavailable=unavailable, stamped=stamped)

    def _asked_for(self, scope: Scope, query: LogQuery) -> Sequence[Inspected]:
        if query.previous:
            return self._previous(scope, query.instance)
        everyone = query.instance == EVERY
        found = self._in_use(scope) if everyone else [self._one(scope, query.instance)]
        if query.container not in ("", EVERY):
            found = [each for each in found if query.container in (each.own_name, each.id)]
            if not found:
                raise missing(query.container, service=scope.service)
        if len(found) > LOGS_MAX:
            raise Invalid(f"{len(found)} logs are too many to merge.", hint="Choose one container.")
        return found

    def _in_use(self, scope: Scope) -> list[Inspected]:
        return [each for each in self._containers.all(scope) if not _is_aside(each)]

    def _one(self, scope: Scope, wanted: str) -> Inspected:
        try:
            return self._containers.one(scope, wanted)
        except Missing:
            return self._containers.one_aside(scope, wanted)

    def _previous(self, scope: Scope, wanted: str) -> Sequence[Inspected]:
        """Find what was replaced: of each container the one that ran last before it."""
        before = [row for row in self._containers.aside(scope) if _replaced(row)]
        if wanted != EVERY:
            name = self._one(scope, wanted).own_name
            before = [row for row in before if name in (row.name, _replaced(row))]
        last = {_replaced(row): row.id for row in sorted(before, key=lambda row: row.created)}
        if not last:
            raise Unsupported(
                "An engine keeps one log for each container, across its restarts: there is no separate log of the run "
                "before, and no container that an update has replaced is kept here.",
                hint="Read the container's log without the option; the lines of earlier runs are in it.",
            )
        return [self._containers.one_aside(scope, each) for each in last.values()]


def _is_aside(container: Inspected) -> bool:
    return aside(container.own_name, container.state.status) is not None


def _replaced(row: Row) -> str:
    """Give the name of the container that took the place of this one; "" where none did."""
    found = aside(row.name, row.state)
    return found.current if found is not None and found.replaces == "previous" else ""
