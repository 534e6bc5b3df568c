"""What this process shares with the others that serve the same installation: jobs by the store, the rest by neighbours.

With one worker there is nobody to ask, and no socket is opened; the limits still count across hosts, by the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from opsmodal.commands.job import Closed, CommandJob
from opsmodal.commands.jobs import CommandJobs
from opsmodal.commands.records import CommandRecords
from opsmodal.jobs import Jobs, Worker
from opsmodal.meter import Meter
from opsmodal.neighbours import Answer, AwayCommand, AwayJob, Neighbours, Question
from opsmodal.place import Place
from opsmodal.settings import Settings
from opsmodal.spool import Gone
from opsmodal.store.errors import Unusable
from opsmodal.store.store import Store
from opsmodal.streams import Streams
from runtimes.structs import make_ready

READ_MAX_LINES = 5000
READ_MAX_PIECES = 32
"""2 MB, and a third more as text."""
WAIT_MAX_S = 5.0
WORKER = "worker"
"""The label that tells workers apart: their place, a small number that the next one in it takes over."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its samples: (name, labels, value)."""

    name: str
    kind: str
    about: str
    samples: list[tuple[str, dict[str, str], float]]


class Near:
    """The jobs of this process, and the processes beside it."""

    def __init__(self, store: Store, settings: Settings, records: CommandRecords) -> None:
        self._place = _place(settings.data_dir / "workers") if settings.workers > 1 else None
        self._jobs = Jobs(store, Worker(place=self._place.number if self._place else None))
        self._neighbours: Neighbours | None = None
        self._meter = Meter()
        self.streams = Streams(settings.data_dir / "streams", jobs=self._jobs)
        self.commands = CommandJobs(
            settings.data_dir / "streams",
            records=records,
            most=settings.command_streaming_count,
            limit_bytes_max=settings.command_streaming_bytes,
            jobs=self._jobs,
        )

    def begin(self, meter: Meter) -> None:
        """Answer neighbours from now on, and sweep what is kept for too long."""
        self._meter = meter
        self._jobs.begin()
        self.commands.begin()
        if self._place is not None:
            self._neighbours = Neighbours(self._place, self._jobs.worker, self.answer)

    def attach(self, job: str, person: str, service: str) -> AwayJob | None:
        """Attach to a job in another process of this host; None where it cannot be reached, or is none of theirs."""
        if self._neighbours is None:
            return None
        holder = self._jobs.find(job, person=person, service=service)
        return self._neighbours.job(holder, job=job, person=person, service=service) if holder else None

    def command(self, command_id: str, service: str) -> CommandJob | AwayCommand | None:
        """Find a command on a service, here or in another process of this host, while it can be read there.

        None afterwards (its record may have it then), and on another host. Whose it is, is the asker's to look at.
        """
        here = self.commands.find(command_id, owner=None, service=service)
        if here is not None or self._neighbours is None:
            return here
        holder = self._jobs.find(command_id, person=None, service=service)
        return self._neighbours.command(holder, job=command_id, service=service) if holder else None

    def answer(self, question: Question) -> Answer:
        """Answer a neighbour. It has asked its own door who may read this."""
        if question.what == "figures":
            return Answer(figures=msgspec.Raw(msgspec.json.encode(families(self._meter))))
        if question.what == "read":
            return self._of_follow(question)
        command = self.commands.find(question.job, owner=None, service=question.service)
        if command is None:
            return Answer(is_here=False)
        return _stopped(command, question) if question.what == "stop" else _of_command(command, question)

    def _of_follow(self, question: Question) -> Answer:
        job = self.streams.find(question.job, owner=question.person, service=question.service)
        if job is None:
            return Answer(is_here=False)
        ended, limit, wait_s = job.ended, min(question.limit, READ_MAX_LINES), min(question.wait_s, WAIT_MAX_S)
        try:
            records = job.read(question.offset, limit=limit, wait_s=wait_s)
        except Gone as gone:
            return Answer(gone=gone.first_offset, began_at=job.began_at)
        return Answer(
            records=[(at, msgspec.Raw(record)) for at, record in records],
            began_at=job.began_at,
            reason=job.reason if ended else "",
            sentence=job.sentence if ended else "",
        )

    def exposition(self) -> bytes:
        """Write the figures for Prometheus: with several workers those of all that answer, each under its place."""
        if self._neighbours is None or self._place is None:
            return generate_latest(self._meter.registry)
        found = [(self._place.number, families(self._meter))]
        found += [(place, _FAMILIES.decode(raw)) for place, raw in self._neighbours.figures()]
        registry = CollectorRegistry()
        registry.register(_Merged(found))
        return generate_latest(registry)

    def close(self) -> None:
        """End the jobs and leave the neighbours."""
        self.commands.close()
        self.streams.close()
        if self._neighbours is not None:
            self._neighbours.close()
        elif self._place is not None:
            self._place.close()


def _stopped(command: CommandJob, question: Question) -> Answer:
    return Answer(ending=command.end_by(question.person), began_at=command.began_at)


def _of_command(command: CommandJob, question: Question) -> Answer:
    ending, limit, wait_s = command.ending, min(question.limit, READ_MAX_PIECES), min(question.wait_s, WAIT_MAX_S)
    try:
        pieces = command.read(question.offset, limit=limit, wait_s=wait_s)
    except Gone as gone:
        return Answer(gone=gone.first_offset, began_at=command.began_at)
    except Closed:
        return Answer(is_here=False)
    records = [(at, msgspec.Raw(msgspec.json.encode(piece))) for at, piece in pieces]
    return Answer(records=records, began_at=command.began_at, ending=ending)


def _place(folder: Path) -> Place:
    """Take a place among the workers of this host. Raise Unusable."""
    try:
        return Place(folder)
    except OSError as error:
        sentence = f"The workers cannot find each other in {folder}: {error.strerror or error}."
        raise Unusable(sentence, hint="The folder must belong to the user that runs opsmodal.") from error


def families(meter: Meter) -> list[Family]:
    """Take what a meter shows as values."""
    return [
        Family(
            name=metric.name,
            kind=metric.type,
            about=metric.documentation,
            samples=[(sample.name, dict(sample.labels), sample.value) for sample in metric.samples],
        )
        for metric in meter.registry.collect()
    ]


class _Merged(Collector):
    """The figures of several workers under one name each."""

    def __init__(self, found: list[tuple[int, list[Family]]]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        metrics: dict[str, Metric] = {}
        for place, shown in self._found:
            for family in shown:
                metric = metrics.setdefault(family.name, Metric(family.name, family.about, family.kind))
                for name, labels, value in family.samples:
                    metric.add_sample(name, {**labels, WORKER: str(place)}, value)
        yield from metrics.values()


make_ready(globals())
_FAMILIES = msgspec.json.Decoder(list[Family])
