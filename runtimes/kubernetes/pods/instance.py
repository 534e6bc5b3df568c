"""Turns a pod into an Instance, the row of the Pods tab. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from runtimes.base import Container, Instance, Resources, Usage
from runtimes.kubernetes.objects.held import HeldContainer, HeldContainerStatus, HeldPod, Quantities, ResourceList
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.objects.quantity import cores, whole_bytes
from runtimes.kubernetes.pods.severity import judged
from runtimes.kubernetes.pods.status import condition_is, printed, sidecars

REASON_MAX_CHARS = 200
"""A scheduler's message names every node's reason; the row shows its beginning, "Why?" the whole."""

RESOURCES_KEPT = 4_096
"""Different requests and limits that are kept read: thousands of containers share a few of them."""

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
"""The annotation that names the container kubectl takes when none is asked for."""


Amount = str | int | float | None
_NOTHING: Quantities = {}


def instance(pod: HeldPod, *, now: datetime, usage: Usage, recent_restarts: int = 0) -> Instance:
    """Give the row of a pod."""
    columns = printed(pod)
    judgement = judged(pod, columns.word, now=now, recent_restarts=recent_restarts)
    created_at = pod.metadata.creation_timestamp
    owner = pod.metadata.controller
    return Instance(
        id=pod.metadata.name,
        name=pod.metadata.name,
        kind="pod",
        status=columns.word,
        severity=judgement.severity,
        ready=condition_is(pod, "Ready") and pod.metadata.deletion_timestamp is None,
        ready_containers=columns.ready_containers,
        restarts=columns.restarts,
        age_s=max(0, int((now - created_at).total_seconds())) if created_at else None,
        created_at=created_at,
        node=pod.spec.node_name,
        image=pod.spec.containers[0].image if pod.spec.containers else "",
        containers=containers(pod),
        usage=usage,
        reason=_short(judgement.reason),
        managed_by=f"{owner.kind} {owner.name}" if owner else "",
        phase=pod.status.phase,
        uid=pod.metadata.uid,
    )


def containers(pod: HeldPod) -> tuple[Container, ...]:
    """Give the containers in the order in which people look for them: the pod's own, sidecars, init, ephemeral."""
    if not pod.spec.init_containers and not pod.spec.ephemeral_containers:
        return _of_kind("container", pod.spec.containers, pod.status.container_statuses)
    beside = sidecars(pod)
    init = pod.spec.init_containers or ()
    groups = (
        ("container", pod.spec.containers, pod.status.container_statuses),
        ("sidecar", [spec for spec in init if spec.name in beside], pod.status.init_container_statuses),
        ("init", [spec for spec in init if spec.name not in beside], pod.status.init_container_statuses),
        ("ephemeral", pod.spec.ephemeral_containers or (), pod.status.ephemeral_container_statuses),
    )
    return tuple(each for kind, specs, statuses in groups for each in _of_kind(kind, specs, statuses))


def first_container(pod: Pod) -> str:
    """Name the container that is meant when none is named."""
    annotated = (pod.metadata.annotations or {}).get(DEFAULT_CONTAINER, "")
    names = [spec.name for spec in pod.spec.containers]
    return annotated if annotated in names else next(iter(names), "")


def resources(asked: ResourceList) -> Resources:
    """Give what a container asks for and may use, in cores and bytes."""
    requests, limits = asked.requests or _NOTHING, asked.limits or _NOTHING
    return _resources(requests.get("cpu"), limits.get("cpu"), requests.get("memory"), limits.get("memory"))


@lru_cache(RESOURCES_KEPT)
def _resources(cpu_request: Amount, cpu_limit: Amount, memory_request: Amount, memory_limit: Amount) -> Resources:
    return Resources(
        cpu_request_cores=cores(cpu_request),
        cpu_limit_cores=cores(cpu_limit),
        memory_request_bytes=whole_bytes(memory_request),
        memory_limit_bytes=whole_bytes(memory_limit),
    )


def _of_kind(
    kind: str, specs: Iterable[HeldContainer], statuses: Sequence[HeldContainerStatus] | None
) -> tuple[Container, ...]:
    return tuple([_container(kind, spec, _named(statuses or (), spec.name)) for spec in specs])


def _named(statuses: Iterable[HeldContainerStatus], name: str) -> HeldContainerStatus:
    for status in statuses:
        if status.name == name:
            return status
    return HeldContainerStatus(name=name)


def _container(kind: str, spec: HeldContainer, status: HeldContainerStatus) -> Container:
    state, last = status.state, status.last_state.terminated
    ended = state.terminated or (last if state.running is None else None)
    words = (
        ("running", "")
        if state.running
        else ("terminated", state.terminated.reason)
        if state.terminated
        else ("waiting", state.waiting.reason if state.waiting else "")
    )
    return Container(
        name=spec.name,
        image=spec.image,
        kind=kind,
        state=words[0],
        reason=words[1],
        ready=status.ready,
        restarts=status.restart_count,
        exit_code=ended.exit_code if ended else None,
        previous=last is not None,
        started_at=state.running.started_at if state.running else ended.started_at if ended else None,
        resources=resources(spec.resources),
    )


def _short(text: str) -> str:
    if not text:
        return ""
    line = " ".join(text.split())
    return line if len(line) <= REASON_MAX_CHARS else line[: REASON_MAX_CHARS - 1] + "…"
