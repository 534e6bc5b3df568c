"""Starts what the guard let through, over the connection of the person, and says afterwards how it went.

The argv is the verdict's and nothing else's. A command that has not begun may be begun over another way; one that has
is never repeated, since nobody knows what it did.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Ended
from opsmodal.fleet import Fleet
from opsmodal.guard.verdict import Verdict
from opsmodal.operations.command_world import facet_of
from opsmodal.operations.door import Pass
from opsmodal.operations.recording import DONE, FAILED, STOPPED, Outcome
from runtimes.commands import Command, Started

ENDED_BY_US = frozenset({"timeout", "output-limit", "stopped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command that has begun, and the connection that it runs over."""

    started: Started
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """How a command ended: `reason` is exited, timeout, output-limit, stopped or lost."""

    reason: str
    exit_code: int | None
    sentence: str
    bytes_count: int


class Running:
    """Start commands."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def start(self, leave: Pass, verdict: Verdict, *, limit_s: float) -> Run:
        """Begin to run. Raise what the runtime and its connection say."""
        service, command = leave.service, _command(verdict, limit_s=limit_s, identity="")
        started = self._fleet.read(
            service.runtime,
            lambda runtime: facet_of(runtime.commands).run(service.scope(), command),
            over=leave.over,
        )
        return Run(started=started, connection=self._fleet.connection_in_use(service.runtime, leave.over))

    def ended(self, leave: Pass, run: Run, over: Over, *, changed: bool) -> None:
        """Take in that a command is over: Auto hears of a way that was lost, and lists are read anew after a change."""
        if over.reason == Ended.LOST and over.sentence:
            self._fleet.lost(leave.service.runtime, run.connection, over.sentence)
        if changed:
            self._fleet.forget(leave.service)


def note(outcome: Outcome, line: str, run: Run, over: Over) -> None:
    """Write on the row of the audit log how a command ended, over which connection it ran, and as whom."""
    outcome.exit_code, outcome.bytes_count = over.exit_code, over.bytes_count
    outcome.detail = " ".join(
        part for part in (f"Over {run.connection}, as {run.started.identity}: {line}", over.sentence) if part
    )
    outcome.word = word_of(over)


def word_of(over: Over) -> str:
    """Give the audit log's word for an end: a program that ran and said no has failed."""
    if over.reason in ENDED_BY_US:
        return STOPPED
    return DONE if over.reason == Ended.EXITED and over.exit_code == 0 else FAILED


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
