"""The contract of a runtime, next to its values: a bundle of facets, one for each tab of a service's page.

A runtime without a facet has no such tab; a facet's `verbs` decide the buttons. Every facet method takes the Scope
of one service and must never show or touch anything outside it. All methods are safe to call from several threads
and raise only `runtimes.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from runtimes.history import History

from msgspec import Struct

from runtimes.about import Counts as Counts  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.about import Identity as Identity  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.about import Lack as Lack  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.blast import Blast as Blast  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.commands import Commands as Commands  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.config import Config as Config  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.debugging import Debugging as Debugging  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.deployment import Deployment as Deployment  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.domains import Domains as Domains  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.domains import Setup
from runtimes.explained import Cause as Cause  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.explained import Event as Event  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.explained import Explanation as Explanation  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.images import Images as Images  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.lasting import Stream as Stream  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.lasting import Watch as Watch  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.libpod import Libpod as Libpod  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.logsources import LogSource as LogSource  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.parts import Check as Check  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.parts import Mount as Mount  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.parts import Network as Network  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.parts import Port as Port  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.parts import Variable as Variable  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.proposal import Proposal as Proposal  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.structs import make_ready
from runtimes.updates import Updates as Updates  # noqa: PLC0414 - the whole contract is imported from here
from runtimes.upkeep import Upkeep as Upkeep  # noqa: PLC0414 - the whole contract is imported from here

T = TypeVar("T")


class Severity(StrEnum):
    """The four colours of a state, worst last when sorted by `RANK`."""

    OK = "ok"
    PROGRESS = "progress"
    ERROR = "error"
    NEUTRAL = "neutral"


RANK: Mapping[Severity, int] = {Severity.ERROR: 0, Severity.PROGRESS: 1, Severity.OK: 2, Severity.NEUTRAL: 3}
"""Worst first: the order in which instances are listed unless a person sorts them otherwise."""

RESTART_LOOP_COUNT, RESTART_LOOP_WINDOW = 3, timedelta(minutes=10)
"""So many restarts within so long are an error on every runtime, also while everything runs."""
EVERY = "*"
"""In a question about logs: all instances, or all containers of an instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What of a runtime belongs to one service.

    Kubernetes: `namespace`, narrowed by a label `selector`. Engines: one of a compose `project`, a list of
    `containers` by name, or `labels` that all must match. On Kubernetes every request is sent as `service_account` of
    the namespace; "" is the runtime's own credential.
    """

    service: str
    namespace: str = ""
    selector: str = ""
    project: str = ""
    containers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    service_account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Generic[T]):
    """A list as it was at `as_of`; `stale` when the runtime has not answered since, then `problem` says why."""

    items: tuple[T, ...]
    as_of: datetime
    stale: bool = False
    problem: str = ""
    live: bool = False
    """Whether the runtime keeps it itself while somebody looks: it costs nothing to ask again, and much to keep twice.
    """


class Resources(Struct, frozen=True, kw_only=True, gc=False):
    """What a container asks for and may use; None where nothing is set."""

    cpu_request_cores: float | None = None
    cpu_limit_cores: float | None = None
    memory_request_bytes: int | None = None
    memory_limit_bytes: int | None = None


class Usage(Struct, frozen=True, kw_only=True, gc=False):
    """What is used now. None means "not known", never 0; `missing_reason` then says why in a sentence."""

    cpu_cores: float | None = None
    memory_bytes: int | None = None
    network_rx_bytes: int | None = None
    network_tx_bytes: int | None = None
    block_read_bytes: int | None = None
    block_written_bytes: int | None = None
    """Read from and written to disks since the start; engines count it, Kubernetes does not say it."""
    missing_reason: str = ""


class Container(Struct, frozen=True, kw_only=True, gc=False):
    """One container of an instance. `kind` is "container", "init", "sidecar" or "ephemeral"."""

    name: str
    image: str
    kind: str = "container"
    state: str = ""
    reason: str = ""
    ready: bool = False
    restarts: int = 0
    exit_code: int | None = None
    previous: bool = False
    """Whether a run before this one left logs that can still be read."""
    started_at: datetime | None = None
    resources: Resources = Resources()


class Instance(Struct, frozen=True, kw_only=True, gc=False):
    """One pod or container of a service: a row of the Instances tab. A struct, as LogLine is: there are thousands.

    `id` is the pod's name or the full container id. `status` is the word that kubectl or docker prints.
    `reason` is empty or a few words on why the status is what it is. `managed_by` names what would fight a change
    made behind its back: "compose project blog", "systemd unit web.service", "pod web", "ReplicaSet web-5d4f".
    """

    id: str
    name: str
    kind: Literal["pod", "container"]
    status: str
    severity: Severity
    ready: bool
    ready_containers: int
    restarts: int
    age_s: int | None
    created_at: datetime | None
    node: str
    image: str
    containers: tuple[Container, ...]
    usage: Usage = Usage()
    reason: str = ""
    managed_by: str = ""
    pod: str = ""
    """The Podman pod that a container is in; empty elsewhere."""
    phase: str = ""
    """The pod's phase on Kubernetes (`Pending` covers many a status); empty elsewhere."""
    uid: str = ""
    """Which of all that ever had this `id` it is; empty where an id is never given twice."""
    verbs: tuple[str, ...] | None = None
    """Which verbs of the facet make sense for it now; None where all do."""
    lock: str = ""
    """Why nothing may be done to it from here, as a sentence; `lock_hint` is then what would be right."""
    lock_hint: str = ""
    through: str = ""
    """The line that does a change, with `{verb}` in it, where a manager on the host is asked instead of the runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceDetail:
    """Everything about one instance. `conditions` and `facts` are (name, value) pairs in reading order.

    `private` names the facts that may hold what an environment may: they are shown to the same people.
    """

    instance: Instance
    facts: tuple[tuple[str, str], ...] = ()
    private: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[tuple[str, str], ...] = ()
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    networks: tuple[Network, ...] = ()
    checks: tuple[Check, ...] = ()
    """The last runs of its health check, the latest first."""
    environment: tuple[Variable, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What keeps instances alive: a Deployment …, or on engines a compose service or a single container."""

    id: str
    kind: str
    name: str
    ready: int
    desired: int
    images: tuple[str, ...] = ()
    resources: Resources = field(default_factory=Resources)
    """Summed over those containers of one instance that set a value; None where none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A name under which a service is reached."""

    host: str
    path: str = ""
    target: str = ""
    tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A service at a glance. `qos_classes` counts instances by QoS class (Kubernetes only).

    `requests_and_limits` sums up the containers that set a value, None where none does. With containers that set
    nothing beside them (`containers_without_limits`: neither CPU nor memory) such a sum is no bound.
    """

    as_of: datetime
    workloads: tuple[Workload, ...]
    counts: Mapping[Severity, int]
    ready: int
    desired: int
    restarts: int
    images: tuple[str, ...]
    warnings: tuple[Event, ...]
    usage: Usage
    requests_and_limits: Resources
    containers_without_limits: int = 0
    containers_without_requests: int = 0
    qos_classes: Mapping[str, int] = field(default_factory=dict)
    domains: tuple[Domain, ...] = ()
    setup: Setup | None = None
    """What is missing before it can have a domain: no proxy on its host, or none that answers."""
    identity: tuple[tuple[str, str], ...] = ()
    """(name, value) pairs: cluster version, namespace, compose project, host, …"""
    notes: tuple[str, ...] = ()
    """What could not be read, each with the reason: a person who may not list ingresses still sees the rest."""
    stale: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which lines: `instance` is an id or EVERY; `container` "" is the first, or EVERY.

    `tail` None means all there are; `since` is absolute; `previous` asks for the run before the last restart. `exact`
    asks for the bytes of one log rather than for its lines in time: they may come without `at`, since an engine writes
    stamps into the middle of long lines. Where several logs are merged it changes nothing.
    """

    instance: str = EVERY
    container: str = ""
    tail: int | None = 500
    since: datetime | None = None
    previous: bool = False
    exact: bool = False
    marks: Mapping[tuple[str, str], str] = field(default_factory=dict, hash=False)
    """How far an earlier follow got, by (instance, container): `lines.Position.mark`. The rest counts where none is."""


