"""Everything about one container, in reading order. Pure: an inspect answer in, facts for a page out.

Environment values, and the facts in PRIVATE, are given as they are: the layer above masks them by the reader's rights.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from runtimes.base import Mount, Port, Resources, Variable
from runtimes.causes.exits import exit_meaning
from runtimes.engine.answers import Binding, HostConfig, Inspected, moment

CPU_PERIOD_DEFAULT_US = 100_000
"""The kernel's default CFS period, which engines leave out of their answers."""
HEALTH_OUTPUT_MAX_CHARS = 4096
"""What dockerd itself keeps of a health check's output."""
COMMAND_MAX_CHARS = 1000
COMMAND, HEALTH_PRINTED = "Command", "Last health check printed"
PRIVATE = frozenset({COMMAND, HEALTH_PRINTED})
"""A password may stand in a command line as in an environment, and a health check may print what it was given."""
PORT = re.compile(r"[0-9]{1,5}")


def resources(host: HostConfig) -> Resources:
    """Read requests and limits; an engine knows no CPU request, and a memory reservation is a request."""
    return Resources(
        cpu_limit_cores=_cpu_limit(host),
        memory_request_bytes=host.memory_reservation or None,
        memory_limit_bytes=host.memory or None,
    )


def facts(container: Inspected) -> tuple[tuple[str, str], ...]:
    """Give (name, value) pairs; what does not apply is left out."""
    return tuple((name, value) for name, value in _facts(container) if value)


def health_output(container: Inspected) -> str:
    """Give what the last health check printed."""
    log = (container.state.health.log if container.state.health else None) or []
    return log[-1].output.strip()[:HEALTH_OUTPUT_MAX_CHARS] if log else ""


def has_ended(container: Inspected) -> bool:
    """Say whether the exit code is that of a run: it is 0 before the first and while one goes on."""
    state = container.state
    return moment(state.finished_at) is not None and (not state.running or state.restarting)


def ports(container: Inspected) -> tuple[Port, ...]:
    """Give the ports, one entry for each place where one is published (IPv4 and IPv6 of one port are one)."""
    settings = container.network_settings
    served = dict(container.host_config.port_bindings or {}) | dict((settings.ports if settings else None) or {})
    found: dict[Port, None] = {}
    for spelled, bindings in sorted(served.items()):
        number, _, protocol = spelled.partition("/")
        if not PORT.fullmatch(number):
            continue  # no engine says so, and who is none may
        for published in [_published(each) for each in bindings or ()] or [""]:
            found[Port(container_port=int(number), protocol=protocol or "tcp", published=published)] = None
    return tuple(found)


def mounts(container: Inspected) -> tuple[Mount, ...]:
    return tuple(
        Mount(kind=each.type, source=each.name or each.source, target=each.destination, read_only=not each.rw)
        for each in container.mounts or ()
    )


def environment(container: Inspected) -> tuple[Variable, ...]:
    pairs = (entry.partition("=") for entry in container.config.env or ())
    return tuple(Variable(container=container.own_name, name=name, value=value) for name, _, value in pairs)


def _facts(container: Inspected) -> Iterator[tuple[str, str]]:
    state, host = container.state, container.host_config
    yield "State", state.status
    if has_ended(container):
        yield "Exit code", f"{state.exit_code}: {exit_meaning(state.exit_code)}"
    yield "Out of memory", "yes: the kernel killed it" if state.oom_killed else ""
    yield "Engine's error", state.error
    yield "Started", _time(state.started_at)
    yield "Finished", _time(state.finished_at)
    yield "Health", _health(container)
    yield HEALTH_PRINTED, health_output(container)
    yield "Image", container.config.image
    yield COMMAND, _command(container)
    yield "User", container.config.user
    yield "Restart policy", _restart_policy(host)
    yield "Restarts", str(container.restart_count)
    yield "Log driver", host.log_config.type
    yield "Network", ", ".join(_networks(container)) or host.network_mode


def _health(container: Inspected) -> str:
    health = container.state.health
    if health is None or health.status in ("", "none"):
        return ""
    failing = f", failed {health.failing_streak} times in a row" if health.failing_streak else ""
    return f"{health.status}{failing}"


def _command(container: Inspected) -> str:
    return shlex.join([part for part in (container.path, *(container.args or ())) if part])[:COMMAND_MAX_CHARS]


def _restart_policy(host: HostConfig) -> str:
    policy = host.restart_policy
    if policy.name == "on-failure" and policy.maximum_retry_count:
        return f"on-failure, at most {policy.maximum_retry_count} times"
    return policy.name or "no"


def _networks(container: Inspected) -> list[str]:
    settings = container.network_settings
    networks = (settings.networks if settings else None) or {}
    return [f"{name} ({each.ip_address})" if each.ip_address else name for name, each in sorted(networks.items())]


def _published(binding: Binding) -> str:
    if not binding.host_port:
        return ""
    host = binding.host_ip if binding.host_ip not in ("", "0.0.0.0", "::") else ""  # noqa: S104 - compared, not bound
    return f"{host}:{binding.host_port}" if host else binding.host_port


def _time(text: str) -> str:
    at = moment(text)
    return at.strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def _cpu_limit(host: HostConfig) -> float | None:
    if host.nano_cpus > 0:
        return host.nano_cpus / 1e9
    if host.cpu_quota > 0:
        return host.cpu_quota / (host.cpu_period or CPU_PERIOD_DEFAULT_US)
    return None
