"""How far each target of forwarding has got, in the store: the last row that it has taken, moved forward only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from opsmodal.store.store import Store
from opsmodal.store.tables import AuditForwardedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The last row that a target has taken, and when."""

    row_id: int
    at: datetime


class Positions:
    """Read and move positions."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    def all(self) -> dict[str, Position]:
        """Give the positions by target. Raise StoreProblem."""
        with self._store.reading() as session:
            return {
                row.target: Position(row_id=row.row_id, at=row.at) for row in session.scalars(select(AuditForwardedRow))
            }

    def of(self, target: str) -> int:
        """Give the last row that a target has taken, 0 before the first. Raise StoreProblem."""
        with self._store.reading() as session:
            row = session.get(AuditForwardedRow, target)
        return row.row_id if row else 0

    def move(self, target: str, row_id: int) -> None:
        """Note that a target has taken everything up to a row. Raise StoreProblem."""
        with self._store.session() as session:
            self._store.lock(session, "audit positions")
            row = session.get(AuditForwardedRow, target)
            if row is None:
                session.add(AuditForwardedRow(target=target, row_id=row_id, at=self._now()))
            elif row_id > row.row_id:
                row.row_id, row.at = row_id, self._now()

    def put_back(self, target: str) -> None:
        """Begin again with the first row. Raise StoreProblem."""
        with self._store.session() as session:
            row = session.get(AuditForwardedRow, target)
            if row is not None:
                session.delete(row)
