"""Everything about one container, in reading order. Pure: an inspect answer in, facts for a page out.

Environment values, and the facts in PRIVATE, are given as they are: the layer above masks them by the reader's rights.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from runtimes.base import Check, Mount, Network, Port, Resources, Variable
from runtimes.causes.exits import exit_meaning
from runtimes.engine.answers import Binding, HostConfig, Inspected, moment

CPU_PERIOD_DEFAULT_US = 100_000
"""The kernel's default CFS period, which engines leave out of their answers."""
HEALTH_OUTPUT_MAX_CHARS = 4096
"""What dockerd itself keeps of a health check's output."""
COMMAND_MAX_CHARS = 1000
COMMAND, HEALTH_PRINTED, HEALTH_TEST = "Command", "Last health check printed", "Health check"
PRIVATE = frozenset({COMMAND, HEALTH_PRINTED, HEALTH_TEST})
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
    """Give what is mounted; engines list what `--tmpfs` mounts apart from the rest."""
    listed = tuple(
        Mount(kind=each.type, source=each.name or each.source, target=each.destination, read_only=not each.rw)
        for each in container.mounts or ()
    )
    known = {each.target for each in listed}
    in_memory = sorted((container.host_config.tmpfs or {}).items())
    return listed + tuple(
        Mount(kind="tmpfs", source="", target=target, read_only="ro" in options.split(","))
        for target, options in in_memory
        if target not in known
    )


def networks(container: Inspected) -> tuple[Network, ...]:
    """Give the networks by name; an alias that is the container's own short id says nothing and is left out."""
    settings = container.network_settings
    return tuple(
        Network(
            name=name,
            addresses=tuple(address for address in (each.ip_address, each.ipv6_address) if address),
            aliases=tuple(alias for alias in each.aliases or () if not container.id.startswith(alias)),
        )
        for name, each in sorted(((settings.networks if settings else None) or {}).items())
    )


def checks(container: Inspected) -> tuple[Check, ...]:
    """Give the last runs of the health check, the latest first."""
    log = (container.state.health.log if container.state.health else None) or []
    return tuple(
        Check(at=moment(run.end), exit_code=run.exit_code, printed=run.output.strip()[:HEALTH_OUTPUT_MAX_CHARS])
        for run in reversed(log)
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
    yield HEALTH_TEST, _health_test(container)
    yield "Health is checked", _health_pace(container)
    yield "Image", container.config.image
    yield COMMAND, _command(container)
    yield "User", container.config.user
    yield "Restart policy", _restart_policy(host)
    yield "Log driver", host.log_config.type
    yield "Network mode", host.network_mode


def _health(container: Inspected) -> str:
    health = container.state.health
    if health is None or health.status in ("", "none"):
        return ""
    failing = f", failed {health.failing_streak} times in a row" if health.failing_streak else ""
    return f"{health.status}{failing}"


def _command(container: Inspected) -> str:
    return shlex.join([part for part in (container.path, *(container.args or ())) if part])[:COMMAND_MAX_CHARS]


POLICIES = {
    "": "no: it stays down when it ends",
    "no": "no: it stays down when it ends",
    "always": "always: started again whenever it ends, and when the engine starts",
    "unless-stopped": "unless-stopped: started again whenever it ends; once stopped, it stays down",
    "on-failure": "on-failure: started again when it ends with an error",
}


def _restart_policy(host: HostConfig) -> str:
    policy = host.restart_policy
    words = POLICIES.get(policy.name, policy.name)
    if policy.name == "on-failure" and policy.maximum_retry_count:
        return f"{words}, at most {policy.maximum_retry_count} times"
    return words


def _health_test(container: Inspected) -> str:
    check = container.config.healthcheck
    kind, *words = (check.test if check else None) or [""]
    if kind == "CMD-SHELL":
        return " ".join(words)[:COMMAND_MAX_CHARS]
    return shlex.join(words)[:COMMAND_MAX_CHARS] if kind == "CMD" else ""


def _health_pace(container: Inspected) -> str:
    check = container.config.healthcheck
    if check is None or not check.test or check.test[0] == "NONE":
        return ""
    every, longest = (check.interval or 30e9) / 1e9, (check.timeout or 30e9) / 1e9
    grace = f"; the first {check.start_period / 1e9:g} s do not count" if check.start_period else ""
    return f"every {every:g} s, at most {longest:g} s each; unhealthy after {check.retries or 3} failures{grace}"


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
