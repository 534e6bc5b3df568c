"""Appends to the audit log: who does what where, before it happens, and how it ended. Rows are only ever added.

Callers pass names and sentences, never the value of a secret; what people typed or an engine answered may hold one all
the same, so that is masked here (opsmodal.audit.redaction).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from opsmodal.audit.appending import Appending, Draft
from opsmodal.audit.heads import Signer
from opsmodal.audit.process import Process, this_process
from opsmodal.audit.reading import ALLOW, REFUSE
from opsmodal.audit.redaction import redacted
from opsmodal.errors import NotRecorded
from opsmodal.permissions import Actor
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditRow

log = logging.getLogger(__name__)

DETAIL_MAX_CHARS = 2000
TARGET_MAX_CHARS = 500
REASON_MAX_CHARS = 500
INTERRUPTED = "interrupted"
INTERRUPTED_SENTENCE = "The process that ran this ended before it said how it went: nobody knows whether it was done."
UNWRITTEN = (StoreProblem, SQLAlchemyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known before an action runs. `verdict` and `rule` are a guard's that has looked at it."""

    actor: Actor
    action: str
    service: str = ""
    target: str = ""
    reason: str = ""
    verdict: str = ALLOW
    rule: str = ""


class _Ended(Exception):
    """The action has its outcome."""


def _what_to_do(problem: Exception) -> str:
    if isinstance(problem, StoreProblem):
        return f"{problem.sentence} {problem.hint}"
    return "Check the store: its disk, its permissions, its database."


class Audit:
    """Append to the audit log. `process` is who runs the actions: a command unless it is said to serve."""

    def __init__(
        self,
        store: Store,
        signer: Signer,
        *,
        process: Process | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._appending = Appending(store, signer)
        self.process = process or this_process(serves=False)
        self._now = now

    def intend(self, row: Row) -> int:
        """Write the intent of an action and give its number. Raise NotRecorded when it cannot be written."""
        try:
            return self._append(self._row(row, entry="intent", verdict=row.verdict, rule=row.rule))
        except UNWRITTEN as problem:
            raise NotRecorded(
                "The audit log cannot be written, so nothing was done.",
                hint=_what_to_do(problem),
            ) from problem

    def close(
        self,
        intent: int,
        *,
        outcome: str,
        duration_ms: int,
        detail: str = "",
        bytes_count: int | None = None,
        exit_code: int | None = None,
    ) -> None:
        """Write the outcome of an action. The action has happened: a failure to write is logged, not raised."""
        outcome_of = self._outcome(
            intent,
            outcome,
            detail=redacted(detail),
            duration_ms=duration_ms,
            bytes_count=bytes_count,
            exit_code=exit_code,
        )
        try:
            self._appending.append(outcome_of)
        except UNWRITTEN:
            log.exception("audit outcome not written", extra={"intent": intent, "outcome": outcome})

    def interrupt(self, intent: int) -> bool:
        """Close an action whose process is gone; False when it has an outcome by now. Raise StoreProblem."""
        outcome_of = self._outcome(intent, INTERRUPTED, detail=INTERRUPTED_SENTENCE)

        def unless_ended(connection: Connection) -> AuditRow:
            if connection.scalar(select(AuditRow.id).where(AuditRow.intent_id == intent).limit(1)) is not None:
                raise _Ended
            return outcome_of(connection)

        try:
            self._appending.append(unless_ended)
        except _Ended:
            return False
        return True

    def refused(self, row: Row, *, rule: str) -> None:
        """Write an attempt that was refused. The refusal stands whether or not this can be written."""
        try:
            self._append(self._row(row, entry="refusal", verdict=REFUSE, rule=rule, outcome="refused"))
        except UNWRITTEN:
            log.exception("audit refusal not written", extra={"action": row.action, "rule": rule})

    def event(self, row: Row, *, outcome: str, detail: str = "") -> None:
        """Write something that has no duration, such as a sign-in. Raise NotRecorded when it cannot be written."""
        self.close(self.intend(row), outcome=outcome, duration_ms=0, detail=detail)

    def event_once(self, row: Row, *, detail: str, within: timedelta) -> bool:
        """Write something that several processes notice, unless the same was written within that time; say whether.

        Raise NotRecorded when it cannot be written.
        """
        intent = self._row(row, entry="intent", verdict=ALLOW)
        same = select(AuditRow.id).where(AuditRow.action == intent.action, AuditRow.target == intent.target)

        def unless_written(connection: Connection) -> AuditRow:
            if connection.scalar(same.where(AuditRow.at >= intent.at - within).limit(1)) is not None:
                raise _Ended
            return intent

        try:
            number = self._appending.append(unless_written)
        except _Ended:
            return False
        except UNWRITTEN as problem:
            raise NotRecorded("The audit log cannot be written.", hint=_what_to_do(problem)) from problem
        self.close(number, outcome="done", duration_ms=0, detail=detail)
        return True

    def _outcome(
        self,
        intent: int,
        outcome: str,
        *,
        detail: str,
        duration_ms: int | None = None,
        bytes_count: int | None = None,
        exit_code: int | None = None,
    ) -> Draft:
        now = self._now()

        def made(connection: Connection) -> AuditRow:
            begun = connection.execute(_BEGUN, {"intent": intent}).one()
            return AuditRow(
                **begun._mapping,
                entry="outcome",
                intent_id=intent,
                at=now,
                rule="",
                outcome=outcome,
                exit_code=exit_code,
                duration_ms=duration_ms,
                bytes_count=bytes_count,
                detail=detail[:DETAIL_MAX_CHARS],
                reason="",
            )

        return made

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
            target=redacted(row.target)[:TARGET_MAX_CHARS],
            verdict=verdict,
            rule=rule,
            outcome=outcome,
            exit_code=None,
            duration_ms=None,
            bytes_count=None,
            detail=self.process.mark if entry == "intent" else "",
            reason=redacted(row.reason)[:REASON_MAX_CHARS],
            request_id=redacted(row.actor.request_id),  # a client may have sent any
        )

    def _append(self, row: AuditRow) -> int:
        return self._appending.append(lambda _: row)


_BEGUN = select(
    AuditRow.actor,
    AuditRow.via,
    AuditRow.address,
    AuditRow.service,
    AuditRow.action,
    AuditRow.target,
    AuditRow.verdict,
    AuditRow.request_id,
).where(AuditRow.id == bindparam("intent"))
"""What an outcome has from its intent."""
