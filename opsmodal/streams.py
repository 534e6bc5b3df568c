"""Streams are jobs of the server: a page attaches to one by offset, a dropped socket re-attaches and loses nothing.

A job (`opsmodal.job`) ends by itself when the runtime's stream ends, when it is stopped, when the right ends that it
was begun with, and IDLE_S after the last reader has gone; ending it closes the runtime's stream as well.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from opsmodal.access import Hold
from opsmodal.job import END_WAIT_S, FORBIDDEN, SPOOL_MAX_BYTES, Job
from opsmodal.jobs import BEAT_S, Jobs, too_many
from opsmodal.spool import Spool
from opsmodal.store.errors import Unusable
from runtimes.base import LogLine, Stream

IDLE_S = 45.0
"""How long a job waits for a page to come back: longer than a reload and a short tunnel on a train."""
SWEEP_S = 5.0
JOBS_MAX_PER_OWNER = 20


class Streams:
    """The jobs of this process. Nobody but their owner finds them."""

    def __init__(self, folder: Path, *, idle_s: float = IDLE_S, jobs: Jobs | None = None) -> None:
        self._folder = folder
        self._across = jobs
        self._idle_s = idle_s
        self._jobs: dict[str, Job] = {}
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

    def start(
        self,
        open_stream: Callable[[], Stream[LogLine]],
        *,
        job_id: str,
        owner: str,
        service: str,
        hold: Hold,
        search: str = "",
    ) -> Job:
        """Open a stream and follow it as the job that has a slot already. Raise Unusable, and what opening raises.

        `hold` puts the job under watch: it ends when the right or the sign-in does that it was begun with.
        """
        access = hold()
        try:
            stream = open_stream()
            spool, done = self._spool(stream), self._across.give_back if self._across else _nobody_to_tell
            job = Job(
                job_id,
                owner=owner,
                service=service,
                spool=spool,
                stream=stream,
                access=access,
                search=search,
                done=done,
            )
        except BaseException:
            access.release()
            raise
        with self._lock:
            self._jobs[job.id] = job
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep, name="follow-sweeper", daemon=True)
                self._sweeper.start()
        access.attach(lambda _: self._forbid(job))
        return job

    def _forbid(self, job: Job) -> None:
        job.forbid()
        self._roused.set()

    def find(self, job_id: str, *, owner: str, service: str) -> Job | None:
        """Find a job by its id; None when it is not this owner's or not this service's."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job if job and job.owner == owner and job.service == service else None

    def count(self) -> int:
        """How many jobs are running."""
        return sum(1 for job in self._all() if not job.ended)

    @property
    def spooled_bytes(self) -> int:
        """How many bytes of lines have been taken in since the start."""
        return self._past_bytes + sum(job.spooled_bytes for job in self._all())

    def end(self, job: Job, reason: str = "stopped") -> None:
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
            self._sweeper.join(END_WAIT_S)

    @contextmanager
    def _place(self, owner: str) -> Iterator[None]:
        """Take a place among the owner's jobs before opening, which takes time: many at once would slip through."""
        with self._lock:
            running = sum(1 for job in self._jobs.values() if job.owner == owner and not job.ended)
            if running + self._starting[owner] >= JOBS_MAX_PER_OWNER:
                raise too_many(JOBS_MAX_PER_OWNER)
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
        self._across.take(job_id, person=owner, service=service, most=JOBS_MAX_PER_OWNER)
        try:
            yield
        finally:
            if not self._has_begun(job_id):
                self._across.give_back(job_id)

    def _has_begun(self, job_id: str) -> bool:
        with self._lock:
            return job_id in self._jobs

    def _spool(self, stream: Stream[LogLine]) -> Spool:
        try:
            return Spool(self._folder / secrets.token_hex(8), SPOOL_MAX_BYTES)
        except OSError as error:
            stream.close()
            sentence = f"The server cannot keep these lines: {error.strerror or 'its disk fails'}."
            raise Unusable(sentence, hint="An administrator has to look at the data folder.") from error

    def _all(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def _sweep(self) -> None:
        beaten = time.monotonic()
        while not self._closing.is_set():
            self._roused.wait(min(SWEEP_S, self._idle_s))
            self._roused.clear()
            if self._across is not None and time.monotonic() - beaten >= BEAT_S:
                self._across.beat()
                beaten = time.monotonic()
            for job in self._all():
                if job.forbidden or job.idle_s > self._idle_s:
                    self.end(job, FORBIDDEN if job.forbidden else "nobody listened")


def new_job() -> str:
    """Make the id of a job: whoever knows it must still be its owner to read it."""
    return secrets.token_urlsafe(12)


def _nobody_to_tell(_job: str) -> None:
    """Nobody else counts the jobs of this process."""