class LogLine(Struct, frozen=True, kw_only=True, gc=False):
    """One line as the process wrote it, without its line end. `at` is the engine's own time stamp, in UTC.

    `nanoseconds` is the same instant since 1970 with all digits the engine gave, for merging and resuming. `text`
    is decoded as UTF-8 with replacement; control characters are left in: whoever shows a line deals with them.
    `runtimes.records.written` gives the bytes that were logged. A struct, because making one takes 0.1 µs and a frozen
    dataclass of eight fields 1.2 µs, and a log has 100,000 of them; it holds nothing that could hold it in turn.
    """

    at: datetime | None
    nanoseconds: int
    instance: str
    container: str
    stream: Literal["stdout", "stderr", "unknown", "notice"]
    text: str
    end: Literal["\n", "\r\n", ""] = "\n"
    """Its line end; none in a piece of a long line that the next one of the same stream continues, or that is the last.
    """
    raw: bytes | None = None
    """Its bytes where they are not UTF-8, so that `text` does not hold them."""


class Overview(Protocol):
    """The Overview tab."""

    def read(self, scope: Scope) -> Summary: ...

    def desired(self, scope: Scope) -> int:
        """Count the instances that should be ready, by what the workloads ask for: some may not exist at all."""
        ...


class Instances(Protocol):
    """The Pods or Containers tab. `verbs`: "delete", "force-delete", "delete-pending", "restart", "stop", "start"."""

    verbs: frozenset[str]

    def list(self, scope: Scope) -> Snapshot[Instance]: ...

    def watch(self, scope: Scope) -> Watch:
        """Keep the list current while somebody looks. Raise Unavailable for a runtime that is closed or full."""
        ...

    def get(self, scope: Scope, instance: str) -> InstanceDetail:
        """Read one by its id, its name or a unique prefix of either. Raise Missing when it is not the service's."""
        ...

    def cause(self, scope: Scope, instance: str, *, quote_logs: bool = True) -> Explanation:
        """Explain why an instance is not ok; `quote_logs` is False for somebody who may not read logs."""
        ...

    def blast(self, scope: Scope, instances: Sequence[str], *, verb: str = "") -> Blast:
        """Say what else is hit when this is done to these, by their ids; "" is what every runtime can do."""
        ...

    def delete(self, scope: Scope, instance: str, *, force: bool, uid: str = "") -> None:
        """Delete one. Raise Conflict when it is no longer the one of that `uid`, where one is given."""
        ...

    def delete_pending(self, scope: Scope) -> Sequence[str]:
        """Delete every Pending instance; give the ids that were deleted."""
        ...

    def restart(self, scope: Scope, instance: str) -> None:
        """Stop one and start it again. Raise Conflict for one that is locked, or does not start again."""
        ...

    def stop(self, scope: Scope, instance: str) -> None:
        """Stop one that runs. Raise Conflict for one that does not, or is locked."""
        ...

    def start(self, scope: Scope, instance: str) -> None:
        """Start one that does not run. Raise Conflict for one that does, is locked, or cannot be started."""
        ...


