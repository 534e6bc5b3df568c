"""Gathers what is known around a pod that is not ok, for `runtimes.causes` to explain.

Every read but the pod itself may fail without harm: who may not see events still gets an answer from the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from runtimes.base import Container, Event
from runtimes.causes.facts import ClaimFacts, ContainerFacts, Facts, Run
from runtimes.errors import Missing, RuntimeProblem
from runtimes.kubernetes import events
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.causes import wants
from runtimes.kubernetes.causes.nodes import Nodes
from runtimes.kubernetes.logs.notices import notice
from runtimes.kubernetes.objects.held import HeldContainerStatus, OwnerReference, State, Terminated
from runtimes.kubernetes.objects.neighbours import Claim, EventObject, WorkloadObject
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods.instance import containers
from runtimes.kubernetes.pods.status import all_statuses, printed
from runtimes.kubernetes.together import Together

LAST_LINES = 10
LINE_MAX_CHARS = 500
LOG_MAX_BYTES = 64 * 1024
CLAIMS_MAX = 20
QUIET_MAX_S = 5.0
WRITTEN_BY_PROGRAMS = frozenset({"", "Error", "Completed", "OOMKilled"})
"""With these reasons the message of an end is the program's own: its termination file, or the last of its log
(terminationMessagePolicy: FallbackToLogsOnError). With others it is the kubelet's or the container runtime's."""

OWNERS = {"ReplicaSet": "replicasets", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
"""What makes pods and says how many there should be."""

KINDS: dict[str, Literal["container", "init", "sidecar", "ephemeral"]] = {
    "container": "container",
    "init": "init",
    "sidecar": "sidecar",
    "ephemeral": "ephemeral",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Reads what stands around a pod."""

    client: Client
    together: Together

    def facts(self, pod: Pod, *, quote_logs: bool) -> Facts:
        """Gather everything about `pod`; `quote_logs` also what its programs wrote: last lines, and last words."""
        owner = pod.metadata.controller
        troubled = _troubled(pod) if quote_logs else None
        own, owners, missing, claims, lines = self.together.run(
            lambda: self.events(pod),
            lambda: self._events_of(pod.metadata.namespace, owner.kind, owner.name) if owner else (),
            lambda: self._fewer_than_wanted(pod.metadata.namespace, owner) if owner else False,
            lambda: [self._claim(pod.metadata.namespace, name) for name in _claims(pod)],
            lambda: self._last_lines(pod, troubled) if troubled else (),
        )
        quoted = {troubled.name: tuple(lines.value or ())} if troubled else {}
        unplaced = _unplaced(pod)
        return Facts(
            kind="pod",
            name=pod.metadata.name,
            status=printed(pod).word,
            phase=pod.status.phase,
            reason=pod.status.reason,
            message=pod.status.message,
            node=pod.spec.node_name,
            looked_at=datetime.now(UTC),
            deletion_due=pod.metadata.deletion_timestamp,
            # 0 once the kubelet has confirmed the end of a pod that a finalizer holds: what it had is in its spec then.
            grace_s=pod.metadata.deletion_grace_period_seconds or pod.spec.termination_grace_period_seconds,
            finalizers=tuple(pod.metadata.finalizers or ()),
            gates=tuple(gate.name for gate in pod.spec.scheduling_gates or ()),
            readiness_gates=tuple(gate.condition_type for gate in pod.spec.readiness_gates or ()),
            containers=tuple(_containers(pod, quoted, quote_logs=quote_logs)),
            conditions={each.type: (each.status, each.reason, each.message) for each in pod.status.conditions or ()},
            claims=tuple(claims.value or ()),
            events=tuple(own.value or ()),
            owner_events=tuple(owners.value or ()),
            siblings_missing=bool(missing.value),
            requests=wants.of_pod(pod.spec) if unplaced else {},
            wanted_labels=wants.wanted_labels(pod.spec) if unplaced else (),
            nodes=Nodes(self.client, self.together).around(pod, short="Insufficient" in unplaced) if unplaced else (),
        )

    def events(self, pod: Pod) -> tuple[Event, ...]:
        """Read the events of this very pod, newest first; one of the same name that was before it has another uid."""
        return self._events_of(pod.metadata.namespace, "Pod", pod.metadata.name, uid=pod.metadata.uid)

    def _events_of(self, namespace: str, kind: str, name: str, *, uid: str = "") -> tuple[Event, ...]:
        query = {"fieldSelector": f"involvedObject.kind={kind},involvedObject.name={name}"}
        found = self.client.listed(paths.collection(namespace, "events"), EventObject, what="events", query=query)
        return events.newest_first(found, only=lambda subject: not uid or subject.uid in {"", uid})

    def _fewer_than_wanted(self, namespace: str, owner: OwnerReference) -> bool:
        resource = OWNERS.get(owner.kind)
        if resource is None:
            return False
        path = paths.single(namespace, resource, owner.name)
        known = self.client.get(path, WorkloadObject, what=f"{owner.kind} {owner.name}")
        if owner.kind == "DaemonSet":
            return known.status.current_number_scheduled < known.status.desired_number_scheduled
        return known.status.replicas < (1 if known.spec.replicas is None else known.spec.replicas)

    def _claim(self, namespace: str, name: str) -> ClaimFacts:
        try:
            path = paths.single(namespace, "persistentvolumeclaims", name)
            known = self.client.get(path, Claim, what=f"volume claim {name}")
        except Missing:
            return ClaimFacts(name=name, phase="")
        said = self._events_of(namespace, "PersistentVolumeClaim", name) if known.status.phase != "Bound" else ()
        return ClaimFacts(
            name=name,
            phase=known.status.phase,
            storage_class=known.spec.storage_class_name or "",
            message=said[0].message if said else "",
        )

    def _last_lines(self, pod: Pod, status: HeldContainerStatus) -> Sequence[str]:
        """Read the last lines of the run that ended, else of the one that is there."""
        before = status.state.terminated is None and status.last_state.terminated is not None
        query: dict[str, str | int | None] = {
            "container": status.name,
            "tailLines": LAST_LINES,
            "limitBytes": LOG_MAX_BYTES,
            "previous": "true" if before else None,
        }
        path = paths.single(pod.metadata.namespace, "pods", pod.metadata.name, sub="log")
        try:
            read = self.client.stream(path, what=f"log of pod {pod.metadata.name}", query=query, quiet_s=QUIET_MAX_S)
            data = b"".join(read)[:LOG_MAX_BYTES]
        except RuntimeProblem:
            return ()
        text = "" if notice(data) else data.decode("utf-8", "replace")
        return [line[:LINE_MAX_CHARS] for line in text.split("\n") if line.strip()][-LAST_LINES:]


