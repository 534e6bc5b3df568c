"""What engines answer, as far as a page needs it: structs that name only the fields that are read.

Sources: the Docker Engine API 1.41 reference (docs.docker.com/engine/api/v1.41) and recorded answers of Docker 20.10
and Podman 4.3. Podman leaves out fields, and both write null for an empty list or map, so everything has a default.
Foreign JSON ends here: nothing beyond this module sees a dictionary of unknown shape.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from runtimes.structs import make_ready

NEVER_YEAR = 1
"""Go's zero time is 0001-01-01T00:00:00Z: engines write it for "has not happened"."""


class _Pascal(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    pass


class Row(_Pascal, frozen=True):
    """A container of GET /containers/json. `created` is in seconds since 1970."""

    id: str
    names: list[str] | None = None
    image: str = ""
    state: str = ""
    created: int = 0
    labels: dict[str, str] | None = None
    ports: list[PublishedPort] | None = None
    host_config: RowHostConfig | None = None
    network_settings: RowNetworks | None = None

    @property
    def network_mode(self) -> str:
        """Its network; "" where the list does not say, as Podman's."""
        return self.host_config.network_mode if self.host_config else ""

    @property
    def name(self) -> str:
        """The container's own name; `/db/alias` is a legacy link of another container to it."""
        own = [name[1:] for name in self.names or () if name.count("/") == 1]
        return own[0] if own else self.id[:12]


class PublishedPort(_Pascal, frozen=True):
    ip: str = msgspec.field(default="", name="IP")
    public_port: int = 0
    type: str = "tcp"


class RowHostConfig(_Pascal, frozen=True):
    network_mode: str = ""


class RowNetworks(_Pascal, frozen=True):
    networks: dict[str, Network] | None = None


class HealthRun(_Pascal, frozen=True):
    exit_code: int = 0
    output: str = ""
    end: str = ""


class Health(_Pascal, frozen=True):
    """`status` is none, starting, healthy or unhealthy; Podman writes "" where there is no check."""

    status: str = ""
    failing_streak: int = 0
    log: list[HealthRun] | None = None


class State(_Pascal, frozen=True):
    status: str = ""
    running: bool = False
    paused: bool = False
    restarting: bool = False
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")
    exit_code: int = 0
    error: str = ""
    started_at: str = ""
    finished_at: str = ""
    health: Health | None = None


class HealthCheck(_Pascal, frozen=True):
    """How health is checked: `interval`, `timeout` and `start_period` in nanoseconds, 0 is the engine's default."""

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0


class Config(_Pascal, frozen=True):
    """`stop_timeout` is in seconds."""

    image: str = ""
    user: str = ""
    tty: bool = False
    env: list[str] | None = None
    labels: dict[str, str] | None = None
    stop_timeout: int | None = None
    healthcheck: HealthCheck | None = None


class RestartPolicy(_Pascal, frozen=True):
    name: str = ""
    maximum_retry_count: int = 0


class LogConfig(_Pascal, frozen=True):
    type: str = ""
    config: dict[str, str] | None = None


class Binding(_Pascal, frozen=True):
    host_ip: str = ""
    host_port: str = ""


class HostConfig(_Pascal, frozen=True):
    """Limits: memory in bytes, `nano_cpus` in 1e-9 cores, quota and period in microseconds; 0 is "not set"."""

    restart_policy: RestartPolicy = RestartPolicy()
    log_config: LogConfig = LogConfig()
    network_mode: str = ""
    memory: int = 0
    memory_reservation: int = 0
    nano_cpus: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    port_bindings: dict[str, list[Binding] | None] | None = None
    tmpfs: dict[str, str] | None = None
    auto_remove: bool = False


class MountPoint(_Pascal, frozen=True):
    type: str = ""
    name: str = ""
    source: str = ""
    destination: str = ""
    rw: bool = msgspec.field(default=True, name="RW")


class Network(_Pascal, frozen=True):
    ip_address: str = msgspec.field(default="", name="IPAddress")
    ipv6_address: str = msgspec.field(default="", name="GlobalIPv6Address")
    aliases: list[str] | None = None


class NetworkSettings(_Pascal, frozen=True):
    ports: dict[str, list[Binding] | None] | None = None
    networks: dict[str, Network] | None = None


class Inspected(_Pascal, frozen=True):
    """A container of GET /containers/{id}/json; `image` is the image's id."""

    id: str
    name: str = ""
    created: str = ""
    path: str = ""
    args: list[str] | None = None
    image: str = ""
    restart_count: int = 0
    state: State = State()
    config: Config = Config()
    host_config: HostConfig = HostConfig()
    mounts: list[MountPoint] | None = None
    network_settings: NetworkSettings | None = None

    @property
    def own_name(self) -> str:
        return self.name.removeprefix("/") or self.id[:12]

    @property
    def labels(self) -> dict[str, str]:
        return self.config.labels or {}


class CPUUsage(msgspec.Struct, frozen=True, kw_only=True):
    """`total_usage` is in nanoseconds of CPU time since the container started, `percpu_usage` the same by CPU."""

    total_usage: int = 0
    percpu_usage: list[int] | None = None


class CPUStats(msgspec.Struct, frozen=True, kw_only=True):
    """`system_cpu_usage` is what all CPUs of the host have spent since it started, idle or not, in nanoseconds."""

    cpu_usage: CPUUsage = CPUUsage()
    system_cpu_usage: int = 0
    online_cpus: int = 0


class MemoryStats(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes. `stats` holds the cgroup's own figures, whose names differ between cgroups v1 and v2."""

    usage: int = 0
    stats: dict[str, int] | None = None


class NetworkStats(msgspec.Struct, frozen=True, kw_only=True):
    rx_bytes: int = 0
    tx_bytes: int = 0


class BlockEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that went to or from one disk; `op` is Read, Write, Sync, … in cgroups v1, read or write in v2."""

    op: str = ""
    value: int = 0


class BlockStats(msgspec.Struct, frozen=True, kw_only=True):
    io_service_bytes_recursive: list[BlockEntry] | None = None


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """GET /containers/{id}/stats. `read` is when the engine took the figures."""

    read: str = ""
    cpu_stats: CPUStats = CPUStats()
    blkio_stats: BlockStats = BlockStats()
    memory_stats: MemoryStats = MemoryStats()
    networks: dict[str, NetworkStats] | None = None


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    id: str = msgspec.field(default="", name="ID")
    attributes: dict[str, str] | None = msgspec.field(default=None, name="Attributes")


class EngineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A line of GET /events. The attributes mix the container's labels with the engine's own words."""

    action: str = msgspec.field(default="", name="Action")
    actor: Actor = msgspec.field(default=Actor(), name="Actor")
    time_nanoseconds: int = msgspec.field(default=0, name="timeNano")


class Component(_Pascal, frozen=True):
    name: str = ""
    version: str = ""
    details: dict[str, str] | None = None


class Version(_Pascal, frozen=True):
    """GET /version, which every engine answers without a version in the path."""

    version: str = ""
    api_version: str = ""
    min_api_version: str = msgspec.field(default="", name="MinAPIVersion")
    components: list[Component] | None = None


class Info(_Pascal, frozen=True):
    """GET /info, as far as it explains what an engine can do."""

    name: str = ""
    operating_system: str = ""
    cgroup_version: str = ""
    cgroup_driver: str = ""
    security_options: list[str] | None = None
    rootless: bool = False

    @property
    def is_rootless(self) -> bool:
        return self.rootless or any("rootless" in option for option in self.security_options or ())


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine says instead of an answer. Podman's `cause` is the part without the call stack of words."""

    message: str = ""


def moment(text: str) -> datetime | None:
    """Read an engine's RFC 3339 time stamp; None for Go's zero time, an empty or an unreadable one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.year == NEVER_YEAR or at.tzinfo is None:
        return None
    return at.astimezone(UTC)


make_ready(globals())
