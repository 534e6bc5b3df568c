"""Streams are jobs of the server: a page attaches to one by offset, a dropped socket re-attaches and loses nothing.

A job (`opsmodal.job`) ends by itself when the runtime's stream ends, when it is stopped, when the right ends that it
was begun with, and IDLE_S after the last reader has gone; ending it closes the runtime's stream as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from opsmodal.access import Hold
from opsmodal.holder import SWEEP_S, Holder, new_job, nobody_to_tell
from opsmodal.job import FORBIDDEN, SPOOL_MAX_BYTES, Job
from opsmodal.jobs import FOLLOW, Jobs
from runtimes.base import LogLine, Stream

IDLE_S = 45.0
"""How long a job waits for a page to come back: longer than a reload and a short tunnel on a train."""
JOBS_MAX_PER_OWNER = 20


class Streams(Holder[Job]):
    """The follows of this process. Nobody but their owner finds them."""

    def __init__(self, folder: Path, *, idle_s: float = IDLE_S, jobs: Jobs | None = None) -> None:
        super().__init__(folder, kind=FOLLOW, most=JOBS_MAX_PER_OWNER, spool_max_bytes=SPOOL_MAX_BYTES, jobs=jobs)
        self._idle_s = idle_s

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
        with ExitStack() as undo:
            undo.callback(access.release)
            undo.callback((spool := self._spool(Job.KEPT)).close)
            undo.callback((stream := open_stream()).close)
            done = self._across.give_back if self._across else nobody_to_tell
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
            undo.pop_all()
        self._hold(job)
        access.attach(lambda _: self._forbid(job))
        return job

    def _forbid(self, job: Job) -> None:
        job.forbid()
        self._rouse()

    def _pause_s(self) -> float:
        return min(SWEEP_S, self._idle_s)

    def _tend(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if job.forbidden or job.idle_s > self._idle_s:
                self.end(job, FORBIDDEN if job.forbidden else "nobody listened")


__all__ = ["IDLE_S", "JOBS_MAX_PER_OWNER", "Streams", "new_job"]
