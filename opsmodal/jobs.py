"""Which worker holds which job, in the store: the limit of streams a person counts across all workers and hosts.

A worker says every few seconds that it lives. What belonged to one that has not for long counts no more, and is swept
by whoever comes by. It knows no stream: see `opsmodal.streams`.
"""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update

from opsmodal.errors import TooMany
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store
from opsmodal.store.tables import JobRow

log = logging.getLogger(__name__)

BEAT_S = 10.0
DEAD_AFTER = timedelta(seconds=60)
"""Six beats: a store that is away for a moment, and clocks that differ a little, end nothing."""
FOLLOW, RUNNING = "follow", "running"
RETRY_S = 10.0


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

    def take(self, job_id: str, *, person: str, service: str, most: int) -> None:
        """Enter a follow that is about to begin. Raise TooMany when the person has `most` already."""
        now, mine = self._now(), self.worker
        running = select(func.count()).where(
            JobRow.person == person, JobRow.state == RUNNING, JobRow.heard_at > now - DEAD_AFTER
        )
        with self._store.session() as session:
            self._store.lock(session, f"jobs of {person}")
            if (session.scalar(running) or 0) >= most:
                raise too_many(most)
            session.add(
                JobRow(
                    id=job_id,
                    person=person,
                    service=service,
                    kind=FOLLOW,
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
        """Forget follows that have ended. They have: a store that cannot be written is logged, and they age."""
        try:
            with self._store.session() as session:
                session.execute(delete(JobRow).where(JobRow.id.in_(job_ids)))
        except StoreProblem as problem:
            log.warning("end of a follow not written", extra={"why": problem.sentence})

    def find(self, job_id: str, *, person: str, service: str) -> Worker | None:
        """Give the worker of this host that holds a job of this person on this service; None where there is none."""
        with self._store.reading() as session:
            row = session.get(JobRow, job_id)
        if row is None or (row.person, row.service, row.host) != (person, service, self.worker.host):
            return None
        return Worker(id=row.worker, host=row.host, place=row.place) if row.worker != self.worker.id else None

    def begin(self) -> None:
        """Sweep what an earlier worker in this place left behind: it is certainly dead."""
        if self.worker.place is not None:
            mine = self.worker
            before = (JobRow.host == mine.host, JobRow.place == mine.place, JobRow.worker != mine.id)
            self._sweep(*before)

    def beat(self) -> None:
        """Say that this worker lives, and sweep what belonged to those that do not."""
        now = self._now()
        try:
            with self._store.session() as session:
                session.execute(update(JobRow).where(JobRow.worker == self.worker.id).values(heard_at=now))
        except StoreProblem as problem:
            log.warning("heartbeat not written", extra={"why": problem.sentence})
            return
        self._sweep(JobRow.heard_at <= now - DEAD_AFTER)

    def _sweep(self, *which: object) -> None:
        try:
            with self._store.session() as session:
                session.execute(delete(JobRow).where(JobRow.kind == FOLLOW, *which))  # type: ignore[arg-type]  # conditions
        except StoreProblem as problem:
            log.warning("dead jobs not swept", extra={"why": problem.sentence})


def too_many(most: int) -> TooMany:
    """Make the answer to who follows as many logs as anybody may."""
    hint = "Close a page that follows, or wait a minute."
    return TooMany(f"You already follow {most} logs.", hint=hint, retry_after_s=RETRY_S)
