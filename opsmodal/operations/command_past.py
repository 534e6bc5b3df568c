"""Reads what became of lines: a person's history on a service, one command with its output, and who may read which.

A command is its person's; who may manage the service reads everybody's there. To everybody else it does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opsmodal.commands.job import Closed, CommandJob, Readable
from opsmodal.commands.kept import Frame
from opsmodal.commands.pieces import unpacked
from opsmodal.commands.record import Record
from opsmodal.commands.records import CommandRecords
from opsmodal.errors import NotThere
from opsmodal.guard.verdict import Decision
from opsmodal.listing import LIMIT_DEFAULT
from opsmodal.operations.command_answers import CommandAnswer, History, HistoryRow
from opsmodal.operations.door import Pass
from opsmodal.permissions import Permission
from opsmodal.spool import Gone

RUNNING = "running"
READ_PIECES = 64
RUNNING_ROWS = 50
"""A person has a handful of places for commands that run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """What part of the history is wanted; `cursor` is the `next` of the part before."""

    limit: int = LIMIT_DEFAULT
    cursor: str = ""
    search: str = ""


class CommandPast:
    """Read records."""

    def __init__(self, records: CommandRecords) -> None:
        self._records = records

    def history(self, leave: Pass, query: HistoryQuery) -> History:
        """List what the person typed on the service, newest first."""
        past = self._records.history(
            leave.service.name,
            person=leave.actor.name,
            limit=query.limit,
            cursor=query.cursor,
            search=query.search,
        )
        return History(items=tuple(_row(each) for each in past.items), total=past.total, next=past.next)

    def running(self, leave: Pass) -> tuple[HistoryRow, ...]:
        """List what the person has running on the service, newest first."""
        name = leave.service.name
        past = self._records.history(name, person=leave.actor.name, limit=RUNNING_ROWS, is_running=True)
        return tuple(_row(each) for each in past.items)

    def find(self, leave: Pass, command: str) -> Record:
        """Find a command that this person may read. Raise NotThere."""
        record = self._records.get(command, service=leave.service.name)
        if record is None or (record.person != leave.actor.name and Permission.MANAGE not in leave.permissions):
            raise NotThere("There is no such command of yours here.", hint="The Commands tab lists what you ran.")
        return record

    def answer(self, record: Record, running: Readable | None, *, with_output: bool = True) -> CommandAnswer:
        """Give a command with its output: as far as it has come, or as far as it is kept; or without reading that."""
        kept = self._records.output(record) if with_output and running is None else None
        frames = list(_read(running)) if with_output and running is not None else kept.frames if kept else None
        return CommandAnswer(
            row=_row(record, kept=frames is not None),
            running=record.outcome == RUNNING,
            sentence=record.ending.sentence if record.ending else "",
            stdout=None if frames is None else _joined(frames, "stdout"),
            stderr=None if frames is None else _joined(frames, "stderr"),
            truncated=record.truncated,
            masked=kept is not None and kept.masked,
            notes=running.notes if isinstance(running, CommandJob) else (),
        )

    def text(self, record: Record, running: Readable | None) -> str:
        """Give the output in the order in which it came. Raise NotThere where none is kept."""
        if running is not None:
            return "".join(text for _, text in _read(running))
        kept = self._records.output(record)
        if kept is None:
            raise NotThere("The output of this command is not kept.", hint="Run it again to see it.")
        return "".join(text for _, text in kept.frames)

    def readable(self, record: Record) -> Readable | None:
        """Give a command that is over as one whose output can be read piece by piece."""
        return self._records.past(record)


def _row(record: Record, *, kept: bool = False) -> HistoryRow:
    ending = record.ending
    return HistoryRow(
        id=record.id,
        command=record.line,
        instance=record.instance,
        mode=record.mode,
        decision=Decision(record.verdict),
        rule=record.rule,
        outcome=record.outcome,
        exit_code=ending.exit_code if ending else None,
        started_at=record.started_at,
        duration_ms=ending.duration_ms if ending else None,
        bytes=ending.bytes if ending else None,
        kept=kept,
        audit_id=record.audit_id,
    )


def _read(command: Readable) -> Iterable[Frame]:
    """Read what a command has written by now."""
    offset = 0
    while True:
        try:
            pieces = command.read(offset, limit=READ_PIECES, wait_s=0)
        except Gone as gone:
            offset = gone.first_offset
            continue
        except Closed:
            return
        if not pieces:
            return
        offset = pieces[-1][0] + 1
        yield from (unpacked(piece) for _, piece in pieces)


def _joined(frames: Iterable[Frame], stream: str) -> str:
    return "".join(text for source, text in frames if source == stream)
