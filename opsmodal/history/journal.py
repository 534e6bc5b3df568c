"""What was heard and is not written yet: reports from several threads, merged by what they are about, and bounded.

A watch that is opened anew tells everything again; what is in the store already is not written a second time. In a
storm warnings stay and the normal course of things is left out first. Nothing here waits or writes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime

from runtimes.history import Report

PENDING_MAX = 5_000
"""Reports that wait for the store, of all services: some 2 MB, and what one transaction should not exceed."""
WRITTEN_MAX = 20_000
"""Reports that are remembered as written: two moments and a number each, some 6 MB."""

Key = tuple[str, str]


class Journal:
    """Reports on their way to the store. Safe to use from several threads."""

    def __init__(self, *, pending_max: int = PENDING_MAX) -> None:
        self._pending_max = pending_max
        self._lock = threading.Lock()
        self._pending: OrderedDict[Key, Report] = OrderedDict()
        self._written: OrderedDict[Key, tuple[int, datetime]] = OrderedDict()
        self.dropped = 0
        """Reports that were left out because more came than the store takes."""

    def add(self, report: Report) -> None:
        """Take in a report; one that says nothing new is passed over."""
        key = (report.service, report.key)
        with self._lock:
            if self._written.get(key) == (report.count, report.last_at):
                return
            known = self._pending.pop(key, None)
            self._pending[key] = report if known is None or report.last_at >= known.last_at else known
            if len(self._pending) > self._pending_max:
                self._drop()

    def take(self) -> list[Report]:
        """Give everything that waits, oldest first; give it `back` when it could not be written."""
        with self._lock:
            taken = list(self._pending.values())
            self._pending.clear()
            return taken

    def back(self, reports: Iterable[Report]) -> None:
        """Take back what could not be written; what has come since is newer."""
        for report in reports:
            self.add(report)

    def wrote(self, reports: Iterable[Report]) -> None:
        """Remember what is in the store."""
        with self._lock:
            for report in reports:
                key = (report.service, report.key)
                self._written.pop(key, None)
                self._written[key] = (report.count, report.last_at)
            while len(self._written) > WRITTEN_MAX:
                self._written.popitem(last=False)

    def forget(self, services: Iterable[str]) -> None:
        """Forget services that are no longer collected here: what is in the store may go without our knowing."""
        gone = frozenset(services)
        with self._lock:
            for known in (self._pending, self._written):
                for key in [key for key in known if key[0] in gone]:
                    del known[key]

    def _drop(self) -> None:
        ordinary = (key for key, report in self._pending.items() if report.kind == "Normal")
        del self._pending[next(ordinary, next(iter(self._pending)))]
        self.dropped += 1