class Logs(Protocol):
    """The Logs tab. A merged read is ordered by time; a follow goes on until it is closed or the instances end."""

    def read(self, scope: Scope, query: LogQuery) -> Stream[LogLine]: ...

    def follow(self, scope: Scope, query: LogQuery) -> Stream[LogLine]:
        """Give the lines of `query`, then new ones as they come, across restarts and new instances with "*".

        Resume on their own after a cut of the line to the engine, without losing or repeating a line.
        """
        ...

    def sources(self, scope: Scope) -> Sequence[LogSource]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """An open runtime: who answers, and what can be done there. `close()` may be called twice."""

    name: str
    kind: Literal["kubernetes", "docker", "podman"]
    identity: Identity
    overview: Overview
    instances: Instances
    discover: Callable[[], Sequence[Proposal]]
    check: Callable[[], None]
    """Ask the runtime whether it is there, cheaply; raise what is wrong."""
    close: Callable[[], None]
    logs: Logs | None = None
    commands: Commands | None = None
    deployment: Deployment | None = None
    updates: Updates | None = None
    """What carries changes of `deployment` on that are no single request."""
    config: Config | None = None
    domains: Domains | None = None
    upkeep: Upkeep | None = None
    debugging: Debugging | None = None
    images: Images | None = None
    """The images of an engine's host; those of a cluster's nodes are `upkeep`'s."""
    libpod: Libpod | None = None
    history: History | None = None
    """What collectors ask, see `runtimes.history`."""
    lacks: Callable[[Scope], Sequence[Lack]] | None = None
    """Say what does not work for a service with this identity; None where an identity may do everything or nothing."""
    counts: Callable[[], Counts] = Counts


make_ready(globals())
