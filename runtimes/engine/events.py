"""What an engine reported about containers, as events for a page. The reading is bounded, the wording pure.

Only the life of a container is asked for. Left out on purpose: exec_create, exec_start and exec_die, which carry the
whole command line (a password may stand in it) and of which a health check makes three every few seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from runtimes.base import Event
from runtimes.causes.exits import exit_meaning
from runtimes.engine.answers import EngineEvent
from runtimes.engine.api import Api
from runtimes.engine.problems import Kind
from runtimes.engine.states import ended_badly

LIFE = (
    *("create", "start", "restart", "die", "died", "kill", "oom", "stop", "pause", "unpause", "health_status"),
    *("rename", "update", "destroy", "remove"),
)
DEATHS = ("die", "died")
EXIT_CODE = re.compile(r"-?[0-9]{1,10}")
EVENTS_MAX = 200
"""Shown at most. dockerd itself remembers 256 of all containers; podman's file has no end."""

Filters = Mapping[str, Sequence[str]]


class Events:
    """Reads events of containers. `really` is who answers, because Docker and Podman end a read differently."""

    def __init__(self, api: Api, *, really: Kind) -> None:
        self._api = api
        self._really = really

    def of(self, containers: Sequence[str], *, since: datetime, words: Sequence[str] = LIFE) -> list[EngineEvent]:
        """Read the last events of these containers, oldest first; nothing of any other container."""
        if not containers:
            return []
        now = datetime.now(UTC)
        filters: Filters = {"type": ["container"], "event": words, "container": containers}
        params: dict[str, str | int | list[str]] = {
            "since": int(since.timestamp()),
            "filters": msgspec.json.encode(filters).decode(),
        }
        if self._really == "podman":  # podman 4.3 gives nothing at all with an `until` that has passed
            params["stream"] = "false"
        else:
            params["until"] = f"{now.timestamp():.6f}"
        own = frozenset(containers)
        found = self._api.last("/events", EngineEvent, params, limit=EVENTS_MAX)
        return [event for event in found if event.actor.id in own]


def deaths(events: Iterable[EngineEvent]) -> dict[str, list[datetime]]:
    """Give the moments at which containers died, by container id."""
    found: dict[str, list[datetime]] = {}
    for event in events:
        at = happened(event)
        if at and event.action in DEATHS:
            found.setdefault(event.actor.id, []).append(at)
    return found


def shown(events: Iterable[EngineEvent]) -> tuple[Event, ...]:
    """Word events for a page, newest first; the same thing again and again is one event with a count."""
    merged: dict[tuple[str, str, str], Event] = {}
    for event in events:
        worded = _worded(event)
        key = (worded.subject, worded.reason, worded.message)
        before = merged.pop(key, None)  # popped, so that it goes to the end: ordered by when it was last seen
        merged[key] = replace(worded, count=before.count + 1) if before else worded
    return tuple(reversed(merged.values()))


def happened(event: EngineEvent) -> datetime | None:
    if not event.time_nanoseconds:
        return None
    return datetime.fromtimestamp(event.time_nanoseconds / 1e9, UTC)


def last_exit_code(events: Iterable[EngineEvent]) -> int | None:
    """Give the exit code of the last end that the engine reported."""
    codes = [_exit_code(event) for event in events if event.action in DEATHS]
    return codes[-1] if codes else None


def _worded(event: EngineEvent) -> Event:
    action, _, rest = event.action.partition(": ")
    attributes = event.actor.attributes or {}
    health = rest or attributes.get("health_status", "")
    code = _exit_code(event)
    warning, reason, message = False, action, _SENTENCES.get(action, "")
    if action in DEATHS:
        warning, reason = bool(code) and ended_badly(code or 0, oom=False), "die"
        message = f"ended with exit code {code}: {exit_meaning(code)}" if code is not None else "ended"
    elif action == "oom":
        warning = True
    elif action == "health_status":
        warning, reason, message = health == "unhealthy", health or action, f"its health check says {health}"
    elif action == "kill" and attributes.get("signal"):
        message = f"was sent signal {attributes['signal']}"
    return Event(
        at=happened(event),
        kind="Warning" if warning else "Normal",
        reason=reason,
        subject=f"container/{attributes.get('name') or event.actor.id[:12]}",
        message=message,
    )


_SENTENCES = {
    "create": "was created",
    "start": "was started",
    "restart": "was restarted",
    "oom": "ran out of memory: the kernel killed a process in it",
    "stop": "was stopped",
    "kill": "was sent a signal",
    "pause": "was paused",
    "unpause": "goes on",
    "rename": "got another name",
    "update": "its limits were changed",
    "destroy": "was removed",
    "remove": "was removed",
}


def _exit_code(event: EngineEvent) -> int | None:
    attributes = event.actor.attributes or {}
    text = attributes.get("exitCode") or attributes.get("containerExitCode") or ""
    return int(text) if EXIT_CODE.fullmatch(text) else None
