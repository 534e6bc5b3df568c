"""What is kept of a container in memory: as much as rows, sums and the wall between services need.

Environments, command lines, mounts, published ports and what health checks printed are dropped before anybody sees
them: they are half of the answer, may hold secrets, and are read one by one when somebody looks at one container.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from runtimes.engine.answers import Config, Inspected, Row, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A container and the pod that it is in; `unread` says why the engine gave no more of it than its list does."""

    container: Inspected
    pod: str = ""
    unread: str = ""


def held(container: Inspected, *, pod: str) -> Held:
    """Keep of a container what is shown in lists."""
    state, host = container.state, container.host_config
    health = replace(state.health, log=None) if state.health else None
    return Held(
        container=replace(
            container,
            path="",
            args=None,
            state=replace(state, health=health),
            config=replace(container.config, env=None, user="", healthcheck=None),
            host_config=replace(host, port_bindings=None),
            mounts=None,
            network_settings=None,
        ),
        pod=pod,
    )


def sketched(row: Row, *, pod: str, why: str) -> Held:
    """Keep of a container what the list says, when the engine gives nothing else: one that hangs hides no other."""
    running = row.state in ("running", "paused", "restarting")
    return Held(
        container=Inspected(
            id=row.id,
            name=row.name,
            state=State(status=row.state, running=running, restarting=row.state == "restarting"),
            config=Config(image=row.image, labels=row.labels),
        ),
        pod=pod,
        unread=why,
    )
