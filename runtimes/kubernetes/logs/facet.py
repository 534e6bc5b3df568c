"""The Logs tab: the lines of one container, or of all replicas merged by time; and following them.

Opening is separate from reading: what an API server refuses is raised when a log is opened, not in its middle. The
kubelet takes whole seconds for `since`; what lies before it within that second is left out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain

from runtimes.base import EVERY, LogLine, LogQuery, LogSource, Scope, Stream
from runtimes.errors import Conflict, Invalid, Missing, RuntimeProblem, Unavailable
from runtimes.follow import Key, Opener, follow
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.chunks import Chunks
from runtimes.kubernetes.api.client import FOLLOW_QUIET_S, Client
from runtimes.kubernetes.logs.notices import notice
from runtimes.kubernetes.logs.sources import Source, sources
from runtimes.kubernetes.scoped import Pods, checked
from runtimes.lines import Merged, Position
from runtimes.records import cut, parsed

SOURCES_MAX = 200
"""Logs opened at once for one read: each is a connection to the API server and one from there to a kubelet."""
READ_QUIET_S = 30.0
"""A read ends by itself: the kubelet is not silent for long while it gives what is there."""


class Lines:
    """The lines of one log as they come; `close()` ends it from any thread."""

    def __init__(self, chunks: Chunks, source: Source, *, since: datetime | None, stamped: bool) -> None:
        self._chunks = chunks
        self._arriving = iter(chunks)
        self._source = source
        self._since = since
        self._stamped = stamped

    def __iter__(self) -> Iterator[LogLine]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[Sequence[LogLine]]:
        """Give the lines as they arrive."""
        for records in cut(self._arriving, stamped=self._stamped):
            if lines := list(self._lines(records)):
                yield lines

    def _lines(self, records: Sequence[bytes]) -> Iterator[LogLine]:
        pod, container, since, stamped = self._source.pod, self._source.container, self._since, self._stamped
        for record in records:
            line = parsed(record, instance=pod, container=container, stamped=stamped)
            if stamped and line.at is None and notice(record):
                continue
            if since is None or line.at is None or line.at >= since:
                yield line

    def begun(self) -> bytes:
        """Wait for the first bytes and give them; b"" when there are none. They are still to be read."""
        first = next(self._arriving, b"")
        self._arriving = chain([first], self._arriving)
        return first

    def close(self) -> None:
        self._chunks.close()
        self._arriving = iter(())  # what has begun and is not being read ends with its last reference


@dataclass(frozen=True, slots=True)
class PodLogs:
    """Reads and follows the logs of a service's pods."""

    client: Client

    def read(self, scope: Scope, query: LogQuery) -> Stream[LogLine]:
        """Give the lines that are there. Raise Missing, Conflict (not started yet, or gone) or any RuntimeProblem."""
        opened: list[Lines] = []
        refused: RuntimeProblem | None = None
        found = self._sources(scope, query)
        query = replace(query, exact=query.exact and len(found) == 1)
        for source in found:
            try:
                opened.append(self._open(source, query, since=query.since))
            except (Conflict, Missing) as problem:
                refused = refused or problem  # one replica that has not started hides no other
            except BaseException:
                Merged(opened, tail=None).close()
                raise
        if refused is not None and not opened:
            raise refused
        return Merged(opened, tail=None if query.exact else query.tail)

    def follow(self, scope: Scope, query: LogQuery) -> Stream[LogLine]:
        """Give the lines that are there, then new ones, also of new replicas with "*". Raise RuntimeProblem."""
        if query.previous:
            return self.read(scope, query)
        if query.instance != EVERY:
            # The name is made exact once: when the pod is gone, another whose name begins alike is not meant.
            query = replace(query, instance=Pods(self.client).one(scope, query.instance).metadata.name)
        query = self._since_the_merged_tail(scope, query)
        seen: set[Source] = set()

        def current() -> Mapping[Key, Opener]:
            found = self._sources(scope, query, exact=True)
            # One that has ended is read once and then left out, so that its thread ends.
            wanted = [source for source in found if source not in seen or not source.ended]
            openers: dict[Key, Opener] = {
                (s.pod, s.container): _Opener(self, s, _asked(s, query, seen)) for s in wanted
            }
            seen.update(found)
            return openers

        positions = {key: Position.at(mark) for key, mark in query.marks.items()}
        return follow(current, keep_waiting=query.instance == EVERY, positions=positions)

    def sources(self, scope: Scope) -> Sequence[LogSource]:  # noqa: ARG002  (every runtime is asked for a scope's)
        """Give nothing: a kubelet reads the logs of every container, and those of a pod go with it."""
        return ()

    def _sources(self, scope: Scope, query: LogQuery, *, exact: bool = False) -> list[Source]:
        every = query.instance == EVERY
        pods = Pods(self.client)
        found = pods.all(checked(scope)) if every else [pods.one(scope, query.instance, exact=exact)]
        made = [source for pod in found for source in sources(pod, query, strict=not every)]
        if len(made) > SOURCES_MAX:
            raise Invalid(f"{len(made)} logs are too many to merge.", hint="Choose one instance or one container.")
        return made

    def _since_the_merged_tail(self, scope: Scope, query: LogQuery) -> LogQuery:
        """Turn "the last 500 lines of all" into "since the first of these", which each log can be asked for."""
        if not query.tail or len(self._sources(scope, query, exact=True)) < 2:
            return query
        try:
            with closing(self.read(scope, query)) as merged:
                first = next(iter(merged), None)
        except (Conflict, Missing):
            return query
        return query if first is None or first.at is None else replace(query, since=first.at, tail=None)

    def _open(self, source: Source, query: LogQuery, *, since: datetime | None, following: bool = False) -> Lines:
        what = f"the log of container {source.container} of pod {source.pod}"
        if not source.started and not following:  # the API server answers with an empty log while there is no node
            raise Conflict(
                f"{what[:1].upper()}{what[1:]} is not there yet: it has not started ({source.waits}).", hint=_HINT
            )
        path = paths.single(source.namespace, "pods", source.pod, sub="log")
        asked: dict[str, str | int | None] = {
            "container": source.container,
            "timestamps": None if query.exact else "true",
            "follow": "true" if following else None,
            "previous": "true" if query.previous else None,
            "tailLines": query.tail,
            "sinceTime": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else None,
        }
        quiet_s = FOLLOW_QUIET_S if following else READ_QUIET_S
        try:
            chunks = self.client.stream(path, what=what, query=asked, quiet_s=quiet_s)
            opened = Lines(chunks, source, since=since, stamped=not query.exact)
            return opened if following else _really(opened, what)
        except Invalid as problem:
            raise Conflict(
                f"{what[:1].upper()}{what[1:]} is not there: {problem.detail[:200].rstrip('.')}.", hint=_HINT
            ) from problem
        except Unavailable as problem:
            if "containerLogs" not in problem.detail:
                raise
            hint = "Look at the node: is its kubelet running and reachable from the API server?"
            sentence = f"The node of pod {source.pod} does not give {what} to the API server."
            raise Unavailable(sentence, hint=hint, detail=problem.detail) from problem


def _really(opened: Lines, what: str) -> Lines:
    """Give back what was opened once it is known to be a log. Raise Conflict for a notice of the kubelet."""
    words = notice(opened.begun())
    if not words:
        return opened
    opened.close()
    hint = "Its node has removed the container, as it does after an eviction, on deletion, and with earlier runs."
    raise Conflict(f"{what[:1].upper()}{what[1:]} is not there any more: {words}.", hint=hint)


_HINT = "A container has a log once it has started; a previous one once it has been restarted."


def _asked(source: Source, query: LogQuery, seen: set[Source]) -> LogQuery:
    """Give what to ask of a source: one that is new since the follow began, or yet to start, is wanted whole."""
    return query if source.started and not seen else replace(query, tail=None, since=None)


@dataclass(frozen=True, slots=True)
class _Opener:
    """Open a source where it stands. Equal for the same pod only: one recreated under its name is another."""

    logs: PodLogs = field(compare=False)
    source: Source
    query: LogQuery = field(compare=False)

    def __call__(self, position: Position) -> Stream[LogLine]:
        if position.since is None:
            return self.logs._open(self.source, self.query, since=self.query.since, following=True)
        return self.logs._open(self.source, replace(self.query, tail=None), since=position.since, following=True)
