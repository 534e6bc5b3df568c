"""Tells what happens to the containers of services: an engine's events, and the restarts that they point to.

Engines forget: dockerd keeps the last 256 events of all containers, and none over a restart of its own. So the same
thing is counted by the hour, and asked for from the beginning of the last hour on: told again, it comes to the same
number. Left out are the events that carry command lines, see `events`.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from runtimes.base import Scope
from runtimes.causes.exits import exit_meaning
from runtimes.engine import events, problems
from runtimes.engine import scope as wall
from runtimes.engine.answers import EngineEvent, Inspected
from runtimes.engine.api import UNREADABLE, Api, Download, escaped
from runtimes.errors import Missing, Unsupported
from runtimes.history import Report

TOLD = ("create", "start", "restart", "die", "died", "kill", "oom", "stop", "pause", "unpause", "health_status")
QUIET_S = 600.0
"""An event stream that is silent for longer is opened again."""
LINE_MAX_BYTES = 1024 * 1024
"""An event carries all labels of its container; engines allow some 100 KB of them."""
COUNTED_MAX = 5_000
"""Different things that are counted within an hour: more than what happens to the containers of a machine."""
CODES_MAX = 1_000
"""Containers whose last exit code is remembered."""
HASH_CHARS = 12
LOOK_BACK = timedelta(hours=1)


class EngineReports:
    """What happens to containers of services. One thread reads it; `close()` ends it from any thread."""

    def __init__(self, api: Api, scopes: Sequence[Scope]) -> None:
        self._api = api
        self._scopes = scopes
        self._counted: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
        self._codes: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()
        self._body: Download | None = None
        self._closed = False

    def __iter__(self) -> Iterator[Report]:
        for happened in self._read(datetime.now(UTC)):
            at = events.happened(happened)
            services = self._services(happened) if at is not None else ()
            if not services or at is None:
                continue
            yield from self._said(happened, at, services)
            if happened.action == "start":
                yield from self._restart(happened, at, services)

    def close(self) -> None:
        with self._lock:
            self._closed, body = True, self._body
        if body is not None:
            body.close()

    def _read(self, now: datetime) -> Iterator[EngineEvent]:
        since = (now - LOOK_BACK).replace(minute=0, second=0, microsecond=0)
        filters = msgspec.json.encode({"type": ["container"], "event": TOLD}).decode()
        params: dict[str, str | int | list[str]] = {"since": int(since.timestamp()), "filters": filters}
        body = self._api.download("/events", params, quiet_s=QUIET_S)
        with self._lock:
            self._body, closed = body, self._closed
        held = b""
        try:
            for chunk in () if closed else body:
                *lines, held = (held + chunk).split(b"\n")
                yield from (self._event(line) for line in lines if line.strip())
                if len(held) > LINE_MAX_BYTES:
                    raise problems.not_an_engine(self._api.place)
        except UNREADABLE as error:
            raise problems.not_an_engine(self._api.place) from error
        finally:
            body.close()

    def _event(self, line: bytes) -> EngineEvent:
        event = _DECODER.decode(line)
        if not event.actor.id:
            # Podman that keeps no events (events_logger = "none") says so in the body, after an answer of 200.
            place, words = self._api.place, problems.message(line) or "no events can be read"
            raise Unsupported(f"{place.title} at {place} gives no events: {words}.")
        return event

    def _services(self, happened: EngineEvent) -> tuple[str, ...]:
        """Name whose container it is, by its labels as the event carries them."""
        labels = happened.actor.attributes or {}
        name = labels.get("name", "")
        return tuple(scope.service for scope in self._scopes if wall.owns(scope, name=name, labels=labels))

    def _said(self, happened: EngineEvent, at: datetime, services: Sequence[str]) -> list[Report]:
        """Word an event, with how often it happened within its hour."""
        worded = events.shown([happened])[0]
        digest = hashlib.sha256(f"{worded.reason} {worded.message}".encode()).hexdigest()[:HASH_CHARS]
        key = f"{happened.actor.id[:32]}/{digest}/{at:%Y-%m-%dT%H}"
        count, first_at = self._counted.pop(key, (0, at))
        self._counted[key] = (count + 1, first_at)
        while len(self._counted) > COUNTED_MAX:
            self._counted.popitem(last=False)
        if happened.action in events.DEATHS and (code := events.last_exit_code([happened])) is not None:
            self._codes[happened.actor.id] = code
            while len(self._codes) > CODES_MAX:
                self._codes.popitem(last=False)
        return [
            Report(
                service=service,
                key=key,
                kind=worded.kind,
                reason=worded.reason,
                subject=worded.subject,
                message=worded.message,
                count=count + 1,
                first_at=first_at,
                last_at=at,
            )
            for service in services
        ]

    def _restart(self, happened: EngineEvent, at: datetime, services: Sequence[str]) -> Iterator[Report]:
        """Tell of a start that the engine made by itself, because the container had ended."""
        container, code = happened.actor.id, self._codes.get(happened.actor.id)
        if code is None:
            return
        try:
            restarts = self._api.get(f"/containers/{escaped(container)}/json", Inspected).restart_count
        except Missing:
            return
        if not restarts:  # somebody stopped and started it
            return
        name = (happened.actor.attributes or {}).get("name") or container[:HASH_CHARS]
        for service in services:
            yield Report(
                service=service,
                key=f"restart/{container[:32]}/{at:%Y-%m-%dT%H:%M:%S}",
                about="restart",
                kind="Normal" if code == 0 else "Warning",
                reason="Restarted",
                subject=f"container/{name}",
                message=f"It ended with exit code {code}, {exit_meaning(code)}, and was started again.",
                first_at=at,
                last_at=at,
            )


_DECODER = msgspec.json.Decoder(EngineEvent, strict=False)
