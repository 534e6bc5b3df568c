"""Reads the audit log: page by page for people, row by row for export and for checking.

An action leaves an intent and an outcome; people are shown one entry with both. It never changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from opsmodal.audit.heads import Head
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditHeadRow, AuditRow

COUNT_MAX = 10_000
"""Entries are counted up to this many: counting a million for each look would cost more than the look."""
BATCH_ROWS = 1_000
RUNNING = "running"
"""The outcome of an action that has none yet: it runs, or its server died under it."""
OUTCOME = "outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One action or refusal. `id` and `hash` are those of its first row; `via` names a session or token."""

    id: int
    at: datetime
    actor: str
    via: str
    address: str
    service: str
    action: str
    target: str
    verdict: str
    rule: str
    outcome: str
    exit_code: int | None
    duration_ms: int | None
    bytes: int | None
    detail: str
    hash: str
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are looked for. Empty fields do not narrow; `before` is the number to go on below."""

    service: str = ""
    actor: str = ""
    action: str = ""
    verdict: str = ""
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Entries, newest first. `total` stops at COUNT_MAX; `more` says that there are older ones."""

    entries: tuple[Entry, ...]
    total: int
    more: bool


class AuditLog:
    """What has been written."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, wanted: Wanted) -> Found:
        """Give the newest entries that are wanted."""
        narrowed = select(AuditRow).where(AuditRow.entry != OUTCOME, *_conditions(wanted))
        page = narrowed.where(AuditRow.id < wanted.before) if wanted.before else narrowed
        with self._store.reading() as session:
            rows = session.scalars(page.order_by(AuditRow.id.desc()).limit(wanted.limit + 1)).all()
            shown = rows[: wanted.limit]
            return Found(
                entries=_joined(shown, _outcomes(session, shown)),
                total=_counted(session, narrowed),
                more=len(rows) > wanted.limit,
            )

    def entry(self, number: int) -> Entry | None:
        """Give one entry by the number of either of its rows; None when there is none."""
        with self._store.reading() as session:
            row = session.get(AuditRow, number)
            if row is not None and row.intent_id is not None:
                row = session.get(AuditRow, row.intent_id)
            return _joined([row], _outcomes(session, [row]))[0] if row else None

    def rows(self, *, since: datetime | None = None, after: int = 0) -> Iterator[AuditRow]:
        """Give every row as it stands, oldest first, in batches: a million do not fit into memory."""
        conditions = [AuditRow.at >= since] if since else []
        while True:
            with self._store.reading() as session:
                wanted = select(AuditRow).where(AuditRow.id > after, *conditions).order_by(AuditRow.id)
                batch = session.scalars(wanted.limit(BATCH_ROWS)).all()
            if not batch:
                return
            yield from batch
            after = batch[-1].id

    def head(self) -> Head | None:
        """Give the signed head as the store has it; None before the first row."""
        with self._store.reading() as session:
            row = session.scalar(select(AuditHeadRow))
        return Head(id=row.row_id, hash=row.hash, at=row.at, signature=row.signature) if row else None


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    exact = ((AuditRow.service, wanted.service), (AuditRow.actor, wanted.actor), (AuditRow.action, wanted.action))
    conditions = [column == value for column, value in (*exact, (AuditRow.verdict, wanted.verdict)) if value]
    conditions += [AuditRow.at >= wanted.since] if wanted.since else []
    conditions += [AuditRow.at < wanted.until] if wanted.until else []
    for word in wanted.search.split():
        columns = (AuditRow.target, AuditRow.actor, AuditRow.action, AuditRow.service, AuditRow.rule, AuditRow.address)
        conditions.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return conditions


def _counted(session: Session, narrowed: Select[AuditRow]) -> int:
    bounded = narrowed.with_only_columns(AuditRow.id).limit(COUNT_MAX).subquery()
    return session.scalar(select(func.count()).select_from(bounded)) or 0


def _outcomes(session: Session, rows: Sequence[AuditRow]) -> dict[int, AuditRow]:
    """Give the outcomes of intents by the intents' numbers."""
    numbers = [row.id for row in rows if row.entry == "intent"]
    found = session.scalars(select(AuditRow).where(AuditRow.intent_id.in_(numbers))) if numbers else ()
    return {row.intent_id: row for row in found if row.intent_id is not None}


def _joined(rows: Sequence[AuditRow], outcomes: dict[int, AuditRow]) -> tuple[Entry, ...]:
    return tuple(_entry(row, outcomes.get(row.id)) for row in rows)


def _entry(row: AuditRow, outcome: AuditRow | None) -> Entry:
    told = outcome or row
    return Entry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        via=row.via,
        address=row.address,
        service=row.service,
        action=row.action,
        target=row.target,
        verdict=row.verdict,
        rule=row.rule,
        outcome=told.outcome or RUNNING,
        exit_code=told.exit_code,
        duration_ms=told.duration_ms,
        bytes=told.bytes_count,
        detail=told.detail,
        hash=row.hash,
        ended_at=outcome.at if outcome else None,
    )
