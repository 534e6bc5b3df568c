"""What the Commands tab shows before anything runs: where lines run, within which limits, lines to take over, history.

It asks the runtime what it needs to know and runs nothing.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from opsmodal.answers import InstanceRow
from opsmodal.fleet import Fleet
from opsmodal.guard.shapes import parameter
from opsmodal.guard.world import Shape
from opsmodal.listing import ListQuery
from opsmodal.operations.command_answers import Choice, CommandsAnswer, History, Limits, Runbook
from opsmodal.operations.command_world import CommandWorld, facet_of
from opsmodal.operations.door import Pass
from opsmodal.operations.offered import offered
from opsmodal.permissions import Permission
from opsmodal.rows import page_of
from opsmodal.settings import Settings
from runtimes.base import Runtime
from runtimes.commands import Containers

FRESH_S = 5.0
OFFERED_ROWS = 200
"""Instances that the lines to take over are made of: the worst ones and one that is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where lines of a service run."""

    program: str
    hosts: bool
    missing: str
    containers: Containers


class CommandsTab:
    """Read the tab."""

    def __init__(self, fleet: Fleet, settings: Settings) -> None:
        self._fleet = fleet
        self._limits = limits(settings)

    def read(self, leave: Pass, world: CommandWorld, history: History) -> CommandsAnswer:
        """Give the tab for a person on a service."""
        service, given = leave.service, leave.permissions

        def ask(runtime: Runtime) -> _Place:
            facet = facet_of(runtime.commands)
            return _Place(
                program=facet.program,
                hosts=facet.hosts,
                missing=facet.missing(),
                containers=facet.containers(service.scope()),
            )

        place = self._fleet.read(service.runtime, ask, over=leave.over)
        kind, hosts = self._fleet.kind(service.runtime), place.hosts and Permission.EXEC in world.runtime_permissions
        return CommandsAnswer(
            program=place.program,
            namespace=service.namespace,
            containers=tuple(Choice(id=place.containers.own[name], name=name) for name in sorted(place.containers.own)),
            hosts=hosts,
            missing=place.missing,
            limits=self._limits,
            common=offered(kind, instances=self._instances(leave), hosts=hosts, logs=Permission.LOGS in given),
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
            history=history,
        )

    def _instances(self, leave: Pass) -> tuple[InstanceRow, ...]:
        kept = self._fleet.instances(leave.service, fresh_s=FRESH_S, over=leave.over)
        return page_of(kept, ListQuery(limit=OFFERED_ROWS), datetime.now(UTC)).items


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
