"""The Overview tab: everything about a service at a glance, read at the same time.

Only the pods must be readable; whatever else is refused or fails becomes a note, and the rest is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from runtimes.base import Domain, Event, Instance, Scope, Severity, Snapshot, Summary
from runtimes.errors import Unavailable
from runtimes.kubernetes import events, ingresses
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.figures import metrics
from runtimes.kubernetes.figures.metrics import Figures
from runtimes.kubernetes.instances.facet import PodInstances
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.neighbours import EventObject, Ingress, ObjectReference, ServiceObject
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.pods.status import TERMINAL
from runtimes.kubernetes.scoped import checked
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.together import Outcome, Together
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods, selected
from runtimes.kubernetes.workloads import summary
from runtimes.resources import summed, without_limits, without_requests

T = TypeVar("T")

WARNINGS_MAX = 20
LASTING = tuple(name for name, kind in summary.KINDS.items() if kind not in summary.PASSING)
"""The resources whose objects say how many pods there should be."""


@dataclass(frozen=True, slots=True)
class Read:
    """What could be read of a namespace, and a note for whatever could not."""

    pods: Snapshot[HeldPod]
    rows: tuple[Instance, ...]
    figures: Figures
    workloads: dict[str, Sequence[DeployedObject]]
    warnings: Sequence[EventObject]
    ingresses: Sequence[Ingress]
    services: Sequence[ServiceObject]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PodOverview:
    """Reads the Summary of a service. `identity` is what is said of the cluster itself."""

    client: Client
    together: Together
    live: LivePods
    kept: KeptLists
    instances: PodInstances
    identity: tuple[tuple[str, str], ...]

    def read(self, scope: Scope) -> Summary:
        """Read the service at a glance. Raise RuntimeProblem when its pods, or nothing else, can be read."""
        known = self._read(checked(scope))
        accepts = matcher(scope.selector)
        pods, rows = known.pods.items, known.rows
        found = summary.workloads(known.workloads, pods, accepts)
        ready, desired = summary.totals(found)
        living = [pod for pod in pods if pod.status.phase not in TERMINAL]
        asked = summary.each_asks(living)
        return Summary(
            as_of=known.pods.as_of,
            workloads=tuple(found),
            counts=_counts(rows),
            ready=ready,
            desired=desired,
            restarts=sum(row.restarts for row in rows),
            images=tuple(dict.fromkeys(c.image for row in rows for c in row.containers if c.kind != "ephemeral")),
            warnings=_warnings(known, [each.name for each in found], everything=not scope.selector),
            usage=metrics.total([row.usage for row in rows], known.figures.problem),
            requests_and_limits=summed(asked),
            containers_without_limits=without_limits(asked),
            containers_without_requests=without_requests(asked),
            qos_classes=dict(Counter(pod.status.qos_class for pod in living if pod.status.qos_class)),
            domains=_domains(known, accepts),
            identity=self._identity(scope),
            notes=known.notes,
            stale=known.pods.stale,
            problem=known.pods.problem,
        )

    def desired(self, scope: Scope) -> int:
        """Count the pods that should be ready, from whatever may be read; raise RuntimeProblem when nothing may be.

        The pods come out of memory: the page of all services asks this of each of them again and again.
        """
        listers = [self._lister(checked(scope), resource) for resource in LASTING]
        pods, *lists = self.together.run(lambda: self.live.read(scope).items, *listers)
        if all(outcome.problem for outcome in (pods, *lists)):
            pods.get()
        known = {name: outcome.value for name, outcome in zip(LASTING, lists, strict=True) if not outcome.problem}
        return summary.totals(summary.workloads(known, pods.value or (), matcher(scope.selector)))[1]

    def _identity(self, scope: Scope) -> tuple[tuple[str, str], ...]:
        own = (("Namespace", scope.namespace), ("Selector", scope.selector))
        return (*self.identity, *((name, value) for name, value in own if value))

    def _read(self, scope: Scope) -> Read:
        lists = list(summary.KINDS)
        pods, figures, warnings, domains, services, *objects = self.together.run(
            lambda: self.live.whole(scope),
            lambda: self.instances.figures(scope),
            lambda: self._warnings(scope),
            lambda: self._list(scope, "ingresses", Ingress),
            lambda: self._list(scope, "services", ServiceObject) if scope.selector else [],
            *(self._lister(scope, resource) for resource in lists),
        )
        optional = {"events": warnings, "ingresses": domains, "services": services} | dict(
            zip(lists, objects, strict=True)
        )
        _refuse_silence([warnings, domains, *objects])
        whole, used = pods.get(), figures.get()
        return Read(
            pods=replace(whole, items=selected(whole.items, scope.selector)),
            rows=self.instances.rows(scope, whole.items, used),
            figures=used,
            workloads={
                name: outcome.value for name, outcome in zip(lists, objects, strict=True) if not outcome.problem
            },
            warnings=warnings.value or [],
            ingresses=domains.value or [],
            services=services.value or [],
            notes=_notes(optional),
        )

    def _lister(self, scope: Scope, resource: str) -> Callable[[], Sequence[DeployedObject]]:
        return lambda: self._list(scope, resource, DeployedObject)

    def _list(self, scope: Scope, resource: str, kind: type[T]) -> Sequence[T]:
        return self.kept.listed(paths.collection(scope.namespace, resource), kind, what=resource)

    def _warnings(self, scope: Scope) -> list[EventObject]:
        path = paths.collection(scope.namespace, "events")
        return self.client.listed(path, EventObject, what="events", query={"fieldSelector": "type=Warning"})


def _refuse_silence(outcomes: Sequence[Outcome]) -> None:
    """Raise Unavailable when nothing could be read: the pods are from memory then, and beside them is nothing."""
    silent = [outcome.problem for outcome in outcomes if isinstance(outcome.problem, Unavailable)]
    if silent and all(outcome.problem is not None for outcome in outcomes):
        raise silent[0]


def _notes(outcomes: dict[str, Outcome]) -> tuple[str, ...]:
    """Say what could not be read; one sentence each, as several are often refused for one reason."""
    return tuple(
        f"The {name} could not be read. {outcome.problem.sentence}"
        for name, outcome in outcomes.items()
        if outcome.problem is not None
    )


def _counts(rows: Sequence[Instance]) -> dict[Severity, int]:
    counted = Counter(row.severity for row in rows)
    return {severity: counted[severity] for severity in Severity}


def _domains(known: Read, accepts: Callable[[Mapping[str, str]], bool]) -> tuple[Domain, ...]:
    return ingresses.domains(known.ingresses, known.services, known.pods.items, accepts)


def _warnings(known: Read, names: Sequence[str], *, everything: bool) -> tuple[Event, ...]:
    """Give the latest warnings about the service's objects; those of pods that are gone go by their workload's name."""
    exact = {pod.metadata.name for pod in known.pods.items} | set(names)
    begins = tuple(f"{name}-" for name in names)

    def mine(subject: ObjectReference) -> bool:
        if not subject.namespace:  # events of nodes stand in the namespace "default"
            return False
        return everything or subject.name in exact or subject.name.startswith(begins)

    return events.newest_first(known.warnings, only=mine)[:WARNINGS_MAX]
