"""Collects from one runtime: opens it, measures its places one after the other, and keeps a listener at each.

One round runs at a time, in a thread that all runtimes share. A runtime that is silent is left alone for longer each
time; its listeners wait with it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from connectors.errors import ConnectionProblem
from opsmodal.fleet import Fleet
from opsmodal.history.journal import Journal
from opsmodal.history.listening import Listener
from opsmodal.history.used import STEP_S
from opsmodal.registry.schema import ServiceSpec
from runtimes.base import Runtime, Scope, Stream
from runtimes.errors import Invalid, RuntimeProblem, Unavailable
from runtimes.history import History, Report, Used, Version

log = logging.getLogger(__name__)

PAUSE_MAX_S = 300.0
LISTENERS_MAX = 256
"""Places of one runtime that are heard at once, each a thread and a connection; more are measured only."""
VERSIONS_EVERY_SLOTS = 2
SILENT, REFUSED = "silent", "refused"
"""Beginnings of the keys of what collecting says of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one round found at one place."""

    slot: int
    at_s: float
    used: Mapping[str, Used]
    versions: Mapping[str, Sequence[Version]]


class Collector:
    """Collects from one runtime for the services that are registered on it."""

    def __init__(self, runtime: str, *, fleet: Fleet, journal: Journal, found: Callable[[Collected], None]) -> None:
        self.runtime = runtime
        self._fleet = fleet
        self._journal = journal
        self._found = found
        self._lock = threading.Lock()
        self._services: tuple[ServiceSpec, ...] = ()
        self._names: frozenset[str] = frozenset()
        self._listeners: dict[str, tuple[object, Listener]] = {}
        self._leaving: list[Listener] = []
        self._failures = 0
        self._failing_since: datetime | None = None
        self._quiet_until = 0.0
        self._slot = 0
        self._ended = False

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        """The services it collects for."""
        return self._services

    def serve(self, services: Sequence[ServiceSpec]) -> None:
        """Collect for these services, and no longer for others. Where they differ, a round is due at once."""
        if tuple(services) != self._services:
            gone = {each.name for each in self._services} - {each.name for each in services}
            self._services, self._names, self._slot = tuple(services), frozenset(each.name for each in services), 0
            self._journal.forget(gone)

    def due(self, slot: int) -> bool:
        """Tell whether a round should begin now."""
        return not self._ended and slot > self._slot and monotonic() >= self._quiet_until

    def round(self, slot: int) -> None:
        """Measure every place once, and see to the listeners. Never raises."""
        self._slot = slot
        try:
            history = self._history()
            places = self._places(history)
            self._listen(places)
            for place, scopes in places.items():
                if self._ended:
                    return
                self._measure(scopes, slot)
                log.debug("measured", extra={"runtime": self.runtime, "place": place})
        except (RuntimeProblem, ConnectionProblem) as problem:
            self._failures += 1
            self._tell_silence(problem.sentence)
            pause_s = min(STEP_S * 2 ** (self._failures - 1), PAUSE_MAX_S)
            self._quiet_until = monotonic() + pause_s
            log.debug("nothing measured", extra={"runtime": self.runtime, "why": problem.sentence, "pause_s": pause_s})
        except Exception:  # the top of a thread: one odd runtime must not end the collecting of all others
            self._failures += 1
            self._quiet_until = monotonic() + PAUSE_MAX_S
            log.exception("measuring failed", extra={"runtime": self.runtime})
        else:
            self._failures, self._failing_since = 0, None

    def stop(self) -> None:
        """Let everything end soon; does not wait for it."""
        with self._lock:
            self._ended = True
            listeners = [listener for _, listener in self._listeners.values()]
        for listener in listeners:
            listener.stop()

    @property
    def alive(self) -> bool:
        """Whether any of its listeners has not ended yet."""
        with self._lock:
            return any(each.alive for each in (*self._leaving, *(one for _, one in self._listeners.values())))

    def join(self, timeout_s: float) -> None:
        """Wait for the listeners."""
        deadline = monotonic() + timeout_s
        with self._lock:
            listeners = [*self._leaving, *(listener for _, listener in self._listeners.values())]
        for listener in listeners:
            listener.join(deadline - monotonic())

    def _hear(self, report: Report) -> None:
        """Take in what is heard; a listener of services that have gone since ends only with the next round."""
        if report.service in self._names:
            self._journal.add(report)

    def _history(self) -> History:
        return self._history_of(self._fleet.runtime(self.runtime))

    def _history_of(self, runtime: Runtime) -> History:
        if runtime.history is None:
            raise Unavailable(f"The runtime {self.runtime} tells nothing over time.")
        return runtime.history

    def _places(self, history: History) -> dict[str, list[Scope]]:
        places: dict[str, list[Scope]] = {}
        for service in self._services:
            scope = service.scope()
            try:
                places.setdefault(history.place(scope), []).append(scope)
            except Invalid as problem:  # its page says so; the others of its runtime are collected
                log.debug("service not collected", extra={"service": service.name, "why": problem.sentence})
        return places

    def _measure(self, scopes: Sequence[Scope], slot: int) -> None:
        used = self._fleet.read(self.runtime, lambda runtime: self._history_of(runtime).usage(scopes))
        versions: Mapping[str, Sequence[Version]] = {}
        if slot % VERSIONS_EVERY_SLOTS == 0:
            versions = self._fleet.read(self.runtime, lambda runtime: self._history_of(runtime).versions(scopes))
        self._found(Collected(slot=slot, at_s=monotonic(), used=used, versions=versions))

    def _listen(self, places: Mapping[str, Sequence[Scope]]) -> None:
        """Start, end and change listeners so that they are those of `places`."""
        wanted = dict(list(places.items())[:LISTENERS_MAX])
        if len(wanted) < len(places):
            log.warning("not every place is heard", extra={"runtime": self.runtime, "places": len(places)})
        with self._lock:
            if self._ended:
                return
            self._leaving = [listener for listener in self._leaving if listener.alive]
            for place, (scopes, listener) in list(self._listeners.items()):
                if scopes != wanted.get(place):
                    listener.stop()
                    self._leaving.append(listener)
                    del self._listeners[place]
            for place, fresh in wanted.items():
                if place not in self._listeners:
                    self._listeners[place] = (fresh, self._listener(place, fresh))

    def _tell_silence(self, sentence: str) -> None:
        """Let timelines say from when to when nothing could be collected: no event is not the same as no news."""
        now = datetime.now(UTC)
        since = self._failing_since = self._failing_since or now
        for name in self._names:
            key = f"{SILENT}/{since:%Y-%m-%dT%H:%M:%S}"
            self._hear(_note(name, key, "NotCollected", self.runtime, sentence, since=since, count=self._failures))

    def _tell_refusal(self, place: str, scopes: Sequence[Scope], sentence: str) -> None:
        """Let timelines say that events may not be read; once a day."""
        now = datetime.now(UTC)
        for scope in scopes:
            key = f"{REFUSED}/{place}/{now:%Y-%m-%d}"
            self._hear(_note(scope.service, key, "EventsRefused", self.runtime, sentence, since=now))

    def _listener(self, place: str, scopes: Sequence[Scope]) -> Listener:
        def line() -> Stream[Report]:
            return self._history().events(scopes)

        def refused(sentence: str) -> None:
            self._tell_refusal(place, scopes, sentence)

        name = f"{place} on {self.runtime}" if place else self.runtime
        return Listener(name, line=line, hear=self._hear, ready=lambda: not self._failures, refused=refused)


def _note(
    service: str, key: str, reason: str, runtime: str, sentence: str, *, since: datetime, count: int = 1
) -> Report:
    return Report(
        service=service,
        key=key,
        kind="Warning",
        reason=reason,
        subject=f"runtime/{runtime}",
        message=sentence,
        count=count,
        first_at=since,
        last_at=datetime.now(UTC),
    )
