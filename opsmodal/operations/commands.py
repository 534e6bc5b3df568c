"""The Commands tab: a typed line is judged, let through the door as what it does, run, and written down.

One path for every line, whoever types it and by whatever way. Nothing here reads a line: the guard does that, and what
runs is the argv that it gives back.
"""

from __future__ import annotations

from collections.abc import Callable

from opsmodal import actions
from opsmodal.access import Access, Watch
from opsmodal.fleet import Fleet
from opsmodal.guard.verdict import Decision, Verdict
from opsmodal.listing import ListQuery
from opsmodal.operations.command_answers import (
    CheckAnswer,
    CommandRequest,
    CommandsAnswer,
    History,
    OneShotAnswer,
    check_answer,
)
from opsmodal.operations.command_collecting import Collected, as_text, collect
from opsmodal.operations.command_hits import CommandHits
from opsmodal.operations.command_judging import JudgedLine, Judging
from opsmodal.operations.command_masking import mask_output
from opsmodal.operations.command_running import Over, Run, Running, note
from opsmodal.operations.command_slots import OneShots
from opsmodal.operations.commands_tab import CommandsTab
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.guards import Consent, Guard, Judged
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry
from opsmodal.settings import Settings
from opsmodal.streams import new_job

TRUNCATED = "It wrote {count:,} bytes; what follows the first {most:,} is not shown."


class CommandOperations:
    """Judge and run what people type."""

    def __init__(self, door: Door, fleet: Fleet, known: Registry, settings: Settings, *, watch: Watch) -> None:
        self._door = door
        self._watch = watch
        self._settings = settings
        self._judging = Judging(door, fleet, known)
        self._running = Running(fleet)
        self._hits = CommandHits(door, fleet)
        self._oneshots = OneShots()
        self._tab = CommandsTab(fleet, settings)

    def read(self, actor: Actor, name: str, query: ListQuery) -> CommandsAnswer:
        """Give the tab, with what the actor typed on this service before."""
        leave = self._door.enter(actor, actions.COMMANDS_VIEW, name)
        return self._tab.read(leave, self._judging.world(leave), History())

    def check(self, actor: Actor, name: str, request: CommandRequest) -> CheckAnswer:
        """Say what would become of a line. Nothing is run and nothing written down."""
        leave = self._door.enter(actor, actions.COMMANDS_VIEW, name)
        return check_answer(self._judging.judge(leave, request).verdict)

    def run(
        self, actor: Actor, name: str, request: CommandRequest, *, consent: Consent, is_gone: Callable[[], bool]
    ) -> OneShotAnswer:
        """Run a line once and give what it wrote. It is ended when whoever asked `is_gone`, or may no longer."""
        leave, judged, guards = self._permitted(actor, name, request)
        verdict, limit_s = judged.verdict, self._limit_s(judged.verdict)
        told = Judged(verdict=judged.word, rule=verdict.rule)
        slot = self._oneshots.slot(actor.name)
        with (
            self._door.act(leave, target=judged.target, consent=consent, guards=guards, slot=slot, judged=told) as row,
            self._watch.hold(actor, leave.action, service=name, target=judged.target) as access,
        ):
            run = self._running.start(leave, verdict, limit_s=limit_s)
            found = self._collected(run, access, limit_s=limit_s, is_gone=is_gone)
            over = Over(
                reason=found.reason,
                exit_code=found.exit_code,
                sentence=found.sentence,
                bytes_count=found.bytes_count,
            )
            note(row, judged.line, run, over)
            self._running.ended(leave, run, over, changed=verdict.changes)
            access.demand()
        return self._answer(new_job(), judged, run, found)

    def _permitted(
        self, actor: Actor, name: str, request: CommandRequest
    ) -> tuple[Pass, JudgedLine, tuple[Guard, ...]]:
        """Judge a line, and let it through as what it does; the door refuses what is refused, and writes it down."""
        leave = self._door.enter(actor, actions.COMMAND_RUN, name)
        judged = self._judging.judge(leave, request)
        if not judged.verdict.allowed:
            return leave, judged, (self._judging.refusing(judged),)
        passed = self._door.enter(actor, judged.action, name, target=judged.target)
        again = self._judging.rejudging(passed, judged)
        if judged.verdict.decision is Decision.CONFIRM:
            return passed, judged, (self._hits.confirmation(passed, judged), again)
        return passed, judged, (again,)

    def _collected(self, run: Run, access: Access, *, limit_s: float, is_gone: Callable[[], bool]) -> Collected:
        return collect(
            run.started.stream,
            limit_s=limit_s,
            max_bytes=self._settings.command_oneshot_bytes,
            is_gone=lambda: access.ended is not None or is_gone(),
        )

    def _limit_s(self, verdict: Verdict) -> int:
        return self._settings.command_oneshot_long_s if verdict.long else self._settings.command_oneshot_s

    def _answer(self, number: str, judged: JudgedLine, run: Run, found: Collected) -> OneShotAnswer:
        verdict, stdout, withheld = judged.verdict, as_text(found.stdout), ""
        if verdict.masked:
            stdout, withheld = mask_output(verdict.argv, stdout)
        most = self._settings.command_oneshot_bytes
        cut = TRUNCATED.format(count=found.bytes_count, most=most) if found.truncated else ""
        return OneShotAnswer(
            id=number,
            verdict=verdict.decision,
            exit_code=found.exit_code,
            stdout=stdout,
            stderr=as_text(found.stderr),
            duration_ms=found.duration_ms,
            timed_out=found.timed_out,
            truncated=found.truncated,
            masked=verdict.masked,
            notes=tuple(each for each in (*run.started.notes, cut, withheld, found.sentence) if each),
        )
