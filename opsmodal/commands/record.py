"""The values of records: what is known of a line before it runs, and what there is to read of it afterwards. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsmodal.audit.redaction import redacted
from opsmodal.commands.ending import LOST, Ending
from opsmodal.guard.world import Mode
from opsmodal.store.tables import CommandRow
from opsmodal.store.tables.base import NAME_CHARS

LINE_MAX_CHARS = 8_000
"""Twice what a guard lets through: masking may make a line longer."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
PLACE_MAX_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A line that somebody typed, masked, with what the guard said of it. `instance` is the chosen container.

    `connection` and `identity` are how and as whom it runs, as far as that is known before; `audit_id` the row of its
    intent or of its refusal.
    """

    person: str
    service: str
    runtime: str
    mode: Mode
    line: str
    verdict: str
    rule: str
    instance: str = ""
    connection: str = ""
    identity: str = ""
    audit_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A record that was begun."""

    id: str
    person: str
    service: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A line and what became of it. `state`: running, done, failed, stopped, lost, refused.

    `ending` is None while it runs, and where it was refused. `place` is where it stands in a list.
    """

    id: str
    person: str
    service: str
    runtime: str
    mode: Mode
    line: str
    instance: str
    verdict: str
    rule: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    ending: Ending | None
    truncated: bool
    connection: str
    identity: str
    audit_id: int | None
    place: str

    @property
    def outcome(self) -> str:
        """How it stands in one word: running, refused, or the reason of its end."""
        return self.ending.reason if self.ending else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A part of a list of records. `total` counts what the search left; `next` is where to go on, None at the end."""

    items: tuple[Record, ...]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: everything after it is older, or as old with a smaller id."""

    started_at: datetime
    id: str


def as_row(typed: Typed, command_id: str, *, state: str, at: datetime) -> CommandRow:
    """Write what is known of a line as its row."""
    return CommandRow(
        id=command_id,
        person=typed.person,
        service=typed.service,
        runtime=typed.runtime,
        mode=typed.mode.value,
        line=storable(redacted(typed.line))[:LINE_MAX_CHARS],
        instance=storable(typed.instance)[:NAME_CHARS],
        verdict=typed.verdict,
        rule=typed.rule,
        state=state,
        started_at=at,
        ended_at=None,
        exit_code=None,
        reason="",
        sentence="",
        duration_ms=None,
        bytes_count=None,
        truncated=False,
        connection=typed.connection,
        identity=storable(typed.identity)[:NAME_CHARS],
        audit_id=typed.audit_id,
    )


def as_record(row: CommandRow) -> Record:
    """Read a row."""
    return Record(
        id=row.id,
        person=row.person,
        service=row.service,
        runtime=row.runtime,
        mode=Mode(row.mode),
        line=row.line,
        instance=row.instance,
        verdict=row.verdict,
        rule=row.rule,
        state=row.state,
        started_at=row.started_at,
        ended_at=row.ended_at,
        ending=_ending(row),
        truncated=row.truncated,
        connection=row.connection,
        identity=row.identity,
        audit_id=row.audit_id,
        place=f"{(row.started_at - _EPOCH) // _MICROSECOND}.{row.id}",
    )


def as_place(cursor: str) -> Place | None:
    """Read a place in the list; None for anything that was never one."""
    moment, _, command_id = cursor[:PLACE_MAX_CHARS].partition(".")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= len("9999999999999999") and command_id):
        return None
    return Place(_EPOCH + int(moment) * _MICROSECOND, command_id)


def _ending(row: CommandRow) -> Ending | None:
    if not row.reason:
        return None
    lasted = (row.ended_at - row.started_at) // timedelta(milliseconds=1) if row.ended_at else 0
    return Ending(
        exit_code=row.exit_code,
        reason=row.reason if row.reason in _REASONS else LOST,  # type: ignore[arg-type]  # what `end` wrote
        sentence=row.sentence,
        duration_ms=lasted if row.duration_ms is None else row.duration_ms,
        bytes=row.bytes_count or 0,
    )


_REASONS = ("exited", "timeout", "output-limit", "stopped", "lost")


def storable(text: str) -> str:
    """Give a text as every database takes it: PostgreSQL keeps no NUL, and nobody half of a character."""
    return text.replace("\0", "").encode(errors="replace").decode()
