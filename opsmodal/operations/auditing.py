"""Reading the audit log: for administrators and auditors. Reading is no action; taking a copy away is one."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.audit.exporting import FORMATS
from opsmodal.audit.forwarding import Forwarded, Forwarding
from opsmodal.audit.reading import COUNT_MAX, SEARCHED_MAX, AuditLog, Entry, EntryQuery, Found
from opsmodal.errors import BadRequest, NotThere
from opsmodal.listing import Page
from opsmodal.operations.door import Door, Leave
from opsmodal.permissions import Actor

NUMBER = re.compile(r"[0-9]{1,18}")
"""What a database takes for a number of 64 bits."""


class Auditing:
    """Look into the audit log, and take a copy of it."""

    def __init__(self, door: Door, log: AuditLog, forwarding: Forwarding) -> None:
        self._door = door
        self._log = log
        self._forwarding = forwarding

    def list(self, actor: Actor, wanted: EntryQuery) -> Page[Entry]:
        """List entries, newest first. `next` is the number to go on below."""
        self._door.audit(actor, actions.AUDIT_VIEW)
        found = self._log.find(wanted)
        return Page(
            items=found.entries,
            total=found.total,
            next=None if found.next is None else str(found.next),
            as_of=datetime.now(UTC),
            notes=tuple(_notes(found)),
        )

    def one(self, actor: Actor, number: str) -> Entry:
        """Give one entry. Raise NotThere."""
        self._door.audit(actor, actions.AUDIT_VIEW)
        entry = self._log.entry(int(number)) if NUMBER.fullmatch(number) else None
        if entry is None:
            raise NotThere(f"The audit log has no row {number[:40]!r}.", hint="The audit page lists what there is.")
        return entry

    def forwarding(self, actor: Actor) -> Page[Forwarded]:
        """List the targets that the log is forwarded to, and how far each has got."""
        self._door.audit(actor, actions.AUDIT_VIEW)
        found = self._forwarding.state()
        return Page(items=found, total=len(found), next=None, as_of=datetime.now(UTC))

    def export(self, actor: Actor, kind: str, *, since: datetime | None) -> Generator[bytes, None, None]:
        """Give every row since a moment, written as `kind`; to be closed. Raise BadRequest for an unknown format.

        The intent is on record when this returns, the outcome when the last row went out.
        """
        leave = self._door.audit(actor, actions.AUDIT_EXPORT)
        if kind not in FORMATS:
            raise BadRequest(f"There is no format {kind[:40]!r}.", hint=f"One of: {', '.join(FORMATS)}.")
        copy = self._copy(leave, kind, since)
        next(copy)
        return copy

    def _copy(self, leave: Leave, kind: str, since: datetime | None) -> Generator[bytes, None, None]:
        """Write within the door, so that a copy that is cut is on record as cut; the first piece is empty."""
        with self._door.act(leave, target=kind) as outcome:
            outcome.bytes_count = 0
            yield b""
            for piece in FORMATS[kind][0](self._log.rows(since=since)):
                outcome.bytes_count += len(piece)
                yield piece


def _notes(found: Found) -> Iterator[str]:
    if found.total >= COUNT_MAX:
        yield f"There are more than {COUNT_MAX:,}: narrow the time to count them."
    if found.searched_since:
        yield (
            f"The text was looked for in {SEARCHED_MAX:,} rows, back to {found.searched_since:%Y-%m-%d %H:%M} UTC; "
            "“Older” goes on from there."
        )
