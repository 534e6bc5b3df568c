"""The streaming commands of this process: three at once a person across all workers, each with a record.

A command that has ended stays readable for KEPT_S, for pages that come back; after that its record has what is kept.
Its end is written before its place is given back, and again until the store takes it. It refuses to judge a line and
to say who may stop it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from opsmodal.access import Hold
from opsmodal.commands.ending import OUTPUT_LIMIT, STOPPED, WITH_THE_SERVER
from opsmodal.commands.job import END_WAIT_S, CommandJob, Limits
from opsmodal.commands.kept import Frame
from opsmodal.commands.pieces import unpacked
from opsmodal.commands.record import Begun
from opsmodal.commands.records import CommandRecords
from opsmodal.holder import SWEEP_S, Holder
from opsmodal.jobs import COMMAND, Jobs
from opsmodal.store.errors import StoreProblem
from runtimes.commands import Started

log = logging.getLogger(__name__)

KEPT_S = 600.0
"""How long after its end a command can be read from its spool, counted anew with each reader."""
KEPT_MAX = 100
"""Commands that have ended and are kept so: each costs a few open files and its output on the disk."""
SPOOL_ROOM_BYTES = 8_000_000
"""What a spool has beside the output itself: for the numbers of its pieces, and for the quarter that it is cut in."""
RETRY_S = 5.0
"""How soon the end of a command is written again that the store did not take."""
PAUSE_MIN_S = 0.05
READ_PIECES = 16

Done = Callable[[CommandJob], None]


class CommandJobs(Holder[CommandJob]):
    """The streaming commands of this process."""

    def __init__(
        self,
        folder: Path,
        *,
        records: CommandRecords,
        most: int,
        limit_bytes_max: int,
        jobs: Jobs | None = None,
        kept_s: float = KEPT_S,
    ) -> None:
        room = 2 * limit_bytes_max + SPOOL_ROOM_BYTES
        super().__init__(folder, kind=COMMAND, most=most, spool_max_bytes=room, jobs=jobs)
        self.records = records
        self._kept_s = kept_s
        self._unwritten: dict[str, Begun] = {}
        """Records whose end is still to be written, by the job."""
        records.running_here = self.running

    def begin(self) -> None:
        """Sweep the records now and from now on, whether or not a command ever runs: outputs are kept for N days."""
        self._look_after()
        self._rouse()

    def start(
        self,
        open_stream: Callable[[], Started],
        *,
        record: Begun,
        hold: Hold,
        limits: Limits,
        done: Done = lambda _: None,
    ) -> CommandJob:
        """Start a command as the job of its record's id, which has a slot. Raise Unusable, and what opening raises.

        `hold` puts it under watch: it ends when the right or the sign-in does that it was begun with. `done` is called
        once, when it has ended, on a thread of ours; the record's end is written by us.
        """
        access = hold()
        with ExitStack() as undo:
            undo.callback(access.release)
            undo.callback(
                (spool := self._spool(CommandJob.KEPT)).close
            )  # first: nothing is to run that nobody can read
            started = open_stream()
            undo.callback(started.stream.close)
            self._unwritten[record.id] = record
            undo.callback(self._unwritten.pop, record.id, None)
            job = CommandJob(
                record.id,
                owner=record.person,
                service=record.service,
                spool=spool,
                started=started,
                access=access,
                limits=limits,
                done=lambda job: self._ended(job, done),
            )
            undo.pop_all()
        self._hold(job)
        access.attach(lambda _: self._forbid(job))
        self._rouse()
        return job

    def running(self) -> list[str]:
        """Name the commands that run here, or whose end is not written yet."""
        return list(self._unwritten)

    def close(self) -> None:
        """End every command, all at once; write their ends, and keep their outputs."""
        self._closing.set()
        for job in self._all():
            job.want_end(STOPPED, WITH_THE_SERVER)
        for job in self._all():
            job.wait_over(END_WAIT_S)
        self.records.close()
        super().close()

    def _forbid(self, job: CommandJob) -> None:
        job.forbid()
        self._rouse()

    def _pause_s(self) -> float:
        due_s = min((job.due_s for job in self._all() if not job.ended), default=SWEEP_S)
        return max(PAUSE_MIN_S, min(SWEEP_S, due_s))

    def _tend(self, jobs: Sequence[CommandJob]) -> None:
        for job in jobs:
            job.tend()
        told = [job for job in jobs if job.ended and job.id not in self._unwritten]
        over = [job for job in told if not self.records.is_keeping(job.id)]
        surplus = over[: max(0, len(over) - KEPT_MAX)]
        for job in over:
            if job.idle_s > self._kept_s or job in surplus:
                self.end(job)
        self.records.sweep_in_turn()

    def _ended(self, job: CommandJob, done: Done) -> None:
        """Write the end of a command, give its place back and tell of it: one step that fails hinders none."""
        for step in (self._write, self._give_back, done):
            try:
                step(job)
            except Exception:  # the top of a thread
                log.exception("end of a command not told", extra={"job": job.id})

    def _write(self, job: CommandJob) -> None:
        """Write the record of a command that has ended, again and again until the store takes it."""
        record, ending = self._unwritten[job.id], job.ending
        while ending is not None:
            cut = ending.reason == OUTPUT_LIMIT
            try:
                self.records.end(record, ending, frames=frames_of(job), truncated=cut, identity=job.identity)
            except StoreProblem as problem:
                log.warning("end of a command not written", extra={"job": job.id, "why": problem.sentence})
                if not self._closing.wait(RETRY_S):
                    continue
            return

    def _give_back(self, job: CommandJob) -> None:
        del self._unwritten[job.id]
        if self._across is not None:
            self._across.finish(job.id, job.ending.state if job.ending else STOPPED)


def frames_of(job: CommandJob) -> Iterator[Frame]:
    """Read the whole output of a command that has ended."""
    offset = 0
    while pieces := job.read(offset, limit=READ_PIECES, wait_s=0):
        offset = pieces[-1][0] + 1
        yield from (unpacked(record) for _, record in pieces)
