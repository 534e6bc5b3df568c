"""What people did to a service, read from the audit log for its timeline: who, what, with which outcome.

It shows what was done or tried and failed; what was refused is for who reads the audit log. The words of a command are
its sender's and of those who may manage, and so are what the runtime said to a failure and the reason of a command. Why
a change was made is for everybody who sees the change. What was done is kept as long as the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select

from opsmodal import actions
from opsmodal.history.answers import TimelineEntry
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditRow

ROWS_MAX = 2_000
"""Rows of the audit log that are read at most: an action leaves two."""
REGISTERED = "services/"
COMMANDS = "command."
"""Actions whose target and detail are what somebody typed."""
LABELS = {"registry.change": "Change registration", "registry.remove": "Remove registration"}
OUTCOMES = {
    "done": "Done",
    "failed": "Failed",
    "stopped": "Stopped",
    "interrupted": "Interrupted: nobody knows whether it was done",
}


def changes(
    store: Store, service: str, *, since: datetime | None, until: datetime | None, reader: str, manages: bool
) -> list[TimelineEntry]:
    """Read what was done to a service, newest first, in the words that `reader` may see. Raise StoreProblem."""
    about = or_(
        AuditRow.service == service,
        and_(AuditRow.action.in_(sorted(LABELS)), AuditRow.target == f"{REGISTERED}{service}"),
    )
    wanted = select(AuditRow).where(about, AuditRow.entry.in_(("intent", "outcome")))
    wanted = wanted.where(AuditRow.at >= since) if since else wanted
    wanted = wanted.where(AuditRow.at < until) if until else wanted
    with store.reading() as session:
        rows = list(session.scalars(wanted.order_by(AuditRow.id.desc()).limit(ROWS_MAX)))
    return told([row for row in rows if _tells(row.action)], reader=reader, manages=manages)


def told(rows: Sequence[AuditRow], *, reader: str, manages: bool) -> list[TimelineEntry]:
    """Make one entry of each action out of its intent and its last outcome; `rows` are newest first."""
    begun = {row.id: row for row in rows if row.entry == "intent"}
    found, told_of = [], set()
    for row in rows:
        action = row.intent_id if row.intent_id is not None else row.id
        if action not in told_of:
            told_of.add(action)
            found.append(_entry(row, begun.get(action, row), open_words=manages or row.actor == reader))
    return found


def _tells(name: str) -> bool:
    known = actions.KNOWN.get(name)
    return name.startswith(COMMANDS) or (known is not None and known.changes)


def _entry(row: AuditRow, intent: AuditRow, *, open_words: bool) -> TimelineEntry:
    known = actions.KNOWN.get(row.action)
    hidden = row.action.startswith(COMMANDS) and not open_words
    return TimelineEntry(
        at=intent.at,
        first_at=intent.at,
        kind="change",
        warning=row.outcome not in ("done", "stopped"),
        title=LABELS.get(row.action) or (known.label if known else "") or row.action,
        subject="" if hidden else row.target,
        message=_message(row, open_words=open_words),
        actor=row.actor,
        reason="" if hidden else intent.reason or "",
    )


def _message(row: AuditRow, *, open_words: bool) -> str:
    outcome = OUTCOMES.get(row.outcome, "Not ended, or its end was not recorded")
    says = open_words and row.entry != "intent" and row.outcome != "interrupted"  # the first names a process only
    return f"{outcome}: {row.detail}" if says and row.detail else f"{outcome}."
