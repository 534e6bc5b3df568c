"""The Logs tab: a snapshot of lines, a download, and following as a job of the server."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from msgspec.structs import replace

from opsmodal import actions
from opsmodal.access import Watch
from opsmodal.errors import BadRequest, NotThere
from opsmodal.fleet import Fleet
from opsmodal.job import Job
from opsmodal.neighbours import AwayJob
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.followed import followed
from opsmodal.permissions import Actor
from opsmodal.settings import Settings
from opsmodal.streams import Streams, new_job
from runtimes.base import LogLine, LogQuery, LogSource, Runtime, Stream
from runtimes.base import Logs as LogsFacet
from runtimes.errors import Unsupported
from runtimes.records import written

Attach = Callable[[str, str, str], AwayJob | None]
"""Find the job with this id, of this person and on this service, in another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """What lines are wanted. `search` keeps lines that contain it, whatever the case."""

    query: LogQuery = field(default_factory=LogQuery)
    search: str = ""
    download: bool = False


class LogOperations:
    """Read and follow the logs of a service."""

    def __init__(
        self,
        door: Door,
        fleet: Fleet,
        streams: Streams,
        settings: Settings,
        *,
        watch: Watch,
        away: Attach = lambda *_: None,
    ) -> None:
        self._away = away
        self._watch = watch
        self._door = door
        self._fleet = fleet
        self._streams = streams
        self.lines_default = settings.log_lines
        self._lines_max = settings.log_lines_max

    def read(self, actor: Actor, name: str, wanted: LogRequest) -> Primed:
        """Give the lines, to be closed; problems surface before the first.

        A download has no limit of lines and is audited.
        """
        action = actions.LOGS_DOWNLOAD if wanted.download else actions.LOGS_READ
        leave = self._door.enter(actor, action, name)
        if not wanted.download and wanted.query.tail is not None and wanted.query.tail > self._lines_max:
            raise BadRequest(
                f"At most {self._lines_max} lines are shown at once.", hint="Download the log for all of them."
            )
        return Primed(self._lines(leave, wanted))

    def follow(self, actor: Actor, name: str, wanted: LogRequest) -> Job:
        """Start following; the job belongs to the actor and the service, and ends when nobody listens any more."""
        leave = self._door.enter(actor, actions.LOGS_FOLLOW, name)
        service, job_id = leave.service, new_job()
        _facet(self._fleet.runtime(service.runtime, over=leave.over))

        def ask(runtime: Runtime, query: LogQuery) -> Stream[LogLine]:
            return _facet(runtime).follow(service.scope(), query)

        slot = self._streams.slot(job_id, owner=actor.name, service=name)
        with self._door.act(leave, target=_target(wanted.query), slot=slot):
            return self._streams.start(
                lambda: followed(self._fleet, service.runtime, wanted.query, ask, over=leave.over),
                job_id=job_id,
                owner=actor.name,
                service=name,
                hold=lambda: self._watch.hold(actor, actions.LOGS_FOLLOW, service=name),
                search=wanted.search,
            )

    def job(self, actor: Actor, name: str, job_id: str, *, demanded: bool = True) -> Job | AwayJob | None:
        """Find a follow that this actor started on this service, in this process or in another one.

        None when it has ended or is not theirs; raise NotThere then when it is `demanded`.
        """
        self._door.enter(actor, actions.LOGS_FOLLOW, name)
        here = self._streams.find(job_id, owner=actor.name, service=name)
        job = here or self._away(job_id, actor.name, name)
        if job is None and demanded:
            raise NotThere("This follow has ended.", hint="Follow again.")
        return job

    def sources(self, actor: Actor, name: str) -> tuple[LogSource, ...]:
        """List the logs that cannot be read or only in part, and those of replaced containers that are kept."""
        leave = self._door.enter(actor, actions.LOGS_READ, name)
        service = leave.service
        _facet(self._fleet.runtime(service.runtime, over=leave.over))

        def ask(runtime: Runtime) -> tuple[LogSource, ...]:
            return tuple(_facet(runtime).sources(service.scope()))

        return self._fleet.read(service.runtime, ask, over=leave.over)

    def demand(self, actor: Actor, name: str) -> None:
        """Raise what the door says to reading the logs of a service."""
        self._door.enter(actor, actions.LOGS_READ, name)

    def _lines(self, leave: Pass, wanted: LogRequest) -> Generator[LogLine, None, None]:
        """Read within the door: a download has no outcome until its last line went out."""
        service = leave.service
        _facet(self._fleet.runtime(service.runtime, over=leave.over))

        def ask(runtime: Runtime) -> Begun:
            return Begun(_facet(runtime).read(service.scope(), wanted.query))

        with self._door.act(leave, target=_target(wanted.query)) as outcome:
            outcome.bytes_count = 0
            with closing(self._fleet.read(service.runtime, ask, over=leave.over)) as stream:
                for line in _kept(iter(stream), wanted.search):
                    if wanted.download:
                        outcome.bytes_count += len(written(line))
                    yield line


def _facet(runtime: Runtime) -> LogsFacet:
    if runtime.logs is None:
        raise Unsupported("This runtime gives no logs.")
    return runtime.logs


def _target(query: LogQuery) -> str:
    return f"{query.instance}/{query.container or 'first container'}"


def _kept(lines: Iterator[LogLine], search: str) -> Iterator[LogLine]:
    needle = search.casefold()
    if not needle:
        return lines
    # A piece of a long line is found without the one that continues it, so it must end where it is cut.
    return (
        replace(line, end=line.end or "\n")
        for line in lines
        if needle in line.text.casefold() or line.stream == "notice"
    )


class Begun:
    """Lines whose first one has come: a way that is lost before it is left, and the read begun over another one."""

    def __init__(self, stream: Stream[LogLine]) -> None:
        self._stream = stream
        self._lines = iter(stream)
        try:
            self._first = next(self._lines, None)
        except BaseException:
            stream.close()
            raise

    def __iter__(self) -> Iterator[LogLine]:
        if self._first is not None:
            yield self._first
            yield from self._lines

    def close(self) -> None:
        """End the lines; may be called twice."""
        self._stream.close()


class Primed:
    """Lines whose first one is fetched already, so that a problem is answered as one and not in the middle of a 200.

    `close` ends what they come from also when nobody has begun to read: a generator that never ran closes nothing.
    """

    def __init__(self, lines: Generator[LogLine, None, None]) -> None:
        self._lines = lines
        self._first = next(lines, None)

    def __iter__(self) -> Iterator[LogLine]:
        with closing(self):
            if self._first is not None:
                yield self._first
                yield from self._lines

    def close(self) -> None:
        """End the lines; may be called twice."""
        self._lines.close()
