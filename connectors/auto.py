"""Auto: which of several connections is taken. A table of states goes in, a decision and its sentence come out.

Pure: it reads no clock and dials nothing (`connectors.switching` does), and what was observed is remembered elsewhere
(`connectors.ledger`). It refuses to leave a connection that works, but for one of higher priority that has worked for
a while, and to take one that is known to be dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast Auto goes; all in seconds."""

    grace_s: float = 1.5
    """How long one of higher priority is waited for once another has answered. An SSH login over a slow line takes
    about that long; with it a decision past two black holes stays below the promised 2 s."""
    patience_s: float = 2.0
    """How long somebody whose read has just failed waits for another way."""
    probe_s: float = 8.0
    """How long one probe may take: a tunnel that is brought up for it needs seconds."""
    healthy_s: float = 30.0
    """How long one of higher priority must have answered, probe after probe, before it is taken back."""
    healthy_max_s: float = 600.0
    """The same after it was taken back and lost again and again: it doubles each time, up to this."""
    reprobe_s: float = 10.0
    """How often those of higher priority are tried, while the runtime is used."""
    used_s: float = 60.0
    """How long after its last use a runtime counts as used: collecting asks every 30 s."""
    round_s: float = 2.5
    """How often all are tried while none answers: the page works again within 5 s of the first that does."""


PACE = Pace()


class Health(StrEnum):
    """What is known of a connection."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One candidate at one moment. `since_s` is when its health began, on the clock that `now_s` is of.

    `asked`: a probe of it is under way. `hold_s` is how long it must have been up to be taken back.
    """

    name: str
    priority: int
    health: Health = Health.UNKNOWN
    asked: bool = False
    since_s: float = 0.0
    hold_s: float = PACE.healthy_s
    sentence: str = ""


class Move(StrEnum):
    """What a decision means for what is in use."""

    WAIT = "wait"
    """Somebody may still answer."""
    NONE = "none"
    """There is no way."""
    STAY = "stay"
    FIRST = "first"
    OVER = "over"
    """Fail over: what was in use is gone."""
    BACK = "back"
    """Fail back: one of higher priority is well again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The connection to take, None while there is none; the sentence says why."""

    name: str | None
    sentence: str
    move: Move


def decide(
    states: Sequence[State], current: str | None, now_s: float, *, waited_s: float, pace: Pace = PACE
) -> Decision:
    """Choose by priority, lowest number first; `waited_s` is how long the probes under way have been waited for.

    What is in use is kept while it is up, or while nothing else is. A lower one is taken when all higher ones have
    failed, or have not answered within the grace.
    """
    ordered = sorted(states, key=lambda state: state.priority)
    mine = next((state for state in ordered if state.name == current), None)
    if mine is not None and mine.health is Health.UP:
        return _kept(ordered[: ordered.index(mine)], mine, now_s)
    best = next((state for state in ordered if state.health is Health.UP), None)
    if best is None:
        return _without(ordered, mine, waited_s=waited_s, pace=pace)
    ahead = [state for state in ordered[: ordered.index(best)] if state.asked]
    if mine is not None and mine.asked and mine.health is Health.UNKNOWN and mine not in ahead:
        ahead.append(mine)  # what is in use may have been lost for a moment only
    if ahead and waited_s < pace.grace_s:
        return Decision(None, f"Waiting for {_and(ahead)}.", Move.WAIT)
    return _taken(ordered, best, mine)


def _kept(better: Sequence[State], mine: State, now_s: float) -> Decision:
    well = [state for state in better if state.health is Health.UP]
    for state in well:
        if now_s - state.since_s >= state.hold_s:
            words = f"Back to {state.name}: it has answered for {state.hold_s:.0f} s."
            return Decision(state.name, words, Move.BACK)
    if well:
        words = f"{mine.name} is in use; {well[0].name} is taken back once it has answered for {well[0].hold_s:.0f} s."
        return Decision(mine.name, words, Move.STAY)
    if better:
        return Decision(mine.name, f"{mine.name} is in use: {_failures(better)}.", Move.STAY)
    return Decision(mine.name, f"{mine.name} is in use: it answers.", Move.STAY)


def _without(ordered: Sequence[State], mine: State | None, *, waited_s: float, pace: Pace) -> Decision:
    asked = [state for state in ordered if state.asked]
    if asked and waited_s < (pace.probe_s if mine is None else pace.patience_s):
        return Decision(None, f"Waiting for {_and(asked)}.", Move.WAIT)
    words = f"None of the connections answers: {_failures(ordered)}"
    if mine is None:
        return Decision(None, f"{words}.", Move.NONE)
    return Decision(mine.name, f"{words}; {mine.name} stays in use.", Move.STAY)


def _taken(ordered: Sequence[State], best: State, mine: State | None) -> Decision:
    passed = ordered[: ordered.index(best)]
    if mine is not None:
        return Decision(best.name, f"{best.name} instead of {mine.name}: {_failure(mine)}.", Move.OVER)
    if not passed:
        return Decision(best.name, f"{best.name} is in use: it answers.", Move.FIRST)
    return Decision(best.name, f"{best.name} is in use: {_failures(passed)}.", Move.FIRST)


def _failures(states: Sequence[State]) -> str:
    return "; ".join(f"{state.name}: {_failure(state)}" for state in states)


def _failure(state: State) -> str:
    if state.health is Health.DOWN and state.sentence:
        return state.sentence.rstrip(".")
    if state.health is Health.UNKNOWN and state.sentence and not state.asked:
        return state.sentence.rstrip(".")
    return "it has not answered yet" if state.asked or state.health is Health.UNKNOWN else "it does not answer"


def _and(states: Sequence[State]) -> str:
    return " and ".join(state.name for state in states)
