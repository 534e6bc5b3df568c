"""Which log drivers give lines back, and what is said of those that do not. Pure.

dockerd 20.10 and newer keeps a copy of what it sends elsewhere ("dual logging"), unless `cache-disabled` says no; so a
driver like syslog is read from that copy. Source: docs.docker.com/engine/logging/dual-logging, podman-run(1)
`--log-driver`.
"""

from __future__ import annotations

from runtimes.engine.answers import Inspected
from runtimes.errors import Unsupported

KEEPING = frozenset({"", "json-file", "local", "journald", "k8s-file"})
"""Drivers that keep lines where the engine reads them again."""
SILENT = frozenset({"none", "passthrough", "passthrough-tty"})
"""Drivers that keep nothing at all."""
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's strconv.ParseBool takes for true."""


def driver_of(container: Inspected) -> str:
    return container.host_config.log_config.type


def readable(container: Inspected) -> bool:
    """Say whether the container's log driver may have kept something to read."""
    log = container.host_config.log_config
    if log.type in SILENT:
        return False
    return log.type in KEEPING or (log.config or {}).get("cache-disabled", "") not in TRUE


def unreadable(container: Inspected) -> Unsupported:
    """Say why a log cannot be read, and what to do."""
    driver = driver_of(container)
    does = "keeps nothing" if driver in SILENT or driver in KEEPING else "sends it elsewhere and keeps nothing"
    named = f" {driver}" if driver else ""
    return Unsupported(
        f"The log of {container.own_name} cannot be read: its log driver{named} {does} that the engine could give "
        "back.",
        hint="Read it where the driver sends it, or make the container with the driver json-file, local or journald.",
    )


def told(container: Inspected) -> str:
    """Say what of a log that is sent elsewhere can be read here; "" for one that is kept."""
    driver = driver_of(container)
    if driver in KEEPING or not readable(container):
        return ""
    return (
        f"The log driver {driver} of {container.own_name} sends its lines elsewhere; what is shown here is the "
        "engine's own copy, which holds the last ones only."
    )
