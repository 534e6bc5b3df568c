"""Lets a line through the door, as a one-shot or as a stream: judged, permitted, confirmed, written down, recorded.

What is refused is refused by the door, with its rule in the audit log and in the person's own history.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.errors import ConnectionProblem
from opsmodal import actions
from opsmodal.access import Access, Needs, Watch
from opsmodal.commands.ending import LOST, Ending
from opsmodal.commands.record import Begun, Typed
from opsmodal.commands.records import CommandRecords
from opsmodal.errors import Refusal
from opsmodal.guard.verdict import Decision, refused
from opsmodal.operations.command_answers import CommandRequest
from opsmodal.operations.command_hits import CommandHits
from opsmodal.operations.command_judging import JudgedLine, Judging, shown_line
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.guards import UNASKED, Consent, Guard, Judged
from opsmodal.operations.recording import Outcome
from opsmodal.operations.slots import Slot
from opsmodal.permissions import Actor
from opsmodal.store.errors import StoreProblem
from opsmodal.streams import new_job
from runtimes.errors import RuntimeProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A line that was let through, and the id that its command will have."""

    leave: Pass
    judged: JudgedLine
    guards: tuple[Guard, ...]
    id: str

    def hold(self, watch: Watch) -> Access:
        """Begin to watch over the command: it ends with any right that it needs. Raise StoreProblem."""
        leave, target = self.leave, f"commands/{self.id}"
        return watch.hold(
            leave.actor,
            leave.action,
            service=leave.service.name,
            target=target,
            needs=Needs(permissions=self.judged.verdict.needs, exec_on_runtime=self.judged.on_runtime),
        )


class Passing:
    """Let lines through."""

    def __init__(self, door: Door, judging: Judging, hits: CommandHits, records: CommandRecords) -> None:
        self._door = door
        self._judging = judging
        self._hits = hits
        self._records = records

    def let_through(self, actor: Actor, name: str, request: CommandRequest) -> Passed:
        """Judge a line and let it through as what it does. Raise what the door and the guard refuse it with."""
        leave = self._door.enter(actor, actions.COMMAND_RUN, name, target=shown_line(request.command))
        judged = self._judged(leave, request)
        refusal = self._judging.refusal(judged.verdict)
        if refusal is not None:
            self._write_down(leave, judged)
            raise refusal
        passed = self._door.enter(actor, judged.action, name, target=judged.target)
        guards: tuple[Guard, ...] = (self._judging.rejudging(passed, judged),)
        if judged.verdict.decision is Decision.CONFIRM:
            guards = (self._hits.confirmation(passed, judged), *guards)
        return Passed(leave=passed, judged=judged, guards=guards, id=new_job())

    @contextmanager
    def act(self, passed: Passed, *, consent: Consent, slot: Slot) -> Iterator[Outcome]:
        """Do it within the door."""
        judged = passed.judged
        told = Judged(verdict=judged.word, rule=judged.verdict.rule)
        with self._door.act(
            passed.leave, target=judged.target, consent=consent, guards=passed.guards, slot=slot, judged=told
        ) as outcome:
            yield outcome

    @contextmanager
    def beginning(self, passed: Passed, *, connection: str, audit_id: int | None) -> Iterator[Begun]:
        """Begin the record of a command; one that could not be started has its end in it, and why."""
        typed = _typed(passed.leave, passed.judged, connection=connection, audit_id=audit_id)
        begun = self._records.begin(typed, command_id=passed.id)
        try:
            yield begun
        except (RuntimeProblem, ConnectionProblem, Refusal, StoreProblem) as problem:
            self._records.end_or_log(begun, never_begun(problem.sentence))
            raise

    def _judged(self, leave: Pass, request: CommandRequest) -> JudgedLine:
        """Judge a line; one that cannot be, since what it is about does not answer, is written down as failed."""
        try:
            return self._judging.judge(leave, request)
        except (RuntimeProblem, ConnectionProblem) as problem:
            verdict, line = refused("", problem.sentence), shown_line(request.command)
            judged = JudgedLine(request=request, verdict=verdict, line=line, scales=False)
            with self._door.act(leave, target=line, judged=Judged(verdict=judged.word)) as outcome:
                typed = _typed(leave, judged, audit_id=outcome.number)
                begun = self._records.begin(typed, command_id=new_job())
                self._records.end(begun, never_begun(problem.sentence))
                raise

    def _write_down(self, leave: Pass, judged: JudgedLine) -> None:
        """Have the door refuse a line, which writes it down; and keep it in the person's history."""
        told = Judged(verdict=judged.word, rule=judged.verdict.rule)
        guards = (self._judging.refusing(judged),)
        try:
            with self._door.act(leave, target=judged.line, consent=UNASKED, guards=guards, judged=told):
                raise AssertionError("a refused line was let through")
        finally:
            self._records.refused(_typed(leave, judged), command_id=new_job())


def never_begun(sentence: str) -> Ending:
    """Say of a command that it was not started."""
    return Ending(exit_code=None, reason=LOST, sentence=sentence, duration_ms=0, bytes=0)


def _typed(leave: Pass, judged: JudgedLine, *, connection: str = "", audit_id: int | None = None) -> Typed:
    return Typed(
        person=leave.actor.name,
        service=leave.service.name,
        runtime=leave.service.runtime,
        mode=judged.request.mode,
        line=judged.line,
        verdict=judged.verdict.decision.value,
        rule=judged.verdict.rule,
        instance=judged.request.instance,
        connection=connection,
        audit_id=audit_id,
    )
