"""The Overview tab: a service at a glance."""

from __future__ import annotations

from functools import partial

from opsmodal import actions
from opsmodal.answers import ConnectionAnswer, OverviewAnswer, Status, status_of, summary_counts
from opsmodal.fleet import Fleet
from opsmodal.operations.door import Door
from opsmodal.permissions import Actor
from runtimes.base import Runtime, Scope, Summary

FRESH_S = 2.0
"""People who open the same overview within this time share one reading."""


class OverviewOperations:
    """Read the Overview tab of a service."""

    def __init__(self, door: Door, fleet: Fleet) -> None:
        self._door = door
        self._fleet = fleet

    def read(self, actor: Actor, name: str) -> OverviewAnswer:
        """Read a service's overview; the last one, marked stale, while its runtime is silent."""
        leave = self._door.enter(actor, actions.OVERVIEW_VIEW, name)
        service, over = leave.service, leave.over

        kept = self._fleet.kept(service, "overview", partial(_read, service.scope()), fresh_s=FRESH_S, over=over)
        instances = self._fleet.instances(service, fresh_s=FRESH_S, over=over)
        summary, opened = kept.value, self._fleet.opened(service.runtime, over=over)
        severity, text, ready, total = status_of(instances.value.items, summary.desired)
        return OverviewAnswer(
            name=service.name,
            runtime=service.runtime,
            kind=self._fleet.kind(service.runtime),
            namespace=service.namespace,
            environment=service.environment,
            status=Status(severity=severity, text=text, ready=ready, total=total, as_of=kept.as_of, stale=kept.stale),
            identity=summary.identity,
            workloads=summary.workloads,
            ready=summary.ready,
            desired=summary.desired,
            counts=summary_counts(summary),
            images=summary.images,
            restarts=summary.restarts,
            warnings=summary.warnings,
            domains=summary.domains,
            setup=summary.setup,
            connection=self._connection(service.runtime, over),
            usage=summary.usage,
            requests_and_limits=summary.requests_and_limits,
            containers_without_limits=summary.containers_without_limits,
            containers_without_requests=summary.containers_without_requests,
            qos_classes=summary.qos_classes,
            notes=summary.notes,
            simulated=opened.runtime.identity.simulated if opened else False,
            as_of=kept.as_of,
            stale=kept.stale,
            problem=kept.problem,
        )

    def _connection(self, runtime: str, over: str) -> ConnectionAnswer:
        opened = self._fleet.opened(runtime, over=over)
        return ConnectionAnswer(
            chosen=self._fleet.meant(runtime, over),
            name=opened.connection_name if opened else "",
            kind=opened.connection_kind if opened else "",
        )


def _read(scope: Scope, runtime: Runtime) -> Summary:
    return runtime.overview.read(scope)
