"""Runs a line as a stream: a job of the server, whose row in the audit log stays open until it has ended by any way."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from dataclasses import replace

from opsmodal.access import Watch
from opsmodal.commands.job import CommandJob, Limits
from opsmodal.commands.jobs import CommandJobs
from opsmodal.guard.verdict import Verdict
from opsmodal.operations.command_answers import CommandRequest, StreamingAnswer
from opsmodal.operations.command_masking import MaskedStream
from opsmodal.operations.command_passing import Passed, Passing
from opsmodal.operations.command_running import Run, Running, note
from opsmodal.operations.command_slots import HandedOver
from opsmodal.operations.guards import Consent
from opsmodal.operations.recording import Outcome
from opsmodal.permissions import Actor
from opsmodal.settings import Settings
from runtimes.commands import Started

log = logging.getLogger(__name__)

BEGIN_S = 60.0
"""How long an end waits for the beginning to have been written down, which takes milliseconds."""


class Streaming:
    """Start streaming commands."""

    def __init__(
        self, passing: Passing, running: Running, jobs: CommandJobs, settings: Settings, *, watch: Watch
    ) -> None:
        self._passing = passing
        self._running = running
        self._jobs = jobs
        self._watch = watch
        self._limits = Limits(settings.command_streaming_s, settings.command_streaming_bytes)

    def start(self, actor: Actor, name: str, request: CommandRequest, *, consent: Consent) -> StreamingAnswer:
        """Start a line and give the id by which its output is followed."""
        passed = self._passing.let_through(actor, name, request)
        slot = HandedOver(self._jobs.slot(passed.id, owner=actor.name, service=name))
        with ExitStack() as row:
            outcome = row.enter_context(self._passing.act(passed, consent=consent, slot=slot))
            open_row = _OpenRow(passed, outcome, self._running)
            self._begin(passed, open_row, audit_id=outcome.number)
            slot.hand_over()
            open_row.keep(row.pop_all())
        return StreamingAnswer(id=passed.id)

    def _begin(self, passed: Passed, open_row: _OpenRow, *, audit_id: int | None) -> None:
        leave, judged = passed.leave, passed.judged

        def open_stream() -> Started:
            run = open_row.run = self._running.start(leave, judged.verdict, limit_s=self._limits.seconds)
            return self._masked(run.started, judged.verdict) if judged.verdict.masked else run.started

        connection = self._running.connection(leave)
        with self._passing.beginning(passed, connection=connection, audit_id=audit_id) as record:
            self._jobs.start(
                open_stream,
                record=record,
                hold=lambda: passed.hold(self._watch),
                limits=self._limits,
                done=open_row.close,
            )

    def _masked(self, started: Started, verdict: Verdict) -> Started:
        """Mask the values of secrets in what a command writes."""
        stream = MaskedStream(started.stream, verdict.argv, max_bytes=self._limits.bytes)
        return replace(started, stream=stream, notes=tuple(each for each in (*started.notes, stream.note) if each))


class _OpenRow:
    """The row of a command that runs: closed with how it ended, by the thread that sees it end."""

    def __init__(self, passed: Passed, outcome: Outcome, running: Running) -> None:
        self.run: Run | None = None
        self._passed = passed
        self._outcome = outcome
        self._running = running
        self._row: ExitStack | None = None
        self._kept = threading.Event()

    def keep(self, row: ExitStack) -> None:
        """Take the row over from the request that began it."""
        self._row = row
        self._kept.set()

    def close(self, job: CommandJob) -> None:
        """Write how the command ended; it may have before its beginning was through."""
        if not self._kept.wait(BEGIN_S) or self._row is None or self.run is None or job.ending is None:
            log.error("row of a command not closed", extra={"command": self._passed.id})
            return
        judged = self._passed.judged
        with self._row:
            note(self._outcome, judged.line, self.run, job.ending)
        leave, changed = self._passed.leave, judged.verdict.changes
        self._running.ended(leave, self.run, job.ending, changed=changed, is_way_lost=job.is_way_lost)
