"""Counts the pods of a workload by what its own status says of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from runtimes.kubernetes.deployment.conditions import find
from runtimes.kubernetes.objects.workloads import DeployedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pods of a workload: wanted, there at all, of the new revision, ready, and available."""

    desired: int
    total: int
    updated: int
    ready: int
    available: int


def counts(known: DeployedObject, kind: str) -> Counts:
    """Count the pods of a workload that keeps pods running; all 0 of a Job and a CronJob but `desired`."""
    status = known.status
    if kind == "DaemonSet":
        return Counts(
            desired=status.desired_number_scheduled,
            total=status.current_number_scheduled,
            updated=status.updated_number_scheduled,
            ready=status.number_ready,
            available=status.number_available,
        )
    return Counts(
        desired=1 if known.spec.replicas is None else known.spec.replicas,
        total=status.replicas,
        updated=status.replicas if kind == "ReplicaSet" else status.updated_replicas,
        ready=status.ready_replicas,
        available=status.available_replicas,
    )


def ready_of(known: DeployedObject, kind: str) -> tuple[int, int]:
    """Give (ready, desired) of any kind as the overview counts them: of a Job, the pods that have done their work."""
    if kind == "Job":
        return known.status.succeeded, 0 if known.spec.suspend else wanted_of_job(known)
    if kind == "CronJob":
        running = len(known.status.active) if isinstance(known.status.active, list) else 0
        return running, running
    found = counts(known, kind)
    return found.ready, found.desired


def steady(known: DeployedObject, kind: str) -> bool:
    """Say whether the status alone tells that everything is as it is wanted: then no pod has to be looked at."""
    found = counts(known, kind)
    same = found.desired == found.total == found.ready == found.available
    updated = kind == "ReplicaSet" or found.updated == found.desired
    seen = known.status.observed_generation >= known.metadata.generation
    late = find(known.status.conditions, "Progressing", status="False") is not None
    moving = kind == "StatefulSet" and known.status.update_revision != known.status.current_revision
    return same and updated and seen and not known.spec.paused and not late and not moving


def tells_by_events(known: DeployedObject, kind: str) -> bool:
    """Say whether fewer pods exist than are wanted, of a kind that says why by events alone."""
    found = counts(known, kind)
    return kind in {"StatefulSet", "DaemonSet"} and found.total < found.desired


def wanted_of_job(known: DeployedObject) -> int:
    """Count the pods of a Job that have to succeed."""
    return 1 if known.spec.completions is None else known.spec.completions
