"""What is known of an instance when somebody asks "why?", in words that every runtime can fill in.

Adapters gather these facts; `explain` judges them. The split keeps the judging pure: its tests are tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from runtimes.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a container that has ended. `signal` is the number that ended it, 0 when none did."""

    exit_code: int
    signal: int = 0
    reason: str = ""
    message: str = ""
    oom: bool = False
    asked_for: bool = False
    """Whether somebody stopped it, so that no exit code says that it failed."""
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Something that a container needs and its engine does not have; `said` is how the engine said so."""

    kind: Literal["image", "volume"]
    name: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerFacts:
    """One container. `state` is waiting, running or terminated on Kubernetes, the engine's own word elsewhere.

    `reason` and `message` are the runtime's words for that state. `health` is "", starting, healthy or unhealthy,
    `health_output` what the last failing check printed, None where that is not to be quoted. `last_lines` are the last
    lines of the log of `last_run` (or of the running container), oldest first; empty when they could not be read.
    `volumes` are (name, folder on the host), `absent` what of image and volumes an engine does not have.
    """

    name: str
    image: str
    kind: Literal["container", "init", "sidecar", "ephemeral"] = "container"
    state: str = ""
    reason: str = ""
    message: str = ""
    ready: bool = False
    restarts: int = 0
    restart_policy: str = ""
    last_run: Run | None = None
    memory_limit_bytes: int | None = None
    health: str = ""
    health_output: str | None = ""
    last_lines: tuple[str, ...] = ()
    volumes: tuple[tuple[str, str], ...] = ()
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """A volume claim of a pod: `phase` is Pending, Bound, Lost, or "" when it does not exist."""

    name: str
    phase: str
    storage_class: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node, where the adapter may read nodes. `allocatable` and `requested` map a resource to its amount.

    Amounts: `cpu` in cores, `memory`, `ephemeral-storage` and `hugepages-…` in bytes, everything else as a count.
    `requested` is what the pods on it ask for together; not `requested_known` when they could not be read. `taints` are
    (key, value, effect) of those that keep this pod away; what it tolerates is left out.
    """

    name: str
    allocatable: Mapping[str, float] = field(default_factory=dict)
    requested: Mapping[str, float] = field(default_factory=dict)
    requested_known: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An instance and what surrounds it. `conditions` maps a name to (status, reason, message).

    `owner_events` are events of what makes the instance (a ReplicaSet that may not create pods because of a quota).
    """

    kind: Literal["pod", "container"]
    name: str
    status: str
    phase: str = ""
    reason: str = ""
    message: str = ""
    node: str = ""
    looked_at: datetime | None = None
    """The moment that these facts are of; None when the adapter does not say."""
    deletion_due: datetime | None = None
    """When its grace period is over, on an instance that is being deleted."""
    grace_s: int | None = None
    """The time that its containers have to stop; None when it is not known."""
    finalizers: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    readiness_gates: tuple[str, ...] = ()
    """Names of conditions that must be True before the instance is ready."""
    containers: tuple[ContainerFacts, ...] = ()
    conditions: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    claims: tuple[ClaimFacts, ...] = ()
    events: tuple[Event, ...] = ()
    owner_events: tuple[Event, ...] = ()
    siblings_missing: bool = False
    """Whether what makes it has fewer instances now than it wants; False where that is not known."""
    engine_error: str = ""
    """The engine's own words for why a container did not start (`State.Error`)."""
    requests: Mapping[str, float] = field(default_factory=dict)
    """What the pod asks for in all, by resource, in the units of NodeFacts; empty when it was not read."""
    wanted_labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Labels that a node must carry, from nodeSelector and a single required node affinity term: (key, one of these
    values); no values means that any will do."""
    nodes: tuple[NodeFacts, ...] = ()
    """The nodes of the cluster; empty when they may not be read."""
