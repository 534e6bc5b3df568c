"""Makes what engines answer, for tables: only what a case is about is written down."""

from __future__ import annotations

import msgspec

from runtimes.base import Resources, Usage
from runtimes.engine.answers import EngineEvent, Inspected, Row
from runtimes.engine.reading import Seen
from runtimes.engine.states import condition

ID = "a" * 64


def container(**parts: object) -> Inspected:
    """Decode an inspect answer that has these parts, by the engine's own names."""
    return msgspec.convert({"Id": ID, "Name": "/web", **parts}, Inspected)


def in_state(status: str, **parts: object) -> Inspected:
    """Make a container in a state; `health` and `restarts` are short for what they stand for."""
    health, restarts = parts.pop("health", None), parts.pop("restarts", 0)
    state = {"Status": status, "Running": status in ("running", "paused", "restarting"), **parts}
    if health:
        state["Health"] = {"Status": health, "FailingStreak": 3}
    return container(State=state, RestartCount=restarts)


def row(name: str, *, id_: str = "", labels: dict[str, str] | None = None, **parts: object) -> Row:
    return msgspec.convert({"Id": id_ or name.ljust(64, "0"), "Names": [f"/{name}"], "Labels": labels, **parts}, Row)


def seen(made: Inspected, *, pod: str = "", recent_restarts: int = 0) -> Seen:
    judged = condition(made, recent_restarts=recent_restarts)
    return Seen(container=made, condition=judged, usage=Usage(), pod=pod, limits=Resources())


def event(action: str, *, seconds: int = 1, id_: str = ID, **attributes: str) -> EngineEvent:
    answer = {"Action": action, "Actor": {"ID": id_, "Attributes": attributes}, "timeNano": seconds * 10**9}
    return msgspec.convert(answer, EngineEvent)
