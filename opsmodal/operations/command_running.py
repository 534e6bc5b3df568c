"""Starts what the guard let through, over the connection of the person, and says afterwards how it went.

The argv is the verdict's and nothing else's. A command that only reads and has not begun may be begun over another
way; one that could change something is never tried twice, since nobody knows what it did.
"""

from __future__ import annotations

from dataclasses import dataclass

from opsmodal.commands.ending import LOST, Ending
from opsmodal.errors import ProgramMissing
from opsmodal.fleet import Fleet
from opsmodal.guard.verdict import Verdict, Where
from opsmodal.operations.command_world import commands_of
from opsmodal.operations.door import Pass
from opsmodal.operations.recording import FAILED, Outcome
from runtimes.base import Runtime
from runtimes.commands import Command, Started
from runtimes.errors import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command that has begun, and the connection that it runs over."""

    started: Started
    connection: str


class Running:
    """Start commands."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def connection(self, leave: Pass) -> str:
        """Name the connection that a command would run over now."""
        return self._fleet.connection_in_use(leave.service.runtime, leave.over)

    def start(self, leave: Pass, verdict: Verdict, *, limit_s: float) -> Run:
        """Begin to run. Raise ProgramMissing, and what the runtime and its connection say."""
        command = _command(verdict, limit_s=limit_s, identity=leave.service.service_account)
        try:
            started = self._begun(leave, command, again=not verdict.changes)
        except Missing as missing:
            if verdict.where is Where.CLI and self._lacks_program(leave):  # else it is the container that has gone
                raise ProgramMissing(missing.sentence, hint=missing.hint) from missing
            raise
        return Run(started=started, connection=self.connection(leave))

    def _begun(self, leave: Pass, command: Command, *, again: bool) -> Started:
        service = leave.service

        def ask(runtime: Runtime) -> Started:
            return commands_of(runtime).run(service.scope(), command)

        if again:
            return self._fleet.read(service.runtime, ask, over=leave.over)
        return ask(self._fleet.runtime(service.runtime, over=leave.over))

    def _lacks_program(self, leave: Pass) -> bool:
        opened = self._fleet.runtime(leave.service.runtime, over=leave.over)
        return bool(commands_of(opened).missing())

    def ended(self, leave: Pass, run: Run, ending: Ending, *, changed: bool, is_way_lost: bool) -> None:
        """Take in that a command is over: Auto hears of a way that was lost, and lists are read anew after a change.

        `is_way_lost`: its stream said so. Lost is also what nobody knows the end of, for which its way may be innocent.
        """
        if is_way_lost and ending.sentence:
            self._fleet.lost(leave.service.runtime, run.connection, ending.sentence)
        if changed:
            self._fleet.forget(leave.service)


def note(outcome: Outcome, line: str, run: Run, ending: Ending) -> None:
    """Write on the row of the audit log how a command ended, over which connection it ran, and as whom."""
    outcome.exit_code, outcome.bytes_count = ending.exit_code, ending.bytes
    outcome.detail = f"Over {run.connection}, as {run.started.identity}: {line}. {ending.sentence}".rstrip()
    outcome.word = FAILED if ending.reason == LOST else ending.state


def _command(verdict: Verdict, *, limit_s: float, identity: str) -> Command:
    return Command(
        argv=verdict.argv,
        limit_s=limit_s,
        where=verdict.where.value,
        container=verdict.container,
        pod=verdict.pod,
        pod_container=verdict.pod_container,
        inner=verdict.inner,
        identity=identity,
        user=verdict.user,
        workdir=verdict.workdir,
        environment=verdict.environment,
    )
