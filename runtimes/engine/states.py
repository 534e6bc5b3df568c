"""What a container's state is called and how bad it is. Pure: one word list, one table, for Docker and Podman alike.

The words are those of `docker ps`, with the health taken into the word because a page sorts and filters by it:
running, starting, unhealthy, restarting, paused, created, removing, exited (N), dead. "running" alone is never said
of a container whose check fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from runtimes.base import RESTART_LOOP_COUNT, RESTART_LOOP_WINDOW, Severity
from runtimes.causes.exits import exit_meaning
from runtimes.engine.answers import Inspected, State

STOPPED_BY_SIGNAL = frozenset({137, 143})
"""128+9 and 128+15: what a container ends with when somebody stops it."""

REASON_MAX_CHARS = 200

_WORDS = {"stopped": "exited", "configured": "created", "initialized": "created", "stopping": "running"}
"""Podman's own words (libpod/define/containerstate.go) and the Docker word for each."""

_SEVERITIES = {
    "running": Severity.OK,
    "starting": Severity.PROGRESS,
    "unhealthy": Severity.ERROR,
    "restarting": Severity.ERROR,
    "dead": Severity.ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a container is: the status for the page, its severity, whether it serves, and a few words on why."""

    word: str
    status: str
    severity: Severity
    ready: bool
    reason: str = ""


BY_HAND = "stopped by hand"


def condition(container: Inspected, *, recent_restarts: int, stopped: bool = False) -> Condition:
    """Judge a container by its state and by how often it restarted within RESTART_LOOP_WINDOW.

    One that somebody `stopped` has not failed, whatever code it ended with, unless memory ran out.
    """
    state = container.state
    word = state_word(state)
    by_hand = stopped and word == "exited" and not state.oom_killed
    looping = recent_restarts >= RESTART_LOOP_COUNT and word in ("running", "starting", "exited") and not by_hand
    return Condition(
        word=word,
        status=f"exited ({state.exit_code})" if word == "exited" else word,
        severity=Severity.NEUTRAL if by_hand else Severity.ERROR if looping else _severity(word, state),
        ready=word == "running",
        reason=BY_HAND if by_hand else _reason(word, state, recent_restarts if looping else 0),
    )


def state_word(state: State) -> str:
    """Give the one word for a state; of a running container the word says its health."""
    word = engine_word(state)
    health = state.health.status if state.health else ""
    return health if word == "running" and health in ("starting", "unhealthy") else word


def engine_word(state: State) -> str:
    """Give Docker's word for a state, without the health, also where Podman has one of its own."""
    if state.restarting:
        return "restarting"
    return _WORDS.get(state.status, state.status) or "created"


def ended_badly(exit_code: int, *, oom: bool) -> bool:
    """Say whether an end is an error: any code but 0, and 143 or 137 unless memory ran out."""
    return oom or (exit_code != 0 and exit_code not in STOPPED_BY_SIGNAL)


def _severity(word: str, state: State) -> Severity:
    if word == "created" and (state.error or state.exit_code):  # it was started, and could not be
        return Severity.ERROR
    if word == "exited" and (state.error or ended_badly(state.exit_code, oom=state.oom_killed)):
        return Severity.ERROR
    return _SEVERITIES.get(word, Severity.NEUTRAL)


def _reason(word: str, state: State, restarts: int) -> str:
    if restarts:
        return f"restarted {restarts} times within {RESTART_LOOP_WINDOW // timedelta(minutes=1)} minutes"
    if state.error:
        return f"could not start: {state.error}"[:REASON_MAX_CHARS]
    if word == "unhealthy" and state.health:
        return f"its health check failed {state.health.failing_streak} times in a row"
    if state.oom_killed and word in ("exited", "restarting"):
        return "killed: out of memory"
    if word in ("exited", "restarting") and state.exit_code:
        return exit_meaning(state.exit_code)
    return ""
