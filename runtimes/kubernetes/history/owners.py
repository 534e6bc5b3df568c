"""Says which services an event is about, where they share a namespace: by the labels of what the event names.

An event carries the name of its object and no labels. They are read once for each object, many at once where a list
has them; what is gone by then belongs to the workload whose name it begins with. It never guesses across the wall: an
object whose labels cannot be read, and whose name says nothing, is nobody's but the whole namespace's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from runtimes.base import Scope
from runtimes.errors import Denied, Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import ONLY_METADATA
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.kubernetes.objects.neighbours import ObjectReference, WorkloadObject
from runtimes.kubernetes.selectors import matcher

T = TypeVar("T")
Labels = Mapping[str, str]

RESOURCES = {
    "Pod": "pods",
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
    "Service": "services",
    "Ingress": "ingresses",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}
"""Objects whose labels are read; of others only the name speaks."""
NAMED = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
"""Workloads by whose names those that they make begin."""
KNOWN_MAX = 10_000
"""Objects whose labels are remembered for one namespace."""


class Owners:
    """The services of one namespace, and whose each object is."""

    def __init__(self, client: Client, scopes: Sequence[Scope]) -> None:
        self._client = client
        self._namespace = scopes[0].namespace
        self._whole = tuple(scope.service for scope in scopes if not scope.selector)
        self._parts = {scope.service: matcher(scope.selector) for scope in scopes if scope.selector}
        self._names: dict[str, set[str]] = {service: set() for service in self._parts}
        self._known: OrderedDict[tuple[str, str], tuple[str, ...]] = OrderedDict()

    def learn(self) -> None:
        """Read the labels of what is there, where services are told apart by them. Raise RuntimeProblem."""
        if not self._parts:
            return
        for kind in NAMED:
            for workload in self._listed(RESOURCES[kind], WorkloadObject):
                self._keep((kind, workload.metadata.name), self._by(_template(workload)))
                self._learn_name(kind, workload.metadata.name)
        for pod in self._listed("pods", OnlyMetadata, accept=ONLY_METADATA):
            self._keep(("Pod", pod.metadata.name), self._by(pod.metadata.labels or {}))

    def of(self, subject: ObjectReference) -> tuple[str, ...]:
        """Name the services that an object belongs to. Raise Unavailable when that has to be asked and cannot be."""
        if not self._parts:
            return self._whole
        key = (subject.kind, subject.name)
        if key not in self._known:
            self._keep(key, self._asked(subject))
            self._learn_name(*key)
        self._known.move_to_end(key)
        return self._whole + self._known[key]

    def _asked(self, subject: ObjectReference) -> tuple[str, ...]:
        resource = RESOURCES.get(subject.kind)
        if resource is not None:
            try:
                path = paths.single(self._namespace, resource, subject.name)
                found = self._client.get(path, WorkloadObject, what=f"{subject.kind} {subject.name}")
            except (Missing, Denied):
                return self._by_name(subject.name)
            return self._by(_template(found) if subject.kind in NAMED else found.metadata.labels or {})
        return self._by_name(subject.name)

    def _by(self, labels: Labels) -> tuple[str, ...]:
        return tuple(service for service, accepts in self._parts.items() if accepts(labels))

    def _by_name(self, name: str) -> tuple[str, ...]:
        """Go by the longest workload's name that it begins with: beside `web-api`, `web-api-x` is not of `web`."""
        fitting = {
            service: max((len(each) for each in names if name == each or name.startswith(f"{each}-")), default=0)
            for service, names in self._names.items()
        }
        best = max(fitting.values(), default=0)
        return tuple(service for service, length in fitting.items() if length == best and best)

    def _learn_name(self, kind: str, name: str) -> None:
        if kind in NAMED:
            for service in self._known.get((kind, name), ()):
                self._names[service].add(name)

    def _listed(self, resource: str, kind: type[T], *, accept: str = "") -> list[T]:
        """List what may be listed: for the rest, objects are asked for one by one, or go by their name."""
        try:
            path = paths.collection(self._namespace, resource)
            return self._client.listed(path, kind, what=resource, accept=accept)
        except (Denied, Missing):
            return []

    def _keep(self, key: tuple[str, str], services: tuple[str, ...]) -> None:
        self._known[key] = services
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


def _template(workload: WorkloadObject) -> Labels:
    """Give the labels of the pods that it makes: those say whose it is (see `workloads.summary`)."""
    spec = workload.spec
    made = spec.template.metadata.labels or spec.job_template.spec.template.metadata.labels
    return made or workload.metadata.labels or {}
