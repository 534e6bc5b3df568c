"""Judges a typed line for one person on one service: the one place where pages, programs and checks get a verdict.

It asks the guard with the world behind the service, says which action a verdict is let through as, and turns a refusal
into the error that names its rule. It runs nothing and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from opsmodal import actions
from opsmodal.audit.reading import REFUSE
from opsmodal.audit.redaction import redacted
from opsmodal.errors import CommandNotPermitted, CommandRefused, ReadOnly, Refusal
from opsmodal.fleet import Fleet
from opsmodal.guard.judge import judge
from opsmodal.guard.line import LINE_MAX_BYTES
from opsmodal.guard.masking import masked
from opsmodal.guard.verdict import Decision, Verdict, Where
from opsmodal.guard.world import Asked
from opsmodal.operations import guards
from opsmodal.operations.command_answers import CommandRequest
from opsmodal.operations.command_world import CommandWorld
from opsmodal.operations.door import Door, Pass
from opsmodal.permissions import Action, Permission
from opsmodal.registry.policies import narrowing_of, shapes_of
from opsmodal.registry.registry import Registry

PERMISSION_RULES = frozenset({"permission-exec", "permission-logs", "permission-manage", "runtime-permission"})
READ_ONLY_RULE = "read-only"
REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLine:
    """A line with its verdict. `line` is masked: what may be shown and kept. `scales`: autoscalers were asked about."""

    request: CommandRequest
    verdict: Verdict
    line: str
    scales: bool

    @property
    def word(self) -> str:
        """Give the verdict as the audit log has it."""
        return REFUSE if self.verdict.decision is Decision.REFUSE else self.verdict.decision.value

    @property
    def action(self) -> Action:
        """Give the action that the line is let through as; one that is refused was an attempt to run."""
        verdict = self.verdict
        if verdict.decision is Decision.CONFIRM:
            return actions.COMMAND_DESTROY if Permission.MANAGE in verdict.needs else actions.COMMAND_RUNBOOK
        if verdict.changes:
            return actions.COMMAND_CHANGE if Permission.MANAGE in verdict.needs else actions.COMMAND_EXEC
        return actions.COMMAND_RUN

    @property
    def on_runtime(self) -> bool:
        """Whether it takes the right on the whole runtime: it runs on the host, or is about the engine itself."""
        return self.verdict.where is Where.HOST or self.verdict.on_runtime

    @property
    def target(self) -> str:
        """Say for the audit log what is hit, and by which line."""
        verdict = self.verdict
        named = ", ".join(f"{each.kind}/{each.name or '*'}" for each in verdict.targets)
        what = named or (f"pod/{verdict.pod}" if verdict.pod else verdict.container[:12])
        return f"{what}: {self.line}" if what else self.line


class Judging:
    """Judge lines."""

    def __init__(self, door: Door, fleet: Fleet, known: Registry) -> None:
        self._door = door
        self._fleet = fleet
        self._known = known

    def judge(self, leave: Pass, request: CommandRequest) -> JudgedLine:
        """Judge a line for whom `leave` was given to. Raise what reading the runtime raises."""
        world = self.world(leave)
        kind = cast(Literal["kubernetes", "docker", "podman"], self._fleet.kind(leave.service.runtime))
        asked = Asked(
            kind=kind,
            mode=request.mode,
            world=world,
            namespace=leave.service.namespace,
            container=request.instance,
        )
        verdict = judge(request.command, asked)
        line = shown_line(request.command)
        return JudgedLine(request=request, verdict=verdict, line=line, scales=world.asked_scale)

    def world(self, leave: Pass) -> CommandWorld:
        """Give the world of a person on a service; nothing of it is read yet."""
        spec = self._known.runtime(leave.service.runtime)
        return CommandWorld(
            leave,
            self._fleet,
            on_runtime=self._door.on_runtime(leave),
            narrowing=narrowing_of(leave.service, leave.permissions),
            shapes=shapes_of(spec, leave.permissions) if spec else (),
            read_only=not self._door.open_to(actions.COMMAND_EXEC),
        )

    def refusing(self, judged: JudgedLine) -> guards.Guard:
        """Make the guard of the door that refuses a line whose verdict says so."""
        refusal = self.refusal(judged.verdict)

        def guard(_: guards.Asked) -> guards.Verdict:
            return guards.Verdict(rule=judged.verdict.rule, refusal=refusal)

        return guard

    def rejudging(self, leave: Pass, judged: JudgedLine) -> guards.Guard:
        """Make the guard that judges a line again right before it runs: an autoscaler may have come meanwhile.

        The API has no lock for that; what is left is the moment between this and the start.
        """

        def guard(_: guards.Asked) -> guards.Verdict:
            again = self.judge(leave, judged.request).verdict if judged.scales else judged.verdict
            return guards.Verdict(rule=again.rule, refusal=self.refusal(again))

        return guard

    def refusal(self, verdict: Verdict) -> Refusal | None:
        """Say a refusal in the words of the verdict; None where the line is let through."""
        if verdict.allowed:
            return None
        if verdict.rule == READ_ONLY_RULE:
            return ReadOnly(verdict.reason, hint="An administrator can switch it off with OPSMODAL_READ_ONLY=false.")
        if verdict.rule in PERMISSION_RULES:
            return CommandNotPermitted(verdict.reason, hint=self._door.whom_to_ask(), rule=verdict.rule)
        return CommandRefused(verdict.reason, hint=verdict.hint, rule=verdict.rule, suggestion=verdict.suggestion)


def shown_line(command: str) -> str:
    """Give a line as it may be shown and kept: masked, no longer than any that runs, and nothing in it unseen.

    A character that turns the reading order round, or ends a line, must not make a row of the audit log read otherwise.
    """
    line = redacted(masked(command[:LINE_MAX_BYTES]))
    return line if line.isprintable() else "".join(map(_seen, line))


def _seen(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()
