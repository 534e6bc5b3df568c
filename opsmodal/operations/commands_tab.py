"""What the Commands tab shows before anything runs: where lines run, within which limits, lines to take over, history.

It runs nothing, and asks the runtime no more than what the Pods or Containers tab knows of the service. Where the
runtime does not answer, the tab says so: what was typed before, and how to stop it, is there all the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from connectors.errors import ConnectionProblem
from opsmodal.answers import InstanceRow
from opsmodal.fleet import Fleet
from opsmodal.guard.shapes import parameter
from opsmodal.guard.world import Shape
from opsmodal.listing import ListQuery
from opsmodal.operations.command_answers import Choice, CommandsAnswer, History, HistoryRow, Limits, Runbook
from opsmodal.operations.command_world import CommandWorld, commands_of
from opsmodal.operations.door import Pass
from opsmodal.operations.offered import offered
from opsmodal.permissions import Permission
from opsmodal.rows import page_of
from opsmodal.settings import Settings
from runtimes.base import Instance, Runtime
from runtimes.errors import RuntimeProblem

KUBERNETES = "kubernetes"
FRESH_S = 5.0
OFFERED_ROWS = 200
"""Instances that the lines to take over are made of: the worst ones and one that is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where lines of a service run. `problem` is why its runtime cannot say, "" where it did."""

    program: str
    hosts: bool = False
    missing: str = ""
    instances: tuple[Instance, ...] = ()
    rows: tuple[InstanceRow, ...] = ()
    problem: str = ""


class CommandsTab:
    """Read the tab."""

    def __init__(self, fleet: Fleet, settings: Settings) -> None:
        self._fleet = fleet
        self._limits = limits(settings)

    def read(
        self, leave: Pass, world: CommandWorld, history: History, running: tuple[HistoryRow, ...]
    ) -> CommandsAnswer:
        """Give the tab for a person on a service."""
        service, given, kind = leave.service, leave.permissions, self._fleet.kind(leave.service.runtime)
        place = self._place(leave, kind)
        hosts = place.hosts and Permission.EXEC in world.runtime_permissions
        return CommandsAnswer(
            program=place.program,
            namespace=service.namespace,
            containers=_choices(place.instances),
            hosts=hosts,
            missing=place.missing,
            problem=place.problem,
            limits=self._limits,
            common=offered(kind, instances=place.rows, hosts=hosts, logs=Permission.LOGS in given),
            runbooks=tuple(
                Runbook(
                    name=shape.name,
                    command=_as_typed(shape),
                    parameters=dict(shape.parameters),
                    approved=shape.approved,
                    may=hosts and shape.permissions <= given,
                )
                for shape in world.shapes
            ),
            running=running,
            history=history,
        )

    def _place(self, leave: Pass, kind: str) -> _Place:
        place = _Place(program="kubectl" if kind == KUBERNETES else kind)
        try:
            place = self._fleet.read(leave.service.runtime, _asked, over=leave.over)
            kept = self._fleet.instances(leave.service, fresh_s=FRESH_S, over=leave.over)
        except (RuntimeProblem, ConnectionProblem) as problem:
            return replace(place, problem=f"{problem.sentence} {problem.hint}".rstrip())
        page = page_of(kept, ListQuery(limit=OFFERED_ROWS), datetime.now(UTC))
        return replace(place, instances=tuple(kept.value.items), rows=page.items, problem=page.problem)


def _asked(runtime: Runtime) -> _Place:
    facet = commands_of(runtime)
    return _Place(program=facet.program, hosts=facet.hosts, missing=facet.missing())


def _choices(instances: Iterable[Instance]) -> tuple[Choice, ...]:
    """Give the containers to choose from; on a cluster one is named in the line itself."""
    found = sorted((each.name, each.id) for each in instances if each.kind == "container")
    return tuple(Choice(id=number, name=name) for name, number in found)


def _as_typed(shape: Shape) -> str:
    """Write a runbook as a line, with its parameters as `{name}`; what else a line would part in two is quoted."""
    return " ".join(word if parameter(word) in shape.parameters else shlex.quote(word) for word in shape.argv)


def limits(settings: Settings) -> Limits:
    """Give the limits of commands that are set."""
    return Limits(
        oneshot_s=settings.command_oneshot_s,
        oneshot_long_s=settings.command_oneshot_long_s,
        oneshot_bytes=settings.command_oneshot_bytes,
        streaming_s=settings.command_streaming_s,
        streaming_bytes=settings.command_streaming_bytes,
        streaming_count=settings.command_streaming_count,
        keep_days=settings.command_output_days if settings.command_output_keep else 0,
    )
