"""The Deployment facet: the workloads of a service as they are deployed, their revisions, and every change to them.

A change is a value (`runtimes.changes`). `plan` says what it would do and does nothing; `apply` does it, once, and is
never repeated on its own. What an autoscaler owns is not scaled by hand: that is the facet's to refuse, whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from runtimes.changes import Change
from runtimes.planning import Applied, Plan, Progress

if TYPE_CHECKING:
    from runtimes.base import Resources, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedContainer:
    """One container of a workload's template. `kind` is "container", "init" or "sidecar"; `probes` are sentences."""

    name: str
    image: str
    kind: str = "container"
    resources: Resources | None = None
    probes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """What scales a workload. `cpu_percent` None: it goes by other metrics, which `metrics` has in words.

    `editable` is False for one that says more than ours can: it is shown, and never overwritten.
    """

    name: str
    minimum: int
    maximum: int
    cpu_percent: int | None
    current_cpu_percent: int | None = None
    current: int = 0
    desired: int = 0
    scaled_at: datetime | None = None
    conditions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    editable: bool = True
    active: bool = True
    """False while the workload has 0 replicas, which switches it off."""

    def is_off_at(self, replicas: int) -> bool:
        """Tell whether so many replicas switch it off: 0 does, unless it may go down to 0 by itself."""
        return replicas == 0 and self.minimum > 0

    def starts(self, replicas: int, *, now: int) -> bool:
        """Tell whether a number set by hand only switches it on again: from 0 to one within its bounds."""
        return self.is_off_at(now) and self.minimum <= replicas <= self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One state of a workload's template that can be gone back to. `ready` and `desired` count its instances now."""

    revision: int
    images: tuple[str, ...]
    made_at: datetime | None
    change_cause: str = ""
    current: bool = False
    ready: int = 0
    desired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a CronJob or one pod of a Job: how it ended, in words."""

    name: str
    state: Literal["running", "done", "failed", "waiting"]
    began_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One workload. `id` is `deployment.web`, `verbs` what can be done to it now, of those of the facet.

    `conditions` are (name, sentence). `managed_by` names what would undo a change made here (Helm, Argo CD, Flux), with
    how. `schedule`, `suspended` and `runs` are a CronJob's or a Job's.
    """

    id: str
    kind: str
    name: str
    desired: int
    ready: int
    updated: int = 0
    available: int = 0
    containers: tuple[DeployedContainer, ...] = ()
    strategy: str = ""
    strategy_facts: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False
    suspended: bool = False
    schedule: str = ""
    runs: tuple[Run, ...] = ()
    conditions: tuple[tuple[str, str], ...] = ()
    change_cause: str = ""
    revision: int = 0
    progress: Progress | None = None
    """Where a rollout stands that is not through, or is stuck."""
    autoscaler: Autoscaler | None = None
    managed_by: str = ""
    verbs: frozenset[str] = frozenset()
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedList:
    """The workloads of a service, and in `notes` what could not be read, each with its reason.

    `revisions` goes by id, newest first; a workload whose revisions could not be read is not in it.
    """

    items: tuple[Deployed, ...]
    as_of: datetime
    notes: tuple[str, ...] = ()
    revisions: Mapping[str, tuple[Revision, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A workload as YAML without what the server keeps for itself, and the revision it was read at."""

    workload: str
    text: str
    revision: str


class Deployment(Protocol):
    """The Deployment tab. `verbs`: names of the changes that this runtime knows (see `runtimes.changes.VERBS`)."""

    verbs: frozenset[str]

    def list(self, scope: Scope) -> DeployedList:
        """List the workloads of a service with what a page shows of them. Raise RuntimeProblem if none can be read."""
        ...

    def get(self, scope: Scope, workload: str) -> Deployed:
        """Read one by its id (`deployment.web`) or its bare name.

        Raise Missing when it is not the service's, Invalid where several have that name.
        """
        ...

    def revisions(self, scope: Scope, workload: str) -> tuple[Revision, ...]:
        """List the revisions, newest first; empty for kinds that have none. Raise what `get` raises."""
        ...

    def manifest(self, scope: Scope, workload: str) -> Manifest:
        """Give a workload as YAML; it may hold values of an environment. Raise what `get` raises."""
        ...

    def manifest_after(self, scope: Scope, change: Change) -> Manifest:
        """Give the manifest that a change would leave, so that it can be judged; the one of now where it is the same.

        Raise what `plan` would refuse with before its dry run.
        """
        ...

    def progress(self, scope: Scope, workload: str, *, generation: int = 0) -> Progress:
        """Say how far the rollout of at least this generation is, which pod waits for what, and what to do.

        0 is whatever generation there is. Raise what `get` raises; a rollout that failed is an answer (`state`).
        """
        ...

    def plan(self, scope: Scope, change: Change) -> Plan:
        """Say what a change would do, checked by the runtime's own dry run. Raise what it would refuse with.

        That is Missing or Invalid as in `get`, Unsupported for what this kind cannot, AutoscalerActive for a number
        that an autoscaler sets, Lacking for what the runtime needs for it, and Disallowed for a rule of its own.
        """
        ...

    def apply(self, scope: Scope, change: Change, *, revision: str = "") -> Applied:
        """Do it, once. Raise what `plan` raises, and Stale when the workload is no longer at `revision`.

        Without a `revision` it is done to what there is now.
        """
        ...
