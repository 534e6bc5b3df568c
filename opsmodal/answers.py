"""The values that operations hand to the page and to the API: what the contract names, nothing more.

They are made from the runtimes' values by pure functions; ages are counted at the moment of the answer, so that a
kept answer shows its true age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from opsmodal.permissions import Permission
from runtimes.base import (
    Cause,
    Check,
    Container,
    Domain,
    Event,
    Explanation,
    Instance,
    InstanceDetail,
    Mount,
    Network,
    Port,
    Resources,
    Severity,
    Summary,
    Usage,
    Variable,
    Workload,
)
from runtimes.domains import Setup

MASK = "••••••"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A service at a glance. `severity` is None as long as nothing is known; `text` is for people."""

    severity: Severity | None
    text: str
    ready: int = 0
    total: int = 0
    as_of: datetime | None = None
    stale: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """One service of the services page. `status` is a severity, or "unknown" when its runtime has not answered.

    `connection` is the one in use, empty while there is none; `chosen` what this person chose, or "auto".
    """

    name: str
    runtime: str
    kind: str
    namespace: str
    environment: str
    connection: str
    chosen: str
    status: str
    status_text: str
    favorite: bool
    permissions: tuple[Permission, ...]
    ready: int
    total: int
    stale: bool
    as_of: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """One pod or container, as a row. Numbers are None where they are not known: `metrics_reason` says why.

    `verbs` are what makes sense for it now; None means whatever its runtime offers. `lock` says why nothing of it is
    done from here, and what would be right.
    """

    id: str
    name: str
    kind: str
    status: str
    severity: Severity
    ready: bool
    ready_containers: int
    container_count: int
    restarts: int
    age_s: int | None
    created_at: datetime | None
    node: str
    image: str
    containers: tuple[Container, ...]
    cpu_cores: float | None
    memory_bytes: int | None
    network_rx_bytes: int | None
    network_tx_bytes: int | None
    block_read_bytes: int | None
    block_written_bytes: int | None
    metrics_reason: str
    reason: str
    phase: str
    managed_by: str
    pod: str
    uid: str
    verbs: tuple[str, ...] | None
    lock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceAnswer:
    """Everything about one instance; environment values, and facts like them, are masked for who may not manage."""

    instance: InstanceRow
    facts: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]
    conditions: tuple[tuple[str, str], ...]
    ports: tuple[Port, ...]
    mounts: tuple[Mount, ...]
    networks: tuple[Network, ...]
    checks: tuple[Check, ...]
    environment: tuple[Variable, ...]
    environment_masked: bool
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseAnswer:
    """Why an instance is not ok, with the row it is about."""

    instance: InstanceRow
    sentence: str
    causes: tuple[Cause, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAnswer:
    """The way in use: `chosen` is a name or "auto"; `name` and `kind` say what it led to."""

    chosen: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewAnswer:
    """A service's Overview tab. `setup` is what is missing before it can have a domain: no proxy, or a silent one."""

    name: str
    runtime: str
    kind: str
    namespace: str
    environment: str
    status: Status
    identity: tuple[tuple[str, str], ...]
    workloads: tuple[Workload, ...]
    ready: int
    desired: int
    counts: Mapping[str, int]
    images: tuple[str, ...]
    restarts: int
    warnings: tuple[Event, ...]
    domains: tuple[Domain, ...]
    setup: Setup | None
    connection: ConnectionAnswer
    usage: Usage
    requests_and_limits: Resources
    containers_without_limits: int
    containers_without_requests: int
    qos_classes: Mapping[str, int]
    notes: tuple[str, ...]
    simulated: bool
    as_of: datetime
    stale: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action did, in a sentence, and to what."""

    sentence: str
    targets: tuple[str, ...] = field(default_factory=tuple)


def instance_row(instance: Instance, now: datetime) -> InstanceRow:
    """Flatten an instance into a row."""
    usage = instance.usage
    age_s = instance.age_s if instance.created_at is None else max(0, int((now - instance.created_at).total_seconds()))
    return InstanceRow(
        id=instance.id,
        name=instance.name,
        kind=instance.kind,
        status=instance.status,
        severity=instance.severity,
        ready=instance.ready,
        ready_containers=instance.ready_containers,
        container_count=sum(1 for container in instance.containers if container.kind in ("container", "sidecar")),
        restarts=instance.restarts,
        age_s=age_s,
        created_at=instance.created_at,
        node=instance.node,
        image=instance.image,
        containers=instance.containers,
        cpu_cores=usage.cpu_cores,
        memory_bytes=usage.memory_bytes,
        network_rx_bytes=usage.network_rx_bytes,
        network_tx_bytes=usage.network_tx_bytes,
        block_read_bytes=usage.block_read_bytes,
        block_written_bytes=usage.block_written_bytes,
        metrics_reason=usage.missing_reason,
        reason=instance.reason,
        phase=instance.phase,
        managed_by=instance.managed_by,
        pod=instance.pod,
        uid=instance.uid,
        verbs=instance.verbs,
        lock=f"{instance.lock} {instance.lock_hint}".strip(),
    )


def instance_answer(detail: InstanceDetail, now: datetime, *, reveal: bool) -> InstanceAnswer:
    """Show one instance; mask the values of its environment, and what may hold the same, unless `reveal`."""
    return InstanceAnswer(
        instance=instance_row(detail.instance, now),
        facts=tuple((name, value if reveal or name not in detail.private else MASK) for name, value in detail.facts),
        labels=detail.labels,
        conditions=detail.conditions,
        ports=detail.ports,
        mounts=detail.mounts,
        networks=detail.networks,
        checks=tuple(each if reveal else replace(each, printed=None) for each in detail.checks),
        environment=detail.environment if reveal else tuple(masked(detail.environment)),
        environment_masked=not reveal,
        events=detail.events,
    )


def masked(variables: Iterable[Variable]) -> Iterable[Variable]:
    """Hide the values of environment variables; what comes from elsewhere names only where from, and stays."""
    return (variable if variable.value is None else replace(variable, value=MASK) for variable in variables)


def cause_answer(instance: Instance, explanation: Explanation, now: datetime) -> CauseAnswer:
    """Join an explanation with the row it explains."""
    return CauseAnswer(
        instance=instance_row(instance, now),
        sentence=explanation.sentence,
        causes=explanation.causes,
        events=explanation.events,
    )


class Graded(Protocol):
    """Whatever has a severity: an instance, or a row."""

    @property
    def severity(self) -> Severity:
        """How it is."""
        ...


def counted(found: Iterable[Graded]) -> dict[str, int]:
    """Count by severity; all four are always there."""
    counts = {severity.value: 0 for severity in Severity}
    for each in found:
        counts[each.severity.value] += 1
    return counts


def status_of(instances: Iterable[Instance], desired: int | None = None) -> tuple[Severity, str, int, int]:
    """Sum a service up: the worst severity, a few words, how many are ready and how many should be.

    Finished and stopped instances (neutral) do not count as missing: a completed job is no outage. What the workloads
    ask for and nobody made (`desired`, None where it is not known) does: such a service is never ok.
    """
    listed = tuple(instances)
    counts = counted(listed)
    ready = sum(1 for instance in listed if instance.ready)
    there = len(listed) - counts[Severity.NEUTRAL.value]
    missing = max(0, (desired or 0) - there)
    if not listed and not missing:
        return Severity.NEUTRAL, "nothing is running", 0, 0
    total = there + missing
    words = [f"{ready} of {total} ready"] if total else [f"{len(listed)} not running"]
    words += _said(listed, Severity.ERROR, "failing") + _said(listed, Severity.PROGRESS, "not ready yet")
    words += [f"{missing} missing"] if missing else []
    return _worst(counts, missing), ", ".join(words), ready, total


def _worst(counts: Mapping[str, int], missing: int) -> Severity:
    if counts[Severity.ERROR.value]:
        return Severity.ERROR
    if missing or counts[Severity.PROGRESS.value]:
        return Severity.PROGRESS
    return Severity.OK if counts[Severity.OK.value] else Severity.NEUTRAL


def _said(instances: Iterable[Instance], severity: Severity, otherwise: str) -> list[str]:
    """Count the instances of one severity: by their status where they share one that says more than "Running"."""
    states = [instance.status for instance in instances if instance.severity is severity]
    if not states:
        return []
    same = len(set(states)) == 1 and states[0].lower() != "running"
    return [f"{len(states)} {states[0] if same else otherwise}"]


def summary_counts(summary: Summary) -> dict[str, int]:
    """Name the counts of a summary by severity word."""
    return {severity.value: summary.counts.get(severity, 0) for severity in Severity}
