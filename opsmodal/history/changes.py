"""What people did to a service, read from the audit log for its timeline: who, what, with which outcome.

It shows what was done or tried and failed; what was refused is for who reads the audit log. The words of a command are
its sender's and of those who may manage, and so is what the runtime said to a failure.
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
OUTCOMES = {"done": "Done", "failed": "Failed", "stopped": "Stopped"}


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
    """Make one entry of each action out of its intent and its outcome; `rows` are newest first."""
    begun = {row.id: row.at for row in rows if row.entry == "intent"}
    ended = {row.intent_id for row in rows if row.entry == "outcome"}
    return [
        _entry(row, begun.get(row.intent_id or row.id, row.at), open_words=manages or row.actor == reader)
        for row in rows
        if row.entry == "outcome" or row.id not in ended
    ]


def _tells(name: str) -> bool:
    known = actions.KNOWN.get(name)
    return name.startswith(COMMANDS) or (known is not None and known.changes)


def _entry(row: AuditRow, at: datetime, *, open_words: bool) -> TimelineEntry:
    known = actions.KNOWN.get(row.action)
    outcome = OUTCOMES.get(row.outcome, "Not ended, or its end was not recorded")
    detail = f": {row.detail}" if row.detail and open_words else "."
    hidden = row.action.startswith(COMMANDS) and not open_words
    return TimelineEntry(
        at=at,
        first_at=at,
        kind="change",
        warning=row.outcome not in ("done", "stopped"),
        title=LABELS.get(row.action) or (known.label if known else "") or row.action,
        subject="" if hidden else row.target,
        message=f"{outcome}{detail}",
        actor=row.actor,
    )
