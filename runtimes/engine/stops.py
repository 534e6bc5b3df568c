"""Which containers that ended were stopped by somebody, rather than ended by themselves: from here, or by the events.

An exit code does not say it: 143 and 137 are what a stop leaves, and what many a crash does; a program that is stopped
may well end with 1. What is found out of one end is kept until the container runs again. Engines forget their events
(dockerd keeps 256, and none over a restart of its own), and Podman 4.3 writes none for a stop: then only what was
stopped from here is known, and of all else nothing is claimed.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runtimes.engine.answers import Inspected, moment
from runtimes.engine.events import Events
from runtimes.engine.states import engine_word
from runtimes.errors import RuntimeProblem

CONTAINERS_MAX = 2000
ASKS_MAX = 3
"""The event of a stop comes after that of the end, and the end is looked at first: so what was not found is asked for
again with the next look, and after that no more."""
AGE_MAX = timedelta(hours=24)
"""Ends longer ago are not looked for: podman reads its event file from the start each time."""
LEAD = timedelta(seconds=5)
WORDS = ("start", "restart", "stop")
EVENTS_AT_ONCE_MAX = 50
"""Containers that are asked for in one question: it gives the last 200 events of all of them together."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _End:
    """One end of a container, told from others by when it was."""

    finished_at: str
    stopped: bool = False
    asks: int = 0


class Stops:
    """Ends that somebody asked for. Safe to use from several threads."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._ends: OrderedDict[str, _End] = OrderedDict()

    def learn(self, containers: Sequence[Inspected], now: datetime) -> None:
        """Ask for the events of those that ended lately and are not known. Never raises."""
        unknown = [each for each in containers if _has_ended(each, now) and self._is_unknown(each)]
        for start in range(0, len(unknown), EVENTS_AT_ONCE_MAX):
            self._ask(unknown[start : start + EVENTS_AT_ONCE_MAX])

    def note(self, container: Inspected) -> None:
        """Take down that the end that a container is at was asked for from here."""
        with self._lock:
            self._ends[container.id] = _End(container.state.finished_at, stopped=True)
            self._bounded(container.id)

    def of(self, container: Inspected) -> bool:
        """Say whether the end that a container is at was asked for; asks nobody."""
        with self._lock:
            end = self._ends.get(container.id)
            return end is not None and end.stopped and end.finished_at == container.state.finished_at

    def _is_unknown(self, container: Inspected) -> bool:
        with self._lock:
            end = self._ends.get(container.id)
            if end is None or end.finished_at != container.state.finished_at:
                self._ends[container.id] = end = _End(container.state.finished_at)
            self._bounded(container.id)
            end.asks += 1
            return not end.stopped and end.asks <= ASKS_MAX

    def _bounded(self, container: str) -> None:
        self._ends.move_to_end(container)
        while len(self._ends) > CONTAINERS_MAX:
            self._ends.popitem(last=False)

    def _ask(self, unknown: Sequence[Inspected]) -> None:
        ends = [at for each in unknown if (at := moment(each.state.finished_at))]
        if not ends:
            return
        try:
            reported = self._events.of([each.id for each in unknown], since=min(ends) - LEAD, words=WORDS)
        except RuntimeProblem as problem:
            _log.info("who stopped containers is not known", extra={"why": problem.sentence})
            return
        last = {event.actor.id: event.action for event in reported}
        with self._lock:
            for each in unknown:
                end = self._ends.get(each.id)
                if end is not None and end.finished_at == each.state.finished_at:
                    end.stopped = end.stopped or last.get(each.id) == "stop"


def _has_ended(container: Inspected, now: datetime) -> bool:
    at = moment(container.state.finished_at)
    return engine_word(container.state) == "exited" and at is not None and now - at < AGE_MAX
