"""Which worker holds which job, in the store: the limit of streams a person counts across all workers and hosts.

A worker says every few seconds that it lives. What belonged to one that has not for long counts no more, and is swept
by whoever comes by: a follow is gone then, as its page goes on by itself, and a command is lost. It knows no stream:
see `opsmodal.streams` and `opsmodal.commands.jobs`.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from opsmodal.errors import TooMany
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store
from opsmodal.store.tables import JobRow

log = logging.getLogger(__name__)

BEAT_S = 10.0
DEAD_AFTER = timedelta(seconds=60)
"""Six beats: a store that is away for a moment, and clocks that differ a little, end nothing."""
RUNNING, LOST = "running", "lost"
RETRY_S = 10.0
ENDED_KEPT = timedelta(minutes=15)
"""How long other workers find the one that ran a command: longer than it can be read there."""
LOST_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of job, of which a person may have so many at once; `many` and `hint` tell who has as many as they may.

    `remembered`: a job of this kind is not forgotten with its end, nor with its worker.
    """

    name: str
    many: str
    hint: str
    remembered: bool = False


FOLLOW = Kind(name="follow", many="You already follow {} logs.", hint="Close a page that follows, or wait a minute.")
COMMAND = Kind(
    name="command",
    many="You already have {} streaming commands running.",
    hint="Stop one of them, or wait until one has ended.",
    remembered=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One process that serves. `place` is where its neighbours reach it, None for one that has none."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    host: str = field(default_factory=socket.gethostname)
    place: int | None = None


class Jobs:
    """The jobs of this worker, as the others see them; and those of the others."""

    def __init__(
        self, store: Store, worker: Worker, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.worker = worker
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._owed: dict[str, str] = {}
        """Ends that could not be written yet, by the job: the next beat writes them, which would keep them alive."""
        self._beaten = monotonic()

    def take(self, job_id: str, *, person: str, service: str, most: int, kind: Kind = FOLLOW) -> None:
        """Enter a job that is about to begin. Raise TooMany when the person has `most` of its kind already."""
        now, mine = self._now(), self.worker
        running = select(func.count()).where(
            JobRow.person == person,
            JobRow.kind == kind.name,
            JobRow.state == RUNNING,
            JobRow.heard_at > now - DEAD_AFTER,
        )
        with self._store.session() as session:
            self._store.lock(session, f"jobs of {person}")
            if (session.scalar(running) or 0) >= most:
                raise too_many(most, kind)
            session.add(
                JobRow(
                    id=job_id,
                    person=person,
                    service=service,
                    kind=kind.name,
                    state=RUNNING,
                    worker=mine.id,
                    host=mine.host,
                    place=mine.place,
                    started_at=now,
                    heard_at=now,
                    ended_at=None,
                )
            )

    def give_back(self, *job_ids: str) -> None:
        """Forget jobs that have ended. They have: a store that cannot be written is logged, and told with a beat."""
        self._end(dict.fromkeys(job_ids, ""))

    def finish(self, job_id: str, state: str) -> None:
        """Note how a job has ended that is remembered for a while; as `give_back` otherwise."""
        self._end({job_id: state})

    def find(self, job_id: str, *, person: str | None, service: str) -> Worker | None:
        """Give the worker of this host that holds a job of this person (None: of anybody) on this service.

        None where there is none, or where it is this worker's own.
        """
        with self._store.reading() as session:
            row = session.get(JobRow, job_id)
        if row is None or (row.service, row.host) != (service, self.worker.host):
            return None
        if person is not None and row.person != person:
            return None
        return Worker(id=row.worker, host=row.host, place=row.place) if row.worker != self.worker.id else None

    def begin(self) -> None:
        """Sweep what an earlier worker in this place left behind: it is certainly dead."""
        if self.worker.place is not None:
            mine = self.worker
            before = (JobRow.host == mine.host, JobRow.place == mine.place, JobRow.worker != mine.id)
            self._sweep(*before)

    def beat_in_turn(self) -> None:
        """Beat when that is due, whoever of this process asks."""
        with self._lock:
            if monotonic() - self._beaten < BEAT_S:
                return
            self._beaten = monotonic()
        self.beat()

    def beat(self) -> None:
        """Say that this worker lives, and sweep what belonged to those that do not."""
        now = self._now()
        with self._lock:
            owed, self._owed = self._owed, {}
        if owed:
            self._end(owed)
        try:
            with self._store.session() as session:
                mine = (JobRow.worker == self.worker.id, JobRow.state == RUNNING)
                session.execute(update(JobRow).where(*mine).values(heard_at=now))
        except StoreProblem as problem:
            log.warning("heartbeat not written", extra={"why": problem.sentence})
            return
        self._sweep(JobRow.heard_at <= now - DEAD_AFTER)

    def _end(self, ended: Mapping[str, str]) -> None:
        """Write ends: the state of each, or "" for one that is forgotten."""
        forgotten = [job_id for job_id, state in ended.items() if not state]
        try:
            with self._store.session() as session:
                if forgotten:
                    session.execute(delete(JobRow).where(JobRow.id.in_(forgotten)))
                for job_id in ended.keys() - forgotten:
                    over = {"state": ended[job_id], "ended_at": self._now()}
                    session.execute(update(JobRow).where(JobRow.id == job_id).values(over))
        except StoreProblem as problem:
            log.warning("end of a job not written", extra={"why": problem.sentence})
            with self._lock:
                self._owed |= ended

    def _sweep(self, *which: ColumnElement[bool]) -> None:
        now = self._now()
        dead = (JobRow.state == RUNNING, *which)
        past = or_(and_(JobRow.state != LOST, JobRow.ended_at <= now - ENDED_KEPT), JobRow.ended_at <= now - LOST_KEPT)
        try:
            with self._store.session() as session:
                session.execute(delete(JobRow).where(JobRow.kind == FOLLOW.name, *dead))
                lost = {"state": LOST, "ended_at": now}
                session.execute(update(JobRow).where(JobRow.kind != FOLLOW.name, *dead).values(lost))
                session.execute(delete(JobRow).where(past))
        except StoreProblem as problem:
            log.warning("dead jobs not swept", extra={"why": problem.sentence})


def too_many(most: int, kind: Kind = FOLLOW) -> TooMany:
    """Make the answer to who has as many jobs of a kind as anybody may."""
    return TooMany(kind.many.format(most), hint=kind.hint, retry_after_s=RETRY_S)
