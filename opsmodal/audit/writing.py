"""Appends to the audit log: who does what where, before it happens, and how it ended. Rows are only ever added.

It never receives the value of a secret: callers pass names and sentences.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from opsmodal.audit.chain import GENESIS, chained
from opsmodal.audit.heads import Signer
from opsmodal.errors import NotRecorded
from opsmodal.permissions import Actor
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditHeadRow, AuditRow

log = logging.getLogger(__name__)

DETAIL_MAX_CHARS = 2000
TARGET_MAX_CHARS = 500
REASON_MAX_CHARS = 500
LOCK = "audit"
VERDICTS = ALLOW, REFUSE = "allow", "refuse"
HEAD_PLACE = 1
"""The only row there is in the table of the head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known before an action runs."""

    actor: Actor
    action: str
    service: str = ""
    target: str = ""
    reason: str = ""


class Audit:
    """Append to the audit log."""

    def __init__(
        self, store: Store, signer: Signer, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._signer = signer
        self._now = now

    def intend(self, row: Row) -> int:
        """Write the intent of an action and give its number. Raise NotRecorded when it cannot be written."""
        try:
            return self._append(self._row(row, entry="intent", verdict=ALLOW))
        except (StoreProblem, SQLAlchemyError) as problem:
            raise NotRecorded(
                "The audit log cannot be written, so nothing was done.",
                hint=getattr(problem, "hint", "") or "Check the store: its disk, its permissions, its database.",
            ) from problem

    def close(
        self, intent: int, *, outcome: str, duration_ms: int, detail: str = "", bytes_count: int | None = None
    ) -> None:
        """Write the outcome of an action. The action has happened: a failure to write is logged, not raised."""
        try:
            with self._store.session() as session:
                begun = session.get_one(AuditRow, intent)
                row = AuditRow(
                    entry="outcome",
                    intent_id=intent,
                    at=self._now(),
                    actor=begun.actor,
                    via=begun.via,
                    address=begun.address,
                    service=begun.service,
                    action=begun.action,
                    target=begun.target,
                    verdict=begun.verdict,
                    rule="",
                    outcome=outcome,
                    exit_code=None,
                    duration_ms=duration_ms,
                    bytes_count=bytes_count,
                    detail=detail[:DETAIL_MAX_CHARS],
                    reason="",
                    request_id=begun.request_id,
                )
                self._chain(session, row)
        except (StoreProblem, SQLAlchemyError):
            log.exception("audit outcome not written", extra={"intent": intent, "outcome": outcome})

    def refused(self, row: Row, *, rule: str) -> None:
        """Write an attempt that was refused. The refusal stands whether or not this can be written."""
        try:
            self._append(self._row(row, entry="refusal", verdict=REFUSE, rule=rule, outcome="refused"))
        except (StoreProblem, SQLAlchemyError):
            log.exception("audit refusal not written", extra={"action": row.action, "rule": rule})

    def event(self, row: Row, *, outcome: str, detail: str = "") -> None:
        """Write something that has no duration, such as a sign-in. Raise NotRecorded when it cannot be written."""
        self.close(self.intend(row), outcome=outcome, duration_ms=0, detail=detail)

    def _row(self, row: Row, *, entry: str, verdict: str, rule: str = "", outcome: str = "") -> AuditRow:
        return AuditRow(
            entry=entry,
            intent_id=None,
            at=self._now(),
            actor=row.actor.name,
            via=row.actor.via,
            address=row.actor.address,
            service=row.service,
            action=row.action,
            target=row.target[:TARGET_MAX_CHARS],
            verdict=verdict,
            rule=rule,
            outcome=outcome,
            exit_code=None,
            duration_ms=None,
            bytes_count=None,
            detail="",
            reason=row.reason[:REASON_MAX_CHARS],
            request_id=row.actor.request_id,
        )

    def _append(self, row: AuditRow) -> int:
        with self._store.session() as session:
            self._chain(session, row)
            return row.id

    def _chain(self, session: Session, row: AuditRow) -> None:
        self._store.lock(session, LOCK)
        before = session.scalar(select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)) or GENESIS
        row.hash = chained(before, row)
        session.add(row)
        session.flush()
        head = self._signer.signed(number=row.id, row_hash=row.hash, at=row.at)
        session.merge(
            AuditHeadRow(place=HEAD_PLACE, row_id=head.id, hash=head.hash, at=head.at, signature=head.signature)
        )
