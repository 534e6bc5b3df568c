"""Reads the audit log: page by page for people, row by row for export and for checking.

An action leaves an intent and an outcome; people are shown one entry with both. It never changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session

from opsmodal.audit.heads import Head
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditHeadRow, AuditRow

COUNT_MAX = 10_000
"""Entries are counted up to this many: counting a million for each look would cost more than the look."""
SEARCHED_MAX = 100_000
"""Rows that one look for a text reads: 25 ms of SQLite's time for a word, where a million would take 0.3 s and more."""
BATCH_ROWS = 1_000
RUNNING = "running"
"""The outcome of an action that has none yet: it runs, or its server died under it."""
INTENT, OUTCOME = "intent", "outcome"
VERDICTS = ALLOW, CONFIRM, REFUSE = "allow", "confirm", "refuse"
"""The middle one is a typed line's that was let through after a confirmation."""
SEARCHED = (
    AuditRow.target,
    AuditRow.actor,
    AuditRow.action,
    AuditRow.service,
    AuditRow.rule,
    AuditRow.address,
    AuditRow.reason,
    AuditRow.request_id,
)
"""What a word of a search is looked for in."""
EXACT = ("service", "actor", "action", "verdict", "request_id")
"""What is looked for as it stands."""


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
    reason: str
    request_id: str
    hash: str
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuery:
    """Which entries are looked for. Empty fields do not narrow; `before` is the number to go on below."""

    service: str = ""
    actor: str = ""
    action: str = ""
    verdict: str = ""
    request_id: str = ""
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Entries, newest first. `total` stops at COUNT_MAX.

    `next` is the number to go on below, None when there is nothing older. A look for a text goes back to
    `searched_since` only, and counts what it has read; None when all was read.
    """

    entries: tuple[Entry, ...]
    total: int
    next: int | None = None
    searched_since: datetime | None = None


_FIELDS = tuple(getattr(AuditRow, column.key) for column in AuditRow.__mapper__.column_attrs)


class AuditLog:
    """What has been written."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, wanted: EntryQuery) -> Found:
        """Give the newest entries that are wanted."""
        with self._store.reading() as session:
            exact = [*_exact(wanted), *_within(session, wanted)]
            if wanted.search:
                return self._searched(session, wanted, exact)
            narrowed = select(AuditRow).where(AuditRow.entry != OUTCOME, *exact)
            page = narrowed.where(*_older(wanted)).order_by(AuditRow.id.desc())
            rows = session.scalars(page.limit(wanted.limit + 1)).all()
            shown = rows[: wanted.limit]
            return Found(
                entries=_joined(shown, _outcomes(session, shown)),
                total=_counted(session, narrowed),
                next=shown[-1].id if len(rows) > wanted.limit else None,
            )

    def _searched(self, session: Session, wanted: EntryQuery, exact: Sequence[ColumnElement[bool]]) -> Found:
        """Look for a text in the newest SEARCHED_MAX rows; what is older is another look's."""
        where = [*exact, *_older(wanted)]
        last = session.execute(
            select(AuditRow.id, AuditRow.at).where(*where).order_by(AuditRow.id.desc()).offset(SEARCHED_MAX).limit(1)
        ).first()
        where += [AuditRow.id > last.id] if last else []
        found = select(AuditRow.id).where(AuditRow.entry != OUTCOME, *where, *self._containing(wanted.search))
        numbers = session.scalars(found.order_by(AuditRow.id.desc()).limit(COUNT_MAX)).all()
        shown = numbers[: wanted.limit]
        rows = session.scalars(select(AuditRow).where(AuditRow.id.in_(shown)).order_by(AuditRow.id.desc())).all()
        if len(numbers) > wanted.limit:
            older: int | None = shown[-1]
        else:
            older = last.id + 1 if last else None
        return Found(
            entries=_joined(rows, _outcomes(session, rows)),
            total=len(numbers),
            next=older,
            searched_since=last.at if last else None,
        )

    def _containing(self, search: str) -> list[ColumnElement[bool]]:
        """Demand each word in one of the columns, whatever its case.

        SQLite's LIKE takes ASCII letters alike by itself; with its lower(), which knows no others, it takes three
        times as long.
        """
        contains = ColumnElement.contains if self._store.is_sqlite else ColumnElement.icontains
        return [or_(*(contains(column, word, autoescape=True) for column in SEARCHED)) for word in search.split()]

    def entry(self, number: int) -> Entry | None:
        """Give one entry by the number of either of its rows; None when there is none."""
        with self._store.reading() as session:
            row = session.get(AuditRow, number)
            if row is not None and row.intent_id is not None:
                row = session.get(AuditRow, row.intent_id)
            return _joined([row], _outcomes(session, [row]))[0] if row else None

    def rows(self, *, since: datetime | None = None, until: int | None = None) -> Iterator[AuditRow]:
        """Give every row as it stands, oldest first, in batches: a million do not fit into memory.

        They are bare rows with the fields of an AuditRow: a million of them cost 7 s instead of 17.
        """
        conditions = [AuditRow.at >= since] if since else []
        conditions += [AuditRow.id <= until] if until is not None else []
        after = 0
        while True:
            with self._store.reading() as session:
                wanted = select(*_FIELDS).where(AuditRow.id > after, *conditions).order_by(AuditRow.id)
                batch = cast("Sequence[AuditRow]", session.execute(wanted.limit(BATCH_ROWS)).all())
            if not batch:
                return
            yield from batch
            after = batch[-1].id

    def after(self, number: int, limit: int) -> Sequence[AuditRow]:
        """Give the rows that follow a number, oldest first. Raise StoreProblem."""
        with self._store.reading() as session:
            return session.scalars(
                select(AuditRow).where(AuditRow.id > number).order_by(AuditRow.id).limit(limit)
            ).all()

    def head(self) -> Head | None:
        """Give the signed head as the store has it; None before the first row."""
        return self.end()[0]

    def end(self) -> tuple[Head | None, int]:
        """Give the signed head and the number of the last row, 0 before the first, of one state of the store."""
        with self._store.reading() as session:
            row = session.scalar(select(AuditHeadRow))
            last = session.scalar(select(func.max(AuditRow.id))) or 0
        return (Head(id=row.row_id, hash=row.hash, at=row.at, signature=row.signature) if row else None), last


