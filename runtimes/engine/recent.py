"""Which containers restarted often lately, or were stopped by somebody: learned from looks at them and from events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from runtimes.base import RESTART_LOOP_COUNT, RESTART_LOOP_WINDOW
from runtimes.engine.answers import Inspected
from runtimes.engine.events import DEATHS, Events, deaths
from runtimes.engine.restarts import Restarts
from runtimes.engine.stops import Stops
from runtimes.errors import RuntimeProblem

_log = logging.getLogger(__name__)


class RecentRestarts:
    """Restarts within RESTART_LOOP_WINDOW, and stops. Safe to use from several threads."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._restarts = Restarts()
        self._stops = Stops(events)

    def learn(self, containers: Sequence[Inspected], now: datetime) -> None:
        """Take down how often containers have restarted; ask once for all of them when the unknown ones did.

        Never raises: without events the restarts count from now on.
        """
        unknown = [
            each
            for each in containers
            if each.restart_count >= RESTART_LOOP_COUNT and not self._restarts.knows(each.id, now)
        ]
        if unknown:
            self._fill(unknown, now)
        for each in containers:
            self._restarts.recent(each.id, each.restart_count, now)
        self._stops.learn(containers, now)

    def of(self, container: Inspected, now: datetime) -> int:
        """Give how many restarts of a container lie in the window; asks nobody."""
        return self._restarts.known(container.id, container.restart_count, now)

    def note_stop(self, container: Inspected) -> None:
        """Take down that a container, as it is after its end, was stopped from here."""
        self._stops.note(container)

    def stopped(self, container: Inspected) -> bool:
        """Say whether somebody stopped a container that has ended; asks nobody."""
        return self._stops.of(container)

    def _fill(self, unknown: Sequence[Inspected], now: datetime) -> None:
        try:
            reported = self._events.of([each.id for each in unknown], since=now - RESTART_LOOP_WINDOW, words=DEATHS)
        except RuntimeProblem as problem:
            _log.info("restarts of the past are not known", extra={"why": problem.sentence})
            return
        ends = deaths(reported)
        for each in unknown:
            self._restarts.fill(each.id, each.restart_count, ends.get(each.id, ()), now)
