"""Why a container of an engine is not running: what dockerd and Podman say, and what its state means."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.causes import absent, oci
from runtimes.causes.facts import ContainerFacts, Facts
from runtimes.causes.finding import Finding, Rule, Weight, first
from runtimes.causes.words import named

WHAT = "cannot start"

_PORT = r"(?:tcp|udp)\d? (?:\[[^\]]{0,60}\]|[\w.*]{0,60}):(?P<%s>\d{1,5})"
"""An address as Go prints it when it cannot listen there."""

RULES = (
    oci.COMMAND_ABSENT,  # before the mounts: it quotes a stat of the command's own path
    Rule(
        kind="port-taken",
        words=r"Port (?P<bound>\d{1,5}/\w{2,5}) is already allocated: (?P<holder>.{1,300})",
        because="port {bound} of the host is taken: {holder}",
        hint="Stop the other container, or publish another port of the host.",
    ),
    Rule(
        kind="port-taken",
        words=r"Bind for (?P<bound>\S{1,80}) failed: port is already allocated",
        because="port {bound} of the host is taken by another container",
        hint="Find it with `docker ps --filter publish=PORT`; stop it or publish another port of the host.",
    ),
    Rule(
        kind="port-taken",
        words=_PORT % "bound" + r".{0,60}address already in use|port is already allocated|address already in use"
        r"|ports? (?P<other>\d{1,5}) (?:is|are) already (?:in use|allocated)",
        because="a port of the host is taken by another program: {bound}{other}",
        hint="Find the holder on the host (ss -ltnp); stop it or publish another port.",
    ),
    Rule(
        kind="port-privileged",
        words=r"cannot expose privileged port (?P<bound>\d{1,5})|" + _PORT % "other" + r".{0,60}permission denied",
        because="ports below 1024 need root, and this engine runs without: {bound}{other}",
        hint="Publish a port from 1024 on, or lower net.ipv4.ip_unprivileged_port_start on the host.",
    ),
    Rule(
        kind="volume-missing",
        words=r"error while mounting volume '(?P<volume>[^']{1,253})'.{0,300}no such file or directory",
        because="what a volume of it is made of does not exist on the host: {volume}",
        hint="Create the folder that the volume names (docker volume inspect), or make the volume anew.",
    ),
    Rule(
        kind="mount-source-missing",
        words=r"bind source path does not exist: (?P<source>\S{1,253})"
        r"|(?:statfs|l?stat|l?chown) (?P<podman>/[^:]{1,253}): no such file",
        because="the path {source}{podman} that it mounts does not exist on the host",
        hint="Create the path on the host, or correct the mount.",
    ),
    Rule(
        kind="volume-missing",
        words=r"no such volume|volume (?P<volume>\S{1,253}) not found|get (?P<other>\S{1,253}): no such volume",
        because="a volume that it mounts does not exist: {volume}{other}",
        hint="Create the volume, or correct its name.",
    ),
    Rule(
        kind="image-missing",
        words=r"creating overlay mount to|layer not known|layer does not exist|no such layer|image not known",
        because="layers of the image of container {container} are missing in the engine's storage",
        hint="Pull or load the image again and make the container anew; if others fail too, the storage is damaged.",
        weight=Weight.LIKELY,
    ),
    Rule(
        kind="network-missing",
        words=r"network (?P<network>\S{1,253}) (?:not found|does not exist)|unable to find network|network not found",
        because="a network that it joins does not exist: {network}",
        hint="Make the container anew (docker compose up), or create the network.",
    ),
    Rule(
        kind="no-address-left",
        words=r"non-overlapping IPv4 address pool|no available (?:IPv4 )?addresses|address already in use by container",
        because="its network has no free address",
        hint="Remove unused networks and containers (docker network prune), or enlarge the network.",
    ),
    Rule(
        kind="name-taken",
        words=r"(?:endpoint|name) \S{0,253} ?(?:already exists|is already in use)|already exists in network",
        because="its name is still taken by another container or network endpoint",
        hint="Remove the older one, or disconnect the stale endpoint (docker network disconnect -f).",
    ),
    Rule(
        kind="dependency-missing",
        words=r"cannot join (?:network|IPC|PID) of a non running container|dependency .{0,200}failed",
        because="another container that it depends on is not running",
        hint="Start that one first.",
    ),
    Rule(
        kind="networking-failed",
        words=r"failed programming external connectivity|iptables|nftables|netavark|failed to set up container network",
        because="the engine cannot set up its network on the host",
        hint="A firewall reload may have removed the engine's rules: restart the engine, or look at its log.",
        weight=Weight.LIKELY,
    ),
    *oci.RULES,
)

_STATES = {
    "created": ("never-started", "was created but never started", "Start it; if that fails, the answer says why."),
    "configured": ("never-started", "was created but never started", "Start it; if that fails, the answer says why."),
    "initialized": ("never-started", "was prepared but never started", "Start it; if that fails, the answer says why."),
    "paused": ("paused", "is paused: its processes are frozen", "Unpause it when it should go on."),
    "dead": ("dead", "is dead: the engine could not remove it wholly", "Remove it by force; look at the engine's log."),
    "removing": ("removing", "is being removed", "Wait; if it stays, something holds its files: see the engine's log."),
    "stopping": ("stopping", "is stopping", "Wait for its stop timeout, after which it is killed."),
}
"""state → (kind, what, hint), for states that say it all."""


def findings(facts: Facts) -> Iterator[Finding]:
    """Find why an engine's container is not running."""
    if facts.kind != "container":
        return
    for container in facts.containers:
        if container.state != "running":
            yield from _not_running(facts, container)


def _not_running(facts: Facts, container: ContainerFacts) -> Iterator[Finding]:
    error = facts.engine_error or container.message
    if error.strip():
        found = first(RULES, error, what=WHAT, container=container.name)
        yield absent.of_volume(found, container, error) or Finding(
            kind="engine-error",
            what=WHAT,
            because="the engine could not start it",
            hint="See the engine's words.",
            weight=Weight.LIKELY,
            said=error,
        )
    elif container.state in _STATES:
        kind, what, hint = _STATES[container.state]
        detail = f"Container {named(container.name)} {what}."
        yield Finding(kind=kind, what=what, because="", detail=detail, hint=hint, weight=Weight.GENERAL)