def _exact(wanted: EntryQuery) -> list[ColumnElement[bool]]:
    pairs = (
        (AuditRow.service, wanted.service),
        (AuditRow.actor, wanted.actor),
        (AuditRow.action, wanted.action),
        (AuditRow.verdict, wanted.verdict),
        (AuditRow.request_id, wanted.request_id),
    )
    return [column == value for column, value in pairs if value]


def _older(wanted: EntryQuery) -> list[ColumnElement[bool]]:
    return [AuditRow.id < wanted.before] if wanted.before else []


def _within(session: Session, wanted: EntryQuery) -> list[ColumnElement[bool]]:
    """Narrow to a time, and to the numbers of that time: rows are read by number, and most would be read in vain.

    A clock that was set back mixes the order of times and numbers, so both conditions stand.
    """
    conditions: list[ColumnElement[bool]] = []
    number = AuditRow.id + 0  # else SQLite looks for the smallest number from the first row on, not by the time
    if wanted.since:
        low = session.scalar(select(func.min(number)).where(AuditRow.at >= wanted.since))
        conditions += [AuditRow.at >= wanted.since, AuditRow.id >= low if low is not None else false()]
    if wanted.until:
        high = session.scalar(select(func.max(number)).where(AuditRow.at < wanted.until))
        conditions += [AuditRow.at < wanted.until, AuditRow.id <= high if high is not None else false()]
    return conditions


def _counted(session: Session, narrowed: Select[AuditRow]) -> int:
    bounded = narrowed.with_only_columns(AuditRow.id).limit(COUNT_MAX).subquery()
    return session.scalar(select(func.count()).select_from(bounded)) or 0


def _outcomes(session: Session, rows: Sequence[AuditRow]) -> dict[int, AuditRow]:
    """Give the outcomes of intents by the intents' numbers."""
    numbers = [row.id for row in rows if row.entry == INTENT]
    # An action that was closed as interrupted may say later how it went: the last word stands.
    wanted = select(AuditRow).where(AuditRow.intent_id.in_(numbers)).order_by(AuditRow.id)
    found = session.scalars(wanted) if numbers else ()
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
        detail="" if told.entry == INTENT else told.detail,  # which names the process, for other processes
        reason=row.reason,
        request_id=row.request_id,
        hash=row.hash,
        ended_at=outcome.at if outcome else None,
    )
