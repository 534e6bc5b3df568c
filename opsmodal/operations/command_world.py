"""The world behind a page, as the guard sees it: read from the runtime part by part, and only what a line needs.

One world is for one line and one request. Whatever reading raises goes through the guard to whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from opsmodal.fleet import Fleet
from opsmodal.guard.world import Narrowing, Pair, Shape
from opsmodal.operations.door import Pass
from opsmodal.permissions import Permission
from runtimes.base import Runtime
from runtimes.changes import Rollback
from runtimes.commands import Commands, Containers, Kind, Kinds, Scaled
from runtimes.errors import Conflict, Missing, Unsupported
from runtimes.typed import read

T = TypeVar("T")


class CommandWorld:
    """What the guard may ask about one person, one service and its runtime."""

    def __init__(
        self,
        leave: Pass,
        fleet: Fleet,
        *,
        on_runtime: frozenset[Permission],
        narrowing: Narrowing,
        shapes: Sequence[Shape],
        read_only: bool,
    ) -> None:
        self.permissions = leave.permissions
        self.runtime_permissions = on_runtime
        self.narrowing = narrowing
        self.shapes = shapes
        self.read_only = read_only
        self._leave = leave
        self._fleet = fleet
        self._scope = leave.service.scope()

    @property
    def autoscaled(self) -> frozenset[str]:
        return self._scaled.autoscaled

    @property
    def switched_off(self) -> Mapping[str, tuple[int, int]]:
        return self._scaled.switched_off

    @property
    def owners(self) -> Mapping[str, str]:
        return self._scaled.owners or {}

    @cached_property
    def tokens(self) -> frozenset[str]:
        return self._read(lambda commands: commands.tokens(self._scope))

    def going_back(self, workload: str, revision: int) -> Pair | None:
        """Give what going back would change; None where there is nothing to go back to. Raise RuntimeProblem."""
        # What is typed reaches the namespace, whatever the selector of the service shows.
        scope, change = replace(self._scope, selector=""), Rollback(workload=workload, revision=revision)

        def ask(runtime: Runtime) -> Pair | None:
            facet = runtime.deployment
            if facet is None:
                raise Unsupported("This runtime has no revisions.")
            return read(facet.manifest(scope, workload).text), read(facet.manifest_after(scope, change).text)

        try:
            return self._fleet.read(self._leave.service.runtime, ask, over=self._leave.over)
        except (Missing, Conflict):
            return None  # kubectl says so itself: it is not there, or its rollout is paused

    @property
    def own(self) -> Mapping[str, str]:
        return self._containers.own

    @property
    def other(self) -> Mapping[str, str]:
        return self._containers.other

    @property
    def kinds(self) -> Sequence[Kind]:
        return self._kinds.namespaced

    @property
    def cluster_kinds(self) -> Sequence[Kind]:
        return self._kinds.cluster

    @property
    def asked_scale(self) -> bool:
        """Whether the guard looked at what autoscalers own: that may change until the line runs."""
        return "_scaled" in self.__dict__

    @cached_property
    def _containers(self) -> Containers:
        return self._read(lambda commands: commands.containers(self._scope))

    @cached_property
    def _kinds(self) -> Kinds:
        return self._read(lambda commands: commands.kinds())

    @cached_property
    def _scaled(self) -> Scaled:
        return self._read(lambda commands: commands.scaled(self._scope))

    def _read(self, ask: Callable[[Commands], T]) -> T:
        runtime, over = self._leave.service.runtime, self._leave.over
        return self._fleet.read(runtime, lambda opened: ask(commands_of(opened)), over=over)


def commands_of(runtime: Runtime) -> Commands:
    """Give the facet. Raise Unsupported for a runtime that runs none."""
    if runtime.commands is None:
        raise Unsupported("This runtime runs no commands.")
    return runtime.commands
