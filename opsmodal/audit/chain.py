"""The hash chain, pure: what a row's hash covers, and where a chain is broken.

Each hash covers the row's fields and the hash of the row before it, so that a changed, removed, moved or inserted row
is found. Whoever may write the whole table can make another chain that is whole in itself: only heads that were
written elsewhere (opsmodal.audit.heads) find that, and a tail that was cut off.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC

import msgspec

from opsmodal.store.tables import AuditRow

GENESIS = "0" * 64
"""What stands before the first row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a walk over the rows found. `broken` is the number of the first bad row, None when all is whole."""

    rows: int
    last: int
    head: str
    broken: int | None = None
    sentence: str = ""


def chained(before: str, row: AuditRow) -> str:
    """Give the hash of a row that follows the hash `before`: SHA-256 over both, fields in a fixed order."""
    fields = (
        before,
        row.entry,
        row.intent_id,
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.actor,
        row.via,
        row.address,
        row.service,
        row.action,
        row.target,
        row.verdict,
        row.rule,
        row.outcome,
        row.exit_code,
        row.duration_ms,
        row.bytes_count,
        row.detail,
    )
    later = (row.reason, row.request_id)  # rows from before these columns have them empty, and their hashes stand
    return hashlib.sha256(msgspec.json.encode(fields + later if any(later) else fields)).hexdigest()


def verified(rows: Iterable[AuditRow], heads: Mapping[int, str] | None = None) -> Verified:
    """Walk rows in the order of their numbers; `heads` are hashes by number, as they were noted elsewhere.

    Numbers may be left out: a database does so when a write fails. What was removed shows in the hashes.
    """
    noted = deque(sorted((heads or {}).items()))
    count, last, before = 0, 0, GENESIS
    for row in rows:
        problem = _out_of_chain(row, before) or _not_as_noted(row, noted)
        if problem:
            return Verified(rows=count, last=last, head=before, broken=row.id, sentence=problem)
        count, last, before = count + 1, row.id, row.hash
    if noted:
        return Verified(rows=count, last=last, head=before, broken=noted[0][0], sentence=_gone(noted[0][0]))
    return Verified(rows=count, last=last, head=before)


def _out_of_chain(row: AuditRow, before: str) -> str:
    if row.hash != chained(before, row):
        return f"Row {row.id} does not follow from the row before it: it, or what stood before it, was changed."
    if row.intent_id is not None and row.intent_id >= row.id:
        return f"Row {row.id} closes an action that begins later."
    return ""


def _not_as_noted(row: AuditRow, noted: deque[tuple[int, str]]) -> str:
    """Compare a row with the heads up to it, which are taken off."""
    while noted and noted[0][0] <= row.id:
        number, known = noted.popleft()
        if number < row.id:
            return _gone(number)
        if known != row.hash:
            return f"Row {number} is not the one whose head was noted: the log was written anew, from here or earlier."
    return ""


def _gone(number: int) -> str:
    return f"Row {number} was written, as its noted head says, and is not there any more."
