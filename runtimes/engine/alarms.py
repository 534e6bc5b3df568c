"""The warnings of a service in the last hour, asked of the engine once for however many pages show them.

While its events are listened to, an engine has nothing new to tell as long as nothing was heard.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from runtimes.base import Event
from runtimes.engine.events import Events, shown

WARNINGS_AGE = timedelta(hours=1)
WARNING_WORDS = ("die", "died", "oom", "health_status")
WARNINGS_MAX = 20
FRESH_S = 5.0
"""Younger ones are not asked for again, whatever was heard: another service may be crashing every second."""
LASTING_S = 60.0
"""Older ones are, though nothing was heard: the events may have been cut."""
SERVICES_MAX = 200
"""Services whose warnings are kept; the one that was not looked at for longest goes first."""


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    events: Sequence[Event] = ()
    containers: frozenset[str] = frozenset()
    heard: int = -1
    asked_at: float = float("-inf")


class Alarms:
    """Recent warnings of services. `heard` counts what the engine's events told so far. Safe across threads."""

    def __init__(self, events: Events, *, heard: Callable[[], int]) -> None:
        self._events = events
        self._heard = heard
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def read(self, service: Hashable, containers: Sequence[str]) -> tuple[Event, ...]:
        """Give the warnings of a service's containers, newest first. Raise RuntimeProblem."""
        kept, own = self._of(service), frozenset(containers)
        with kept.lock:
            heard, since = self._heard(), datetime.now(UTC) - WARNINGS_AGE
            age_s = monotonic() - kept.asked_at
            known = own == kept.containers and (age_s < FRESH_S or (heard == kept.heard and age_s < LASTING_S))
            if not known:
                found = shown(self._events.of(containers, since=since, words=WARNING_WORDS))
                kept.events = tuple(event for event in found if event.kind == "Warning")[:WARNINGS_MAX]
                kept.containers, kept.heard, kept.asked_at = own, heard, monotonic()
            return _since(kept.events, since)

    def known(self, service: Hashable) -> tuple[Event, ...]:
        """Give those that were read last, and ask nobody."""
        return _since(self._of(service).events, datetime.now(UTC) - WARNINGS_AGE)

    def forget(self) -> None:
        """Give back what is kept."""
        with self._lock:
            self._kept.clear()

    def _of(self, service: Hashable) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(service, _Kept())
            self._kept.move_to_end(service)
            while len(self._kept) > SERVICES_MAX:
                self._kept.popitem(last=False)
            return kept


def _since(events: Sequence[Event], since: datetime) -> tuple[Event, ...]:
    return tuple(event for event in events if event.at is None or event.at >= since)
