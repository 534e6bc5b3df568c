"""Which workloads a service has, how many of their pods are ready, and what one pod of each asks for. Pure.

A workload is the service's when the selector accepts the labels that it gives its pods: so what is shown here are the
makers of the pods that are listed, and a Deployment scaled to zero. Jobs and CronJobs are shown, but do not count
towards "ready of desired": a job that has done its work is not missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from runtimes.base import Resources, Workload
from runtimes.kubernetes.objects.held import HeldContainer, HeldPod, HeldSpec, Labels
from runtimes.kubernetes.objects.neighbours import WorkloadObject
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.pods.instance import resources
from runtimes.kubernetes.pods.status import TERMINAL, condition_is
from runtimes.resources import summed as total

KINDS = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "replicasets": "ReplicaSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
}
PASSING = frozenset({"Job", "CronJob"})
"""Kinds whose pods are meant to end."""

Accepts = Callable[[Mapping[str, str]], bool]
AnyWorkload = WorkloadObject | DeployedObject


def workloads(known: Mapping[str, Sequence[AnyWorkload]], pods: Sequence[HeldPod], accepts: Accepts) -> list[Workload]:
    """Give the workloads of a service. `known` holds what could be listed, by resource; `pods` are its pods."""
    found = [
        _workload(KINDS[resource], each)
        for resource, objects in known.items()
        for each in objects
        if accepts(_template(each, KINDS[resource])[0]) and not _made_by_another(each, resource, known)
    ]
    return [*found, *_of_pods(pods, known)]


def totals(found: Iterable[Workload]) -> tuple[int, int]:
    """Sum up (ready, desired) over the workloads whose pods are meant to stay."""
    lasting = [each for each in found if each.kind not in PASSING]
    return sum(each.ready for each in lasting), sum(each.desired for each in lasting)


def summed(specs: Iterable[HeldContainer]) -> Resources:
    """Sum up what containers ask for, see `runtimes.resources`."""
    return total(resources(spec.resources) for spec in specs)


def each_asks(pods: Iterable[HeldPod]) -> list[Resources]:
    """Give what every lasting container of the pods asks for."""
    return [resources(spec.resources) for pod in pods for spec in lasting_containers(pod.spec)]


def lasting_containers(spec: HeldSpec) -> list[HeldContainer]:
    """Give the containers that run as long as the pod: its own and its sidecars."""
    return [*spec.containers, *(each for each in spec.init_containers or () if each.restart_policy == "Always")]


def _template(known: AnyWorkload, kind: str) -> tuple[Labels, HeldSpec]:
    template = known.spec.job_template.spec.template if kind == "CronJob" else known.spec.template
    return template.metadata.labels or {}, template.spec


def _made_by_another(known: AnyWorkload, resource: str, lists: Mapping[str, Sequence[AnyWorkload]]) -> bool:
    """Say whether another workload that is shown made this one; where its list was refused, none is shown."""
    owner = known.metadata.controller
    if owner is None:
        return False
    if resource == "replicasets" and owner.kind == "Deployment" and known.spec.replicas == 0:
        return True  # an old revision: of those a Deployment keeps ten
    return owner.kind in {KINDS[listed] for listed in lists}


def _workload(kind: str, known: AnyWorkload) -> Workload:
    _, spec = _template(known, kind)
    ready, desired = _counts(kind, known)
    return Workload(
        id=f"{kind.lower()}.{known.metadata.name}",
        kind=kind,
        name=known.metadata.name,
        ready=ready,
        desired=desired,
        images=tuple(dict.fromkeys(each.image for each in spec.containers)),
        resources=summed(lasting_containers(spec)),
    )


def _counts(kind: str, known: AnyWorkload) -> tuple[int, int]:
    status, spec = known.status, known.spec
    if kind == "DaemonSet":
        return status.number_ready, status.desired_number_scheduled
    if kind == "Job":
        return status.succeeded, 0 if spec.suspend else spec.completions or 1
    if kind == "CronJob":
        running = len(status.active) if isinstance(status.active, list) else 0
        return running, running
    return status.ready_replicas, 1 if spec.replicas is None else spec.replicas


def _of_pods(pods: Sequence[HeldPod], known: Mapping[str, Sequence[AnyWorkload]]) -> list[Workload]:
    """Make workloads of the pods that no listed workload stands for: bare ones, and those of kinds we do not know."""
    listed = {KINDS[resource] for resource in known}
    deployments = {each.metadata.name for each in known.get("deployments", ())}
    groups: dict[tuple[str, str], list[HeldPod]] = {}
    for pod in pods:
        owner = pod.metadata.controller
        kind, name = (owner.kind, owner.name) if owner else ("Pod", pod.metadata.name)
        if pod.status.phase not in TERMINAL and kind not in listed and _deployment(pod, name) not in deployments:
            groups.setdefault((kind, name), []).append(pod)
    return [_of_group(kind, name, group) for (kind, name), group in groups.items()]


def _deployment(pod: HeldPod, owner: str) -> str:
    """Name the Deployment that a ReplicaSet's name tells of, for whom ReplicaSets may not be listed."""
    template_hash = (pod.metadata.labels or {}).get("pod-template-hash", "")
    return owner.removesuffix(f"-{template_hash}") if template_hash else ""


def _of_group(kind: str, name: str, pods: Sequence[HeldPod]) -> Workload:
    spec = pods[0].spec
    return Workload(
        id=f"{kind.lower()}.{name}",
        kind=kind,
        name=name,
        ready=sum(condition_is(pod, "Ready") for pod in pods),
        desired=len(pods),
        images=tuple(dict.fromkeys(each.image for each in spec.containers)),
        resources=summed(lasting_containers(spec)),
    )
