"""What else is hit when pods are deleted: what makes them again, what they keep, and which addresses lose their pods.

Read at the same time, like an overview; what may not be read is named and hides nothing else. Deleting a pod deletes no
claim that a pod template or a StatefulSet names; a claim of an `ephemeral` volume belongs to the pod and goes with it.
Source: https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from runtimes.base import Blast, Scope
from runtimes.blast import last_ready, named, stays, unread
from runtimes.errors import Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.ingresses import backed
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.neighbours import HttpRoute, Ingress, ServiceObject
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods.status import TERMINAL, condition_is
from runtimes.kubernetes.scoped import Pods
from runtimes.kubernetes.together import Outcome, Together
from runtimes.kubernetes.watching.live import LivePods

T = TypeVar("T")

ONE_BY_ONE_MAX = 3
"""So many pods are read one by one; of more the service's whole list."""
MAKE_AGAIN = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"})
"""Kinds that make a pod again whatever became of the one before; a Job may have had enough."""
HASH_LABEL = "pod-template-hash"
"""What a Deployment writes on its ReplicaSets and their pods, and ends the ReplicaSets' names with."""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the pods: all pods of the namespace (None: not known), and what leads to them."""

    pods: Sequence[HeldPod] | None = ()
    services: Sequence[ServiceObject] = ()
    ingresses: Sequence[Ingress] = ()
    routes: Sequence[HttpRoute] = ()


@dataclass(frozen=True, slots=True)
class PodBlast:
    """Looks around pods that are about to be deleted."""

    client: Client
    together: Together
    live: LivePods

    def of(self, scope: Scope, names: Sequence[str]) -> Blast:
        """Say what is hit with these pods of a service. Raise RuntimeProblem when not even they can be read."""
        doomed, pods, services, ingresses, routes = self.together.run(
            lambda: self._doomed(scope, names),
            lambda: self.live.whole(scope).items,
            lambda: self._list(scope, "services", ServiceObject),
            lambda: self._list(scope, "ingresses", Ingress),
            lambda: self._routes(scope),
        )
        found = {"pods": pods, "services": services, "ingresses": ingresses, "HTTP routes": routes}
        around = Around(
            pods=pods.value, services=services.value or (), ingresses=ingresses.value or (), routes=routes.value or ()
        )
        return Blast(touched=tuple(touched(doomed.get(), around)), unknown=tuple(_unread(found)))

    def _doomed(self, scope: Scope, names: Sequence[str]) -> list[Pod]:
        pods = Pods(self.client)
        if len(names) <= ONE_BY_ONE_MAX:
            return [pods.one(scope, name, exact=True) for name in names]
        wanted = set(names)
        return [pod for pod in pods.all(scope) if pod.metadata.name in wanted]

    def _routes(self, scope: Scope) -> list[HttpRoute]:
        try:
            return self._list(scope, "httproutes", HttpRoute)
        except Missing:  # a cluster without the Gateway API has none
            return []

    def _list(self, scope: Scope, resource: str, kind: type[T]) -> list[T]:
        return self.client.listed(paths.collection(scope.namespace, resource), kind, what=resource)


def touched(doomed: Sequence[Pod], around: Around) -> Iterator[str]:
    """Say what is hit, the worst for others first."""
    yield from _makers(doomed, around.pods)
    yield from _domains(doomed, around)
    yield from _volumes(doomed)


def _makers(doomed: Sequence[Pod], pods: Sequence[HeldPod] | None) -> Iterator[str]:
    gone, left = {pod.metadata.uid for pod in doomed}, defaultdict[str, int](int)
    for pod in pods or ():
        if pod.metadata.uid not in gone and _is_ready(pod):
            left[maker(pod)[1]] += 1
    for (kind, name), mine in _by_maker(doomed).items():
        ready = sum(map(_is_ready, mine)) if pods is not None else 0
        if name:
            if words := last_ready(len(mine), ready, left[name], noun="pod", workload=name):
                yield words
            if kind in MAKE_AGAIN:
                yield f"{name} makes {'it' if len(mine) == 1 else 'them'} again"
        else:
            yield f"nothing makes {named([pod.metadata.name for pod in mine])} again"


def maker(pod: HeldPod) -> tuple[str, str]:
    """Name what makes a pod, as (kind, words): through its ReplicaSet the Deployment. Both empty for a bare pod."""
    owner = pod.metadata.controller
    if owner is None:
        return "", ""
    end = f"-{(pod.metadata.labels or {}).get(HASH_LABEL, '')}"
    if owner.kind == "ReplicaSet" and len(end) > 1 and owner.name.endswith(end):
        return "Deployment", f"deployment {owner.name.removesuffix(end)}"
    return owner.kind, f"{owner.kind.lower()} {owner.name}"


def _by_maker(doomed: Sequence[Pod]) -> Mapping[tuple[str, str], list[Pod]]:
    groups: dict[tuple[str, str], list[Pod]] = {}
    for pod in doomed:
        groups.setdefault(maker(pod), []).append(pod)
    return groups


def _domains(doomed: Sequence[Pod], around: Around) -> Iterator[str]:
    pods = around.pods
    emptied = [] if pods is None else [each.metadata.name for each in around.services if _empties(each, doomed, pods)]
    behind: dict[str, list[str]] = {name: [] for name in emptied}
    for name, address in (*_by_ingresses(around.ingresses), *_by_routes(around.routes)):
        if name in behind:
            behind[name].append(address)
    addresses = [address for name, found in behind.items() for address in found or [f"Kubernetes service {name}"]]
    for address in dict.fromkeys(addresses):
        yield f"{address} would have no ready pod behind it"


def _empties(service: ServiceObject, doomed: Sequence[HeldPod], pods: Sequence[HeldPod]) -> bool:
    wanted, gone = (service.spec.selector or {}).items(), {pod.metadata.uid for pod in doomed}
    if not wanted:
        return False

    def behind(among: Iterable[HeldPod]) -> bool:
        return any(_is_ready(pod) and wanted <= (pod.metadata.labels or {}).items() for pod in among)

    return behind(doomed) and not behind(pod for pod in pods if pod.metadata.uid not in gone)


def _by_ingresses(ingresses: Sequence[Ingress]) -> Iterator[tuple[str, str]]:
    for ingress in ingresses:
        for name, domain in backed(ingress):
            yield name, _address(domain.host, domain.path)


def _by_routes(routes: Sequence[HttpRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        for rule in route.spec.rules or ():
            for reference in rule.backend_refs or ():
                if reference.kind == "Service" and reference.namespace in ("", route.metadata.namespace):
                    for host in route.spec.hostnames or [f"HTTP route {route.metadata.name}"]:
                        yield reference.name, host


def _address(host: str, path: str) -> str:
    every = "every other host" if host == "*" else host
    return every if path in ("", "/") else f"{every}{path}"


def _volumes(doomed: Sequence[Pod]) -> Iterator[str]:
    kept, lost, scratch = list[str](), list[str](), list[str]()
    for pod in doomed:
        for volume in pod.spec.volumes or ():
            if volume.persistent_volume_claim is not None:
                kept.append(volume.persistent_volume_claim.claim_name)
            elif volume.ephemeral is not None:
                lost.append(f"{pod.metadata.name}-{volume.name}")
            elif volume.empty_dir is not None:
                scratch.append(volume.name)
    if kept:
        yield stays("claim", kept)
    if lost:
        yield stays("claim", lost, does=("goes with it", "go with them"))
    if scratch:
        yield f"what is in the scratch volume {named(scratch)} is lost"


def _is_ready(pod: HeldPod) -> bool:
    leaving = pod.metadata.deletion_timestamp is not None or pod.status.phase in TERMINAL
    return not leaving and condition_is(pod, "Ready")


def _unread(found: Mapping[str, Outcome]) -> Iterator[str]:
    for name, outcome in found.items():
        if outcome.problem is not None:
            yield unread(name, outcome.problem.sentence)
