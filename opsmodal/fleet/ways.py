"""How each connection of a runtime is, as pages and doctor show it: what was asked of it, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.auto import Health
from connectors.base import Phase, Standing
from connectors.errors import HostKeyChanged, HostKeyUnknown
from connectors.ledger import Record
from opsmodal.fleet.courses import Course
from opsmodal.fleet.slots import Slots, Trouble

NOT_TRIED = "Not tried yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class WayState:
    """One connection of a runtime. `in_use`: Auto uses it now. `phase` is IDLE while nothing is known or held open.

    `latency_ms` is of the last probe that answered, `checked_at` when that was tried; None where it never was.
    `last_error` is the last thing that went wrong, also when it is over; `since` and `facts` are what the connection
    says of itself. `host_key` is the one that somebody would have to trust, where that is what stands in the way.
    `alarm`: a server on the way shows another host key than the one that is trusted.
    """

    name: str
    kind: str
    priority: int
    in_use: bool
    phase: Phase
    latency_ms: float | None
    sentence: str
    hint: str
    last_error: str
    checked_at: datetime | None
    since: datetime | None
    facts: tuple[tuple[str, str], ...]
    host_key: HostKeyUnknown | None
    alarm: bool = False


def way_states(runtime: str, course: Course, slots: Slots) -> tuple[WayState, ...]:
    """List the connections of a runtime by priority."""
    return tuple(_state(runtime, name, course, slots) for name in course.places)


def offering(problem: Trouble, others: Sequence[str]) -> Trouble:
    """Give a copy of a problem whose hint names the other choices: the problem itself is everybody's."""
    said = type(problem).__new__(type(problem), *problem.args)
    said.__dict__.update(problem.__dict__)
    said.hint = f"{problem.hint} Choose another connection: {', '.join(others)}.".lstrip()
    return said


def _state(runtime: str, name: str, course: Course, slots: Slots) -> WayState:
    record, way = course.switching.record(name), course.places[name].way
    connection, opened = slots.connection(runtime, name), slots.opened(runtime, name)
    standing = connection.standing() if connection else Standing(phase=Phase.IDLE)
    problem = slots.problem(runtime, name)
    said = problem if problem is not None and record.state.health is not Health.UP else None
    probe, probed_at = record.probe, None
    if probe is not None:
        probed_at = datetime.now(UTC) - timedelta(seconds=course.switching.age_s(record.probed_s))
    hints = (probe.hint if probe and not probe.ok else "", said.hint if said else "", standing.hint)
    return WayState(
        name=name,
        kind=way.kind,
        priority=way.priority,
        in_use=opened is not None and name == course.current,
        phase=_phase(standing.phase, record, is_open=opened is not None),
        latency_ms=probe.latency_ms if probe else None,
        sentence=record.state.sentence or (said.sentence if said else "") or standing.sentence or NOT_TRIED,
        hint=next(filter(None, hints), ""),
        last_error=record.error or (problem.sentence if problem else ""),
        checked_at=probed_at,
        since=standing.since,
        facts=standing.facts,
        host_key=_host_key(probe.problem if probe else None, said),
        alarm=any(isinstance(each, HostKeyChanged) for each in (probe.problem if probe else None, said)),
    )


def _host_key(*problems: Exception | None) -> HostKeyUnknown | None:
    return next((problem for problem in problems if isinstance(problem, HostKeyUnknown)), None)


def _phase(held: Phase, record: Record, *, is_open: bool) -> Phase:
    """Say how a way is that holds nothing open itself: as it was when it was last tried or used."""
    if record.state.asked:
        return Phase.OPENING
    if held is not Phase.IDLE or record.state.health is Health.UNKNOWN:
        return Phase.UP if held is Phase.IDLE and is_open else held
    return Phase.UP if record.state.health is Health.UP else Phase.DOWN
