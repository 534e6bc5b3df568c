"""The Commands facet: what a guard has to know of a runtime, and running what was let through.

Nothing here judges: an argv comes from a guard and runs exactly as it is. No shell on this server sees it, nothing of
our own environment reaches it, and when it ends for whatever reason, what it started ends too, wherever that runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

from connectors.base import Exit, Output
from runtimes.lasting import Stream
from runtimes.structs import make_ready

if TYPE_CHECKING:
    from runtimes.base import Scope


class Kind(Struct, frozen=True, kw_only=True):
    """A custom kind of a cluster, by its names in the API: `name` is the plural, `short` the short names."""

    name: str
    singular: str = ""
    short: tuple[str, ...] = ()
    group: str = ""
    versions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers:
    """The containers of an engine by name, with their full ids: a service's own, and everybody else's."""

    own: Mapping[str, str]
    other: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The custom kinds of a cluster by their scope."""

    namespaced: Sequence[Kind] = ()
    cluster: Sequence[Kind] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """Which workloads an autoscaler owns, and what owns what: `deployment/web`, `replicaset/web-5d4f`.

    `switched_off` has those of the first whose autoscaler 0 replicas have switched off, with its minimum and maximum.
    """

    autoscaled: frozenset[str] = frozenset()
    owners: Mapping[str, str] | None = None
    switched_off: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. `where`: the runtime's own program, inside the container of the id `container`, or on the host.

    `identity` is the service account to be on Kubernetes, "" for the runtime's own credential. `inner` is where in a
    `kubectl exec` the inner command begins (0: it is none), which runs in `pod` and `pod_container`. After `limit_s`
    it is ended.
    """

    argv: tuple[str, ...]
    limit_s: float
    where: Literal["cli", "container", "host"] = "cli"
    container: str = ""
    pod: str = ""
    pod_container: str = ""
    inner: int = 0
    identity: str = ""
    user: str = ""
    workdir: str = ""
    environment: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A command that runs. `identity` says as whom; `notes` are sentences for the person: a program whose version is
    far from the server's, an image without a shell in which nothing can be ended."""

    stream: Stream[Output | Exit]
    identity: str
    notes: tuple[str, ...] = ()


class Commands(Protocol):
    """The Commands tab. All methods are safe to call from several threads and raise only `runtimes.errors`."""

    program: str
    """The program whose lines are typed here: kubectl, docker or podman."""

    @property
    def hosts(self) -> bool:
        """Whether commands can run on the host at the far end."""
        ...

    def missing(self) -> str:
        """Say in a sentence what to install on the server for `program` to run; "" when it is there."""
        ...

    def containers(self, scope: Scope) -> Containers:
        """Name the containers of an engine; both empty on Kubernetes."""
        ...

    def kinds(self) -> Kinds:
        """Name the custom kinds of a cluster; empty on engines. Kept for a minute."""
        ...

    def scaled(self, scope: Scope) -> Scaled:
        """Say what autoscalers own in the namespace, as it is now; empty on engines."""
        ...

    def tokens(self, scope: Scope) -> frozenset[str]:
        """Name the Secrets of the namespace that hold tokens of the cluster, as it is now; none on engines."""
        ...

    def run(self, scope: Scope, command: Command) -> Started:
        """Begin to run. The stream's last item is an Exit; closing it ends the command and what it started.

        Raise Unsupported for a place that this runtime does not have, Missing when the program is not installed (with
        what to install) or the container has gone, Unavailable when the way is lost before it began.
        """
        ...


make_ready(globals())
