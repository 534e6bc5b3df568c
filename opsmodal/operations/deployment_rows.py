"""Makes rows of the workloads of a service, and searches, sorts and cuts them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from opsmodal.answers import counted
from opsmodal.audit.redaction import redacted
from opsmodal.listing import ListQuery, SortKey, part_of
from opsmodal.operations.deployment_answers import (
    AutoscalerRow,
    ContainerRow,
    RevisionRow,
    WorkloadRow,
    WorkloadsAnswer,
)
from opsmodal.recent import Kept
from opsmodal.tasks import Task
from runtimes.base import RANK, Resources, Severity
from runtimes.deployment import Autoscaler, Deployed, DeployedContainer, DeployedList, Revision

PASSING = frozenset({"Job", "CronJob"})
"""Kinds whose pods come and go: fewer than wanted are no trouble."""
SORTS: Mapping[str, SortKey] = {
    "state": lambda row: (RANK[row.severity], row.kind, row.name),
    "name": lambda row: (row.name, row.kind),
    "kind": lambda row: (row.kind, row.name),
    "replicas": lambda row: row.replicas,
    "made": lambda row: row.made_at,
}


def page_of(
    kept: Kept[DeployedList],
    query: ListQuery,
    now: datetime,
    *,
    verbs: frozenset[str],
    with_revisions: bool,
    jobs: tuple[Task, ...],
) -> WorkloadsAnswer:
    """Search, sort and cut; what is in trouble comes first unless it is sorted otherwise."""
    found = kept.value
    revisions = found.revisions if with_revisions else {}
    rows = [workload_row(each, now, verbs=verbs, revisions=revisions.get(each.id)) for each in found.items]
    part = part_of(rows, query, SORTS, first="state", text=_text)
    return WorkloadsAnswer(
        items=part.items,
        total=part.total,
        next=part.next,
        as_of=kept.as_of,
        stale=kept.stale,
        problem=kept.problem,
        counts=counted(rows),
        notes=found.notes,
        jobs=jobs,
    )


def _text(row: WorkloadRow) -> str:
    return " ".join((row.id, row.kind, row.name, row.change_cause, *row.images.values()))


def workload_row(
    found: Deployed, now: datetime, *, verbs: frozenset[str], revisions: tuple[Revision, ...] | None = None
) -> WorkloadRow:
    """Flatten a workload into a row; of its verbs those that this person may."""
    return WorkloadRow(
        id=found.id,
        kind=found.kind,
        name=found.name,
        severity=severity_of(found),
        replicas=found.desired,
        ready=found.ready,
        updated=found.updated,
        available=found.available,
        images={each.name: each.image for each in found.containers},
        containers=tuple(map(_container, found.containers)),
        strategy=found.strategy,
        strategy_facts=found.strategy_facts,
        paused=found.paused,
        suspended=found.suspended,
        schedule=found.schedule,
        runs=found.runs,
        conditions=found.conditions,
        change_cause=redacted(found.change_cause),  # `--record` of kubectl writes the whole line
        revision=found.revision,
        revisions=None if revisions is None else tuple(_revision(each, now) for each in revisions),
        progress=found.progress,
        autoscaler=autoscaler_row(found.autoscaler),
        managed_by=found.managed_by,
        verbs=tuple(sorted(found.verbs & verbs)),
        made_at=found.made_at,
    )


def autoscaler_row(found: Autoscaler | None) -> AutoscalerRow | None:
    """Flatten an autoscaler, where there is one."""
    if found is None:
        return None
    return AutoscalerRow(
        name=found.name,
        min=found.minimum,
        max=found.maximum,
        cpu_percent=found.cpu_percent,
        current_cpu_percent=found.current_cpu_percent,
        current=found.current,
        desired=found.desired,
        scaled_at=found.scaled_at,
        conditions=found.conditions,
        metrics=found.metrics,
        editable=found.editable,
        active=found.active,
    )


def severity_of(found: Deployed) -> Severity:
    """Say how a workload is: its rollout first, then how many are ready, and of a job how its last run ended."""
    if found.progress is not None and found.progress.state == "failed":
        return Severity.ERROR
    if found.progress is not None and found.progress.state == "running":
        return Severity.PROGRESS
    if found.kind in PASSING:
        last = found.runs[0].state if found.runs else ""
        return {"failed": Severity.ERROR, "running": Severity.OK, "waiting": Severity.PROGRESS}.get(
            last, Severity.NEUTRAL
        )
    if not found.desired:
        return Severity.NEUTRAL
    if found.ready >= found.desired:
        return Severity.OK
    return Severity.PROGRESS if found.ready else Severity.ERROR


def _container(found: DeployedContainer) -> ContainerRow:
    return ContainerRow(
        name=found.name,
        image=found.image,
        kind=found.kind,
        resources=found.resources or Resources(),
        # Below `manage` nobody reads an environment; passwords in the commands of probes are no different.
        probes=tuple((kind, redacted(sentence)) for kind, sentence in found.probes),
    )


def _revision(found: Revision, now: datetime) -> RevisionRow:
    return RevisionRow(
        revision=found.revision,
        images=found.images,
        age_s=max(0, int((now - found.made_at).total_seconds())) if found.made_at else None,
        made_at=found.made_at,
        change_cause=redacted(found.change_cause),  # `--record` of kubectl writes the whole line
        current=found.current,
        ready=found.ready,
        desired=found.desired,
    )
