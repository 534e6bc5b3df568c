"""The jobs of one kind that this process holds: the places of each person, who finds which, and the end of each.

A place is taken before a job is opened, which takes time, in this process and across all workers; the job has it from
then on. It refuses to know what a job takes in, and when it is over: see `opsmodal.streams`, `opsmodal.commands.jobs`.
"""

from __future__ import annotations

import logging
import secrets
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from opsmodal.jobs import Jobs, Kind, too_many
from opsmodal.spool import Spool
from opsmodal.store.errors import Unusable

log = logging.getLogger(__name__)

SWEEP_S = 5.0
SWEEPER_END_S = 20.0


class Held(Protocol):
    """What a holder knows of a job."""

    id: str
    owner: str
    service: str
    spooled_bytes: int

    @property
    def ended(self) -> bool:
        """Whether nothing will follow."""
        ...

    def stop(self, reason: str = "stopped") -> None:
        """End it and give back what it has."""
        ...


J = TypeVar("J", bound=Held)


class Holder(ABC, Generic[J]):
    """The jobs of one kind in this process. Safe to use from several threads."""

    def __init__(self, folder: Path, *, kind: Kind, most: int, spool_max_bytes: int, jobs: Jobs | None) -> None:
        self.most = most
        """How many of them a person may have at once."""
        self._folder = folder
        self._kind = kind
        self._spool_max_bytes = spool_max_bytes
        self._across = jobs
        self._jobs: dict[str, J] = {}
        self._starting: Counter[str] = Counter()
        self._past_bytes = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._roused = threading.Event()
        self._sweeper: threading.Thread | None = None

    @contextmanager
    def slot(self, job_id: str, *, owner: str, service: str) -> Iterator[None]:
        """Keep one of the owner's places for a job, which has it from then on; given back when none begins.

        Raise TooMany when there is none left, in this process or on all workers together.
        """
        with self._place(owner), self._entered(job_id, owner=owner, service=service):
            yield

    def find(self, job_id: str, *, owner: str | None, service: str) -> J | None:
        """Find a job by its id; None when it is not this owner's (None: anybody's) or not this service's."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job if job and owner in (None, job.owner) and job.service == service else None

    def count(self) -> int:
        """How many jobs are running."""
        return sum(1 for job in self._all() if not job.ended)

    @property
    def spooled_bytes(self) -> int:
        """How many bytes have been taken in since the start."""
        return self._past_bytes + sum(job.spooled_bytes for job in self._all())

    def end(self, job: J, reason: str = "stopped") -> None:
        """End one job and forget it."""
        with self._lock:
            known = self._jobs.pop(job.id, None)
        job.stop(reason)
        if known is not None:
            with self._lock:
                self._past_bytes += job.spooled_bytes

    def close(self) -> None:
        """End every job."""
        self._closing.set()
        self._roused.set()
        for job in self._all():
            self.end(job)
        if self._sweeper is not None:
            self._sweeper.join(SWEEPER_END_S)

    def _hold(self, job: J) -> None:
        """Take a job in that has begun, and look after it from now on."""
        with self._lock:
            self._jobs[job.id] = job
        self._look_after()

    def _look_after(self) -> None:
        """Start the sweeper, unless it runs."""
        with self._lock:
            if self._sweeper is None:
                name = f"{self._kind.name}-sweeper"
                self._sweeper = threading.Thread(target=self._sweep, name=name, daemon=True)
                self._sweeper.start()

    def _rouse(self) -> None:
        """Let the sweeper look at once."""
        self._roused.set()

    def _pause_s(self) -> float:
        """Say how long the sweeper may wait before it looks at the jobs again."""
        return SWEEP_S

    @abstractmethod
    def _tend(self, jobs: Sequence[J]) -> None:
        """Do what is due for the jobs."""

    @contextmanager
    def _place(self, owner: str) -> Iterator[None]:
        """Take a place among the owner's jobs before opening, which takes time: many at once would slip through."""
        with self._lock:
            running = sum(1 for job in self._jobs.values() if job.owner == owner and not job.ended)
            if running + self._starting[owner] >= self.most:
                raise too_many(self.most, self._kind)
            self._starting[owner] += 1
        try:
            yield
        finally:
            with self._lock:
                self._starting[owner] -= 1
                if not self._starting[owner]:
                    del self._starting[owner]

    @contextmanager
    def _entered(self, job_id: str, *, owner: str, service: str) -> Iterator[None]:
        """Take a place among the owner's jobs on all workers, too; the job gives it back when it ends."""
        if self._across is None:
            yield
            return
        self._across.take(job_id, person=owner, service=service, most=self.most, kind=self._kind)
        try:
            yield
        finally:
            if not self._has_begun(job_id):
                self._across.give_back(job_id)

    def _has_begun(self, job_id: str) -> bool:
        with self._lock:
            return job_id in self._jobs

    def _spool(self, what: str) -> Spool:
        """Make the spool of a job, before anything of it begins. Raise Unusable where there is none to be had."""
        try:
            return Spool(self._folder / secrets.token_hex(8), self._spool_max_bytes)
        except OSError as error:
            sentence = f"The server cannot keep {what}: {error.strerror or 'its disk fails'}."
            raise Unusable(sentence, hint="An administrator has to look at the data folder.") from error

    def _all(self) -> list[J]:
        with self._lock:
            return list(self._jobs.values())

    def _sweep(self) -> None:
        while not self._closing.is_set():
            self._roused.wait(self._pause_s())
            self._roused.clear()
            try:
                if self._across is not None:
                    self._across.beat_in_turn()
                self._tend(self._all())
            except Exception:  # the top of a thread, without which no job would end any more
                log.exception("jobs not looked after", extra={"kind": self._kind.name})


def new_job() -> str:
    """Make the id of a job: whoever knows it must still be its owner to read it."""
    return secrets.token_urlsafe(12)


def nobody_to_tell(_job: object) -> None:
    """Nobody else counts the jobs of this process."""
