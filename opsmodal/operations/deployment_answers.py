"""What the Deployment tab answers: the workloads of a service as rows, and what came of a change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opsmodal.answers import Done
from opsmodal.audit.redaction import redacted
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.recent import Kept
from opsmodal.tasks import Task
from runtimes.base import RANK, Resources, Severity
from runtimes.deployment import Autoscaler, Deployed, DeployedContainer, DeployedList, Revision, Run
from runtimes.planning import Progress

PASSING = frozenset({"Job", "CronJob"})
"""Kinds whose pods come and go: fewer than wanted are no trouble."""
SORTS: Mapping[str, SortKey] = {
    "state": lambda row: (RANK[row.severity], row.kind, row.name),
    "name": lambda row: (row.name, row.kind),
    "kind": lambda row: (row.kind, row.name),
    "replicas": lambda row: row.replicas,
    "made": lambda row: row.made_at,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRow:
    """One container of a workload's template. `probes` are (name, sentence)."""

    name: str
    image: str
    kind: str
    resources: Resources
    probes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRow:
    """One revision of a workload's template."""

    revision: int
    images: tuple[str, ...]
    age_s: int | None
    made_at: datetime | None
    change_cause: str
    current: bool
    ready: int
    desired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalerRow:
    """What scales a workload, with its bounds by the names by which they are set.

    `metrics` has in words what it goes by besides CPU; `active` is False while 0 instances switch it off.
    """

    name: str
    min: int
    max: int
    cpu_percent: int | None
    current_cpu_percent: int | None
    current: int
    desired: int
    scaled_at: datetime | None
    conditions: tuple[str, ...]
    metrics: tuple[str, ...]
    editable: bool
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRow:
    """One workload. `replicas` is how many instances it should have, `images` its image by container.

    `revisions` is None where they were not asked for, or could not be read. `verbs` are the changes that it and this
    person know.
    """

    id: str
    kind: str
    name: str
    severity: Severity
    replicas: int
    ready: int
    updated: int
    available: int
    images: Mapping[str, str]
    containers: tuple[ContainerRow, ...]
    strategy: str
    strategy_facts: Mapping[str, str]
    paused: bool
    suspended: bool
    schedule: str
    runs: tuple[Run, ...]
    conditions: tuple[tuple[str, str], ...]
    change_cause: str
    revision: int
    revisions: tuple[RevisionRow, ...] | None
    progress: Progress | None
    autoscaler: AutoscalerRow | None
    managed_by: str
    verbs: tuple[str, ...]
    made_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadsAnswer(Page[WorkloadRow]):
    """The workloads of a service, worst first. `notes` say what could not be read; `jobs` what goes on here."""

    jobs: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadAnswer:
    """One workload with its revisions. `stale`: the runtime has not answered since `as_of`, and `problem` says why."""

    workload: WorkloadRow
    jobs: tuple[Task, ...] = ()
    as_of: datetime
    notes: tuple[str, ...] = ()
    stale: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestAnswer:
    """A workload as YAML; `revision` is its ETag."""

    workload: str
    text: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What came of a change: what was done, and the job that tells how it goes on, where it does."""

    done: Done
    job: Task | None = None
    revision: str = field(default="")


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
    ordered = sorted_by([row for row in rows if _contains(row, query.search)], query.sort or "state", SORTS)
    items, following = cut(ordered, query)
    return WorkloadsAnswer(
        items=items,
        total=len(ordered),
        next=following,
        as_of=kept.as_of,
        stale=kept.stale,
        problem=kept.problem,
        counts={each.value: sum(row.severity is each for row in rows) for each in Severity},
        notes=found.notes,
        jobs=jobs,
    )


def _contains(row: WorkloadRow, search: str) -> bool:
    return has_words(" ".join((row.id, row.kind, row.name, row.change_cause, *row.images.values())), search)


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
