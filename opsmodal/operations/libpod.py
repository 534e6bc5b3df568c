"""What only Podman tells: pods of a service, secrets by name, health checks, and running one of these.

What a check runs and what it printed is for who may see the environment, as on the rest of a container's page.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from connectors.errors import ConnectionProblem
from opsmodal import actions
from opsmodal.fleet import Fleet
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.facets import Facets
from opsmodal.operations.finding import looked_up
from opsmodal.operations.guards import Consent
from opsmodal.operations.previews import Preview, previewed
from opsmodal.permissions import Actor, Permission
from runtimes.base import Libpod, Runtime
from runtimes.errors import RuntimeProblem, Unsupported
from runtimes.libpod import HealthCheck, Own, Pod

log = logging.getLogger(__name__)


NOTHING = Own()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands on a container's page beside what every engine tells, and whether its check may be run."""

    own: Own = NOTHING
    may_check: bool = False


class LibpodOperations:
    """Read what Podman's own API tells, and run health checks."""

    def __init__(self, door: Door, fleet: Fleet) -> None:
        self._door = door
        self._fleet = fleet
        self._facets = Facets(fleet, _facet)

    def pods(self, actor: Actor, name: str) -> tuple[Pod, ...]:
        """List the pods that a service has containers in."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        return self._facets.kept(leave, "pods", lambda libpod, scope: tuple(libpod.pods(scope))).value

    def pods_if_any(self, actor: Actor, name: str) -> tuple[Pod, ...]:
        """List them for a page that does without: none where an open runtime has none, or does not answer."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        if not self._is_there(leave):
            return ()
        try:
            return self.pods(actor, name)
        except (RuntimeProblem, ConnectionProblem) as problem:
            log.debug("pods not read", extra={"service": name, "why": problem.sentence})
            return ()

    def one(self, actor: Actor, name: str, instance: str) -> Own:
        """Read what there is of one container. Raise Missing, and Unsupported for another runtime."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        own = self._facets.read(leave, lambda libpod, scope: libpod.one(scope, instance))
        if own.health is None or Permission.MANAGE in leave.permissions:
            return own
        return replace(own, health=_masked(own.health))

    def beside(self, actor: Actor, name: str, instance: str) -> Beside:
        """Read it for a page that does without: nothing where an open runtime is another one, or does not answer."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        if not self._is_there(leave):
            return Beside()
        try:
            own = self.one(actor, name, instance)
        except (RuntimeProblem, ConnectionProblem) as problem:
            log.debug("nothing of podman's own read", extra={"service": name, "why": problem.sentence})
            return Beside()
        return Beside(own=own, may_check=self._door.may(leave.permissions, actions.HEALTH_CHECK))

    def preview(self, actor: Actor, name: str, instance: str) -> Preview:
        """Say what running a health check does. Nothing is run."""
        leave = self._door.enter(actor, actions.HEALTH_CHECK, name, target=instance)
        with looked_up(self._door, leave, instance):
            plan = self._facets.changing(leave).plan_check(leave.service.scope(), instance)
        return previewed(self._door, leave, plan)

    def check(self, actor: Actor, name: str, instance: str, *, consent: Consent) -> HealthCheck:
        """Run a health check once. Raise Missing, and Conflict for a container that has none or does not run."""
        leave = self._door.enter(actor, actions.HEALTH_CHECK, name, target=instance)
        libpod, scope = self._facets.changing(leave), leave.service.scope()
        with looked_up(self._door, leave, instance):
            plan = libpod.plan_check(scope, instance)
        with self._door.act(leave, target=plan.target, consent=consent) as outcome:
            found = libpod.check(scope, instance)
            outcome.detail = f"{plan.command}: {found.status}"
            outcome.exit_code = found.runs[0].exit_code if found.runs else None
        self._fleet.forget(leave.service)
        return found

    def _is_there(self, leave: Pass) -> bool:
        opened = self._fleet.opened(leave.service.runtime, over=leave.over)
        return opened is not None and opened.runtime.libpod is not None


def _facet(runtime: Runtime) -> Libpod:
    if runtime.libpod is None:
        raise Unsupported(
            f"{runtime.kind.capitalize()} has no API of Podman's own.",
            hint="Docker runs health checks itself and has no pods; a Podman engine is registered with kind: podman.",
        )
    return runtime.libpod


def _masked(health: HealthCheck) -> HealthCheck:
    return replace(health, command=None, runs=tuple(replace(run, printed=None) for run in health.runs))
