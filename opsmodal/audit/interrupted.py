"""Closes actions whose process ended before their outcome was written: as `interrupted`, for nobody knows how it went.

Each intent names the process that began it. One of this place is gone when the kernel says so; a server elsewhere when
its lease was missing for a minute, as seen by this process all along and with the store answering; a command elsewhere,
which keeps no lease, after an hour. An action that still runs is never closed, whatever the clocks say. Should one be
closed wrongly, because its host could not reach the store for a minute, its own outcome follows and is the one shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from opsmodal.audit.process import Process, is_running, marked
from opsmodal.audit.writing import Audit
from opsmodal.history.leases import Leases
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditRow

log = logging.getLogger(__name__)

SILENT_S = 60.0
"""Three leases long: a host that loses the store for a moment keeps its actions."""
COMMAND_MAX = timedelta(hours=1)
STEP_ROWS = 5_000
"""Rows looked through at once: 5 ms, for which a gevent worker does nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """An action without an outcome."""

    id: int
    at: datetime
    process: Process | None


class Interrupted:
    """Find and close what was interrupted. For one thread."""

    def __init__(
        self, store: Store, audit: Audit, leases: Leases, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._audit = audit
        self._leases = leases
        self._now = now
        self._looked_through = 0
        self._silent_since: dict[str, float] = {}

    def close(self, pause: Callable[[], bool]) -> int:
        """Close what is dead and give how much that was. `pause` is called between steps and ends it by True.

        Raise StoreProblem.
        """
        closed, alive, begun_from = 0, [], self._looked_through
        try:
            elsewhere = self._leases.living()
            for each in self._open(pause):
                if self._is_dead(each, elsewhere):
                    closed += self._audit.interrupt(each.id)
                else:
                    alive.append(each.id)
        except BaseException:
            self._looked_through = begun_from
            self._silent_since.clear()
            raise
        if alive:
            self._looked_through = min(alive) - 1
        if closed:
            log.warning("actions closed as interrupted", extra={"count": closed})
        return closed

    def _open(self, pause: Callable[[], bool]) -> Iterator[_Open]:
        """Give the actions without an outcome among the rows that were not looked through yet."""
        with self._store.reading() as session:
            last = session.scalar(select(func.max(AuditRow.id))) or 0
        outcome = aliased(AuditRow)
        ended = select(outcome.id).where(outcome.intent_id == AuditRow.id).exists()
        wanted = select(AuditRow.id, AuditRow.at, AuditRow.detail).where(AuditRow.entry == "intent", ~ended)
        while self._looked_through < last:
            until = min(self._looked_through + STEP_ROWS, last)
            with self._store.reading() as session:
                step = wanted.where(AuditRow.id > self._looked_through, AuditRow.id <= until).order_by(AuditRow.id)
                found = session.execute(step).all()
            for number, at, detail in found:
                yield _Open(id=number, at=at, process=marked(detail))
            self._looked_through = until
            if pause():
                return

    def _is_dead(self, each: _Open, elsewhere: frozenset[str]) -> bool:
        process, own = each.process, self._audit.process
        if process is None or (process.place != own.place and not process.serves):
            return each.at < self._now() - COMMAND_MAX
        if process.place == own.place:
            return not is_running(process)
        if process.mark in elsewhere:
            self._silent_since.pop(process.mark, None)
            return False
        return monotonic() - self._silent_since.setdefault(process.mark, monotonic()) >= SILENT_S
