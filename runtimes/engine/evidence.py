"""What speaks for a cause: a container's state, events and last lines as Facts, and who holds a port that it wants.

Judging is for `runtimes.causes`. Podman 4.3 keeps no word on why a container did not start, so a taken port is found
by looking who publishes it. A holder outside the service is not named: the wall holds for explanations too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from runtimes.base import Scope
from runtimes.causes.facts import Absent, ContainerFacts, Facts, Run
from runtimes.engine import scope as wall
from runtimes.engine.absent import volumes
from runtimes.engine.answers import EngineEvent, Inspected, Row, moment
from runtimes.engine.detail import PORT, has_ended, health_output
from runtimes.engine.events import last_exit_code, shown
from runtimes.engine.reading import Seen
from runtimes.engine.states import BY_HAND, ended_badly, engine_word

SETTLED_AFTER = timedelta(seconds=10)
"""How long dockerd lets a container run before it takes its restarts for over (restartmanager/restartmanager.go)."""
SIGNAL_BASE = 128
SIGNAL_MAX = 64
"""A shell, and both engines, write 128 + n for an end by signal n."""


def facts(
    seen: Seen,
    *,
    events: Sequence[EngineEvent],
    last_lines: tuple[str, ...],
    port_conflict: str,
    now: datetime,
    quote_health: bool = True,
    refusal: str = "",
    absent: tuple[Absent, ...] = (),
) -> Facts:
    """Put the facts of a container together; without `quote_health` what its health check printed is left out.

    `refusal` is what the engine said when it was last asked to start it, `absent` what it does not have for it.
    """
    container = seen.container
    ended = last_run(container, events, asked_for=seen.condition.reason == BY_HAND)
    looping = keeps_restarting(container, ended, now=now)
    error = "; ".join(part for part in (container.state.error or refusal, port_conflict) if part)
    own = replace(
        _own(seen, looping=looping),
        message=error,
        last_run=ended,
        health_output=health_output(container) if quote_health else None,
        last_lines=tuple(last_lines),
        absent=absent,
    )
    return Facts(
        kind="container",
        name=container.own_name,
        status=own.state if looping else seen.condition.status,
        containers=(own,),
        events=shown(events),
        engine_error=error,
    )


def last_run(container: Inspected, events: Sequence[EngineEvent], *, asked_for: bool = False) -> Run | None:
    """Give the last run that ended: of a running container the engine's events still know its exit code."""
    state = container.state
    if has_ended(container):
        return replace(_run(container, state.exit_code, oom=state.oom_killed), asked_for=asked_for)
    code = last_exit_code(events)
    if code is None or moment(state.finished_at) is None:
        return None
    return _run(container, code, oom=any(event.action == "oom" for event in events))


def keeps_restarting(container: Inspected, ended: Run | None, *, now: datetime) -> bool:
    """Say whether a container that runs at this very moment has only just been started again after a bad end.

    Podman starts a container anew at once and calls it running; dockerd waits between, and calls that restarting.
    """
    started = moment(container.state.started_at)
    if not container.state.running or started is None or ended is None or not container.restart_count:
        return False
    return now - started < SETTLED_AFTER and ended_badly(ended.exit_code, oom=ended.oom)


def wanted_ports(container: Inspected) -> set[tuple[int, str]]:
    """Give the (host port, protocol) pairs that a container asks for by number."""
    return {
        (int(binding.host_port), spelled.partition("/")[2] or "tcp")
        for spelled, bindings in (container.host_config.port_bindings or {}).items()
        for binding in bindings or ()
        if PORT.fullmatch(binding.host_port) and int(binding.host_port)
    }


def port_conflict(container: Inspected, running: Iterable[Row], *, scope: Scope) -> str:
    """Say which running container publishes a port that this one wants; "" when none does."""
    wanted = wanted_ports(container)
    for row in running:
        held = {(port.public_port, port.type) for port in row.ports or () if port.public_port}
        for number, protocol in sorted(wanted & held):
            if row.id != container.id:
                return f"Port {number}/{protocol} is already allocated: {_holder(row, number, scope=scope)}."
    return ""


def _own(seen: Seen, *, looping: bool) -> ContainerFacts:
    """Give what the container itself says; one that is `looping` is restarting, whatever its engine calls it."""
    container = seen.container
    return ContainerFacts(
        name=container.own_name,
        image=container.config.image,
        state="restarting" if looping else engine_word(container.state),
        reason=seen.condition.reason,
        ready=seen.condition.ready and not looping,
        restarts=container.restart_count,
        restart_policy=container.host_config.restart_policy.name,
        memory_limit_bytes=seen.limits.memory_limit_bytes,
        health=container.state.health.status if container.state.health else "",
        volumes=volumes(container),
    )


def _holder(row: Row, number: int, *, scope: Scope) -> str:
    if wall.owns(scope, name=row.name, labels=row.labels or {}):
        return f"the container {row.name} publishes it"
    return f"a container outside this service publishes it (on the host: ps --filter publish={number})"


def _run(container: Inspected, code: int, *, oom: bool) -> Run:
    signal = code - SIGNAL_BASE if SIGNAL_BASE < code <= SIGNAL_BASE + SIGNAL_MAX else 0
    return Run(
        exit_code=code,
        signal=signal,
        reason="OOMKilled" if oom else "",
        oom=oom,
        started_at=moment(container.state.started_at) if has_ended(container) else None,
        finished_at=moment(container.state.finished_at),
    )
