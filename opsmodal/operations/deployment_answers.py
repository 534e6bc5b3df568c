"""What the Deployment tab answers: the workloads of a service as rows, and what came of a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opsmodal.answers import Done
from opsmodal.listing import Page
from opsmodal.tasks import Task
from runtimes.base import Resources, Severity
from runtimes.deployment import Run
from runtimes.planning import Progress


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
    """One revision of a workload's template. `person` is who made it by opsmodal, where that keeps them."""

    revision: int
    images: tuple[str, ...]
    age_s: int | None
    made_at: datetime | None
    change_cause: str
    current: bool
    ready: int
    desired: int
    person: str = ""


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
