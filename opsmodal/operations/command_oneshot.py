"""Runs a line once: what it wrote is the answer, and is kept in its record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

from opsmodal.access import Access, Watch
from opsmodal.commands.ending import LOST, Ending, Reason
from opsmodal.commands.kept import Frame
from opsmodal.commands.record import Begun
from opsmodal.commands.records import CommandRecords
from opsmodal.guard.verdict import Verdict
from opsmodal.operations.command_answers import CommandRequest, OneShotAnswer
from opsmodal.operations.command_collecting import Collected, as_text, collect
from opsmodal.operations.command_masking import mask_errors, mask_output
from opsmodal.operations.command_passing import Passed, Passing
from opsmodal.operations.command_running import Run, Running, note
from opsmodal.operations.command_slots import OneShots
from opsmodal.operations.guards import Consent
from opsmodal.permissions import Actor
from opsmodal.settings import Settings

TRUNCATED = "It wrote {count:,} bytes: what follows the first {most:,} is left out."
BROKEN = Ending(
    exit_code=None,
    reason=LOST,
    sentence="Something went wrong inside opsmodal: what the command has done is not known.",
    duration_ms=0,
    bytes=0,
)
"""The end of one that we failed to read, so that its record does not seem to run."""
IsGone = Callable[[], bool]


class OneShot:
    """Run lines once."""

    def __init__(
        self, passing: Passing, running: Running, records: CommandRecords, settings: Settings, *, watch: Watch
    ) -> None:
        self._passing = passing
        self._running = running
        self._records = records
        self._settings = settings
        self._watch = watch
        self._slots = OneShots()
        self._stops: dict[str, threading.Event] = {}
        """How to stop those that run in this process, by their ids."""

    def run(
        self, actor: Actor, name: str, request: CommandRequest, *, consent: Consent, is_gone: IsGone
    ) -> OneShotAnswer:
        """Run a line and give what it wrote. It is ended when whoever asked `is_gone`, or may no longer."""
        passed = self._passing.let_through(actor, name, request)
        leave, judged = passed.leave, passed.judged
        with (
            self._passing.act(passed, consent=consent, slot=self._slots.slot(actor.name)) as outcome,
            passed.hold(self._watch) as access,
        ):
            limit_s, connection = self._limit_s(judged.verdict), self._running.connection(leave)
            with self._passing.beginning(passed, connection=connection, audit_id=outcome.number) as begun:
                run = self._running.start(leave, judged.verdict, limit_s=limit_s)
            with ExitStack() as untold:
                untold.callback(self._records.end_or_log, begun, BROKEN)
                with self._stoppable(passed.id) as is_stopped:
                    found = self._collected(run, access, limit_s=limit_s, is_gone=lambda: is_stopped() or is_gone())
                ending = _ending(found)
                note(outcome, judged.line, run, ending)
                answer = self._answer(passed, run, found)
                untold.pop_all()
            self._keep(begun, ending, run, answer)
            changed, is_way_lost = judged.verdict.changes, found.is_way_lost
            self._running.ended(leave, run, ending, changed=changed, is_way_lost=is_way_lost)
            access.demand()
        return answer

    def stop(self, command: str) -> bool:
        """Stop a command that runs in this process; False where there is none of this id."""
        stopping = self._stops.get(command)
        if stopping is not None:
            stopping.set()
        return stopping is not None

    @contextmanager
    def _stoppable(self, command: str) -> Iterator[IsGone]:
        stopping = self._stops[command] = threading.Event()
        try:
            yield stopping.is_set
        finally:
            del self._stops[command]

    def _collected(self, run: Run, access: Access, *, limit_s: float, is_gone: IsGone) -> Collected:
        return collect(
            run.started.stream,
            limit_s=limit_s,
            max_bytes=self._settings.command_oneshot_bytes,
            is_gone=lambda: access.ended is not None or is_gone(),
        )

    def _limit_s(self, verdict: Verdict) -> int:
        return self._settings.command_oneshot_long_s if verdict.long else self._settings.command_oneshot_s

    def _keep(self, begun: Begun, ending: Ending, run: Run, answer: OneShotAnswer) -> None:
        """Write the end into the record. What was run has been run: its answer goes out whatever the store says."""
        written: tuple[Frame, ...] = (("stdout", answer.stdout), ("stderr", answer.stderr))
        frames = [frame for frame in written if frame[1]]
        identity = run.started.identity
        self._records.end_or_log(begun, ending, frames=frames, truncated=answer.truncated, identity=identity)

    def _answer(self, passed: Passed, run: Run, found: Collected) -> OneShotAnswer:
        verdict, stdout, stderr, withheld = passed.judged.verdict, as_text(found.stdout), as_text(found.stderr), ""
        if verdict.masked:
            (stdout, withheld), stderr = mask_output(verdict.argv, stdout), mask_errors(stderr)
        cut = TRUNCATED.format(count=found.bytes_count, most=self._settings.command_oneshot_bytes)
        notes = (*run.started.notes, cut if found.truncated else "", withheld, found.sentence)
        return OneShotAnswer(
            id=passed.id,
            verdict=verdict.decision,
            exit_code=found.exit_code,
            reason=cast(Reason, found.reason),
            stdout=stdout,
            stderr=stderr,
            duration_ms=found.duration_ms,
            timed_out=found.timed_out,
            truncated=found.truncated,
            masked=verdict.masked,
            notes=tuple(each for each in notes if each),
        )


def _ending(found: Collected) -> Ending:
    return Ending(
        exit_code=found.exit_code,
        reason=cast(Reason, found.reason),
        sentence=found.sentence,
        duration_ms=found.duration_ms,
        bytes=found.bytes_count,
    )