def _troubled(pod: Pod) -> HeldContainerStatus | None:
    """Choose the container whose log tells most: one that ended badly, else one that runs and is not ready."""
    statuses = all_statuses(pod)
    crashed = [s for s in statuses if (ended := s.state.terminated or s.last_state.terminated) and _bad(ended)]
    unready = [s for s in statuses if s.state.running is not None and not s.ready]
    return next(iter([*crashed, *unready]), None)


def _bad(ended: Terminated) -> bool:
    return ended.exit_code != 0 or ended.reason not in {"", "Completed"}


def _unplaced(pod: Pod) -> str:
    """Give what the scheduler says of a pod that no node takes; "" of every other."""
    verdicts = (each for each in pod.status.conditions or () if each.type == "PodScheduled")
    refused = (each.message for each in verdicts if each.status == "False" and each.reason == "Unschedulable")
    return "" if pod.spec.node_name else next(refused, "")


def _claims(pod: Pod) -> list[str]:
    volumes = (volume.persistent_volume_claim for volume in pod.spec.volumes or ())
    return [claim.claim_name for claim in volumes if claim is not None][:CLAIMS_MAX]


def _heard(status: HeldContainerStatus | None, *, quote_logs: bool) -> HeldContainerStatus | None:
    """Leave out what a program wrote when it ended, unless it may be quoted."""
    if status is None or quote_logs:
        return status
    state, last = (_silent(each) for each in (status.state, status.last_state))
    return msgspec.structs.replace(status, state=state, last_state=last)


def _silent(state: State) -> State:
    ended = state.terminated
    if ended is None or ended.reason not in WRITTEN_BY_PROGRAMS:
        return state
    return msgspec.structs.replace(state, terminated=msgspec.structs.replace(ended, message=""))


def _containers(pod: Pod, quoted: dict[str, tuple[str, ...]], *, quote_logs: bool) -> Iterator[ContainerFacts]:
    statuses = {status.name: status for status in all_statuses(pod)}
    for each in containers(pod):
        yield _facts(pod, each, _heard(statuses.get(each.name), quote_logs=quote_logs), quoted)


def _facts(
    pod: Pod, known: Container, status: HeldContainerStatus | None, quoted: dict[str, tuple[str, ...]]
) -> ContainerFacts:
    state = status.state if status is not None else None
    waiting, ended = (state.waiting, state.terminated) if state else (None, None)
    last = ended or (status.last_state.terminated if status is not None else None)
    return ContainerFacts(
        name=known.name,
        image=known.image,
        kind=KINDS[known.kind],
        state=known.state,
        reason=known.reason,
        message=waiting.message if waiting else ended.message if ended else "",
        ready=known.ready,
        restarts=known.restarts,
        restart_policy="Always" if known.kind == "sidecar" else pod.spec.restart_policy,
        last_run=_run(last) if last else None,
        memory_limit_bytes=known.resources.memory_limit_bytes,
        last_lines=quoted.get(known.name, ()),
    )


def _run(ended: Terminated) -> Run:
    return Run(
        exit_code=ended.exit_code,
        signal=ended.signal,
        reason=ended.reason,
        message=ended.message,
        oom=ended.reason == "OOMKilled",
        started_at=ended.started_at,
        finished_at=ended.finished_at,
    )
