"""The records of typed lines: one for each, allowed or refused, with its end and, as far as it is kept, its output.

A record outlives its job, its worker and its service's page; the audit log, which keeps more and for longer, is apart
from it. Lines and sentences are masked once more before they are written, whoever has masked them already. Records and
outputs are bounded for each service, and swept by whoever comes by. It refuses to say who may read what.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update

from opsmodal.audit.redaction import redacted
from opsmodal.commands.ending import WORKER_DIED, Ending
from opsmodal.commands.keeping import Keeping
from opsmodal.commands.kept import Frame, Kept, KeptCommand, Rest, TooSecret, at_once, pack, unpack
from opsmodal.commands.record import Begun, Past, Place, Record, Typed, as_place, as_record, as_row, storable
from opsmodal.guard.world import Mode
from opsmodal.jobs import DEAD_AFTER, LOST, RUNNING
from opsmodal.store.errors import StoreProblem, WrongKey
from opsmodal.store.store import Store
from opsmodal.store.tables import CommandOutputRow, CommandRow, JobRow
from opsmodal.store.tables.base import NAME_CHARS
from opsmodal.store.vault import Vault

log = logging.getLogger(__name__)

ONESHOT_LOST_AFTER = timedelta(minutes=15)
"""A one-shot command that has no end by then has none: it may take ten minutes at most, and its end is tried for some
seconds more."""
END_TRIES = 3
END_RETRY_S = 1.0
"""How often the end of a command is tried whose answer waits for that, and the pause between."""
RECORDS_KEPT = timedelta(days=90)
RECORDS_MAX = 10_000
"""Lines of one service that are kept: some 5 MB."""
OUTPUTS_MAX_BYTES = 100_000_000
"""What the sealed outputs of one service may take together."""
SHORT_BYTES = 64 * 1024
"""An output of this size is kept at once, within 50 ms."""
KEPT_WAIT_S = 15.0
"""How long who reads an output waits for it to be kept: longer than 5 MB take."""
SWEEP_EVERY = timedelta(minutes=10)
SEARCH_MAX_CHARS = 200


class CommandRecords:
    """The records of every person's lines on every service."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        *,
        keep: bool = True,
        days: int = 30,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._vault = vault
        self._keeps = keep
        self._days = days
        self._now = now
        self._keeping = Keeping(self._keep)
        self._swept_at = datetime.min.replace(tzinfo=UTC)
        self.running_here: Callable[[], Collection[str]] = tuple
        """Names the commands that run in this process, which are not lost whatever the store says of them."""

    def begin(self, typed: Typed, *, command_id: str) -> Begun:
        """Write down that a line begins to run; `command_id` is that of its job. Raise StoreProblem."""
        return self._write(typed, command_id, state=RUNNING)

    def refused(self, typed: Typed, *, command_id: str) -> Begun:
        """Write down that a line was refused. Raise StoreProblem."""
        return self._write(typed, command_id, state="refused")

    def end(
        self,
        begun: Begun,
        ending: Ending,
        *,
        frames: Iterable[Frame] | None = None,
        truncated: bool = False,
        identity: str = "",
    ) -> None:
        """Write down how a command ended, and keep its output where outputs are kept. Raise StoreProblem.

        `frames` is its output, None for one that had none; a long one is read and kept soon after, beside everybody.
        `truncated`: it wrote more than `frames`. May be called again where it raised.
        """
        values = {
            "state": ending.state,
            "ended_at": begun.started_at + timedelta(milliseconds=ending.duration_ms),
            "exit_code": ending.exit_code,
            "reason": ending.reason,
            "sentence": storable(redacted(ending.sentence)),
            "duration_ms": ending.duration_ms,
            "bytes_count": ending.bytes,
            "truncated": truncated,
        }
        if identity:
            values["identity"] = storable(identity)[:NAME_CHARS]
        with self._store.session() as session:
            session.execute(update(CommandRow).where(CommandRow.id == begun.id).values(values))
        if frames is not None and self._keeps:
            if ending.bytes > SHORT_BYTES:
                self._keeping.add(begun.id, begun.service, frames)
            else:
                self._keep(begun.id, begun.service, frames, at_once)
        self.sweep_in_turn()

    def end_or_log(
        self,
        begun: Begun,
        ending: Ending,
        *,
        frames: Iterable[Frame] | None = None,
        truncated: bool = False,
        identity: str = "",
    ) -> None:
        """Write down how a command ended, see `end`; try again a few times, and log what the store says at last."""
        for left in reversed(range(END_TRIES)):
            try:
                self.end(begun, ending, frames=frames, truncated=truncated, identity=identity)
            except StoreProblem as problem:
                log.warning("end of a command not written", extra={"command": begun.id, "why": problem.sentence})
                if left:
                    time.sleep(END_RETRY_S)
            else:
                return

    def is_keeping(self, command_id: str) -> bool:
        """Tell whether an output is still to be read and kept."""
        return self._keeping.is_waiting(command_id)

    def close(self) -> None:
        """Keep the outputs that wait for it. May be called twice."""
        self._keeping.close()

    def get(self, command_id: str, *, service: str) -> Record | None:
        """Give the record of a command on this service; None where there is none. Raise StoreProblem."""
        record = self._read(command_id, service)
        if record is not None and record.state == RUNNING and self.sweep_lost():
            record = self._read(command_id, service)
        return record

    def output(self, record: Record) -> Kept | None:
        """Give what is kept of a command's output; None where nothing is. Raise StoreProblem."""
        self._keeping.wait(record.id, KEPT_WAIT_S)
        with self._store.reading() as session:
            row = session.get(CommandOutputRow, record.id)
        if row is None or row.kept_at <= self._oldest_output():
            return None
        try:
            return unpack(self._vault.open_bytes(_owner(record.id), row.sealed))
        except WrongKey:
            log.warning("kept output does not open", extra={"command": record.id})
            return None

    def past(self, record: Record) -> KeptCommand | None:
        """Give a command that is over as one whose output can be read; None while it runs. Raise StoreProblem."""
        if record.ending is None:
            return None
        kept = self.output(record)
        frames = kept.frames if kept else ()
        return KeptCommand(id=record.id, began_at=record.started_at, ending=record.ending, frames=frames)

    def history(
        self,
        service: str,
        *,
        person: str | None,
        limit: int = 50,
        cursor: str = "",
        search: str = "",
        is_running: bool = False,
    ) -> Past:
        """List the lines of a person (None: of everybody) on a service, newest first. Raise StoreProblem.

        `search` is looked for in lines, whatever the case; `cursor` is the `next` of the page before; `is_running`
        leaves those out that have ended.
        """
        where = [CommandRow.service == service]
        where += [CommandRow.person == person] if person is not None else []
        where += [CommandRow.state == RUNNING] * is_running
        where += [func.lower(CommandRow.line).contains(search[:SEARCH_MAX_CHARS].lower(), autoescape=True)] * bool(
            search
        )
        self._sweep_lost_of(where)
        at = as_place(cursor)
        with self._store.reading() as session:
            total = session.scalar(select(func.count()).select_from(CommandRow).where(*where)) or 0
            order = (CommandRow.started_at.desc(), CommandRow.id.desc())
            wanted = select(CommandRow).where(*where, *([_before(at)] if at else [])).order_by(*order)
            rows = list(session.scalars(wanted.limit(limit + 1)))
        items = tuple(as_record(row) for row in rows[:limit])
        return Past(items=items, total=total, next=items[-1].place if len(rows) > limit else None)

    def sweep_lost(self) -> int:
        """Mark as lost what runs by its record and is held by no worker; give how many. Raise StoreProblem."""
        now = self._now()
        lost = {"state": LOST, "reason": LOST, "sentence": WORKER_DIED, "ended_at": now}
        with self._store.session() as session:
            changed = session.execute(update(CommandRow).where(*self._is_lost(now)).values(lost))
            return int(changed.rowcount)  # type: ignore[attr-defined]  # of an UPDATE

    def sweep_in_turn(self) -> None:
        """Remove what is too old or too much, when that is due; what the store says against it is logged."""
        now = self._now()
        if now - self._swept_at < SWEEP_EVERY:
            return
        self._swept_at = now
        try:
            self.sweep()
        except StoreProblem as problem:
            log.warning("records of commands not swept", extra={"why": problem.sentence})

    def sweep(self) -> None:
        """Remove what is too old, and the oldest of a service that has too much. Raise StoreProblem."""
        self.sweep_lost()
        with self._store.session() as session:
            session.execute(delete(CommandOutputRow).where(CommandOutputRow.kept_at <= self._oldest_output()))
            session.execute(delete(CommandRow).where(CommandRow.started_at <= self._now() - RECORDS_KEPT))
            counts = select(CommandRow.service).group_by(CommandRow.service).having(func.count() > RECORDS_MAX)
            for service in list(session.scalars(counts)):
                mine = select(CommandRow.started_at).where(CommandRow.service == service)
                last = session.scalar(mine.order_by(CommandRow.started_at.desc()).offset(RECORDS_MAX - 1).limit(1))
                session.execute(delete(CommandRow).where(CommandRow.service == service, CommandRow.started_at < last))
            gone = ~exists().where(CommandRow.id == CommandOutputRow.id)
            session.execute(delete(CommandOutputRow).where(gone))
            for crowded in list(session.scalars(_too_large())):
                session.execute(delete(CommandOutputRow).where(CommandOutputRow.id.in_(_beyond(crowded))))

    def _write(self, typed: Typed, command_id: str, *, state: str) -> Begun:
        now = self._now()
        with self._store.session() as session:
            session.add(as_row(typed, command_id, state=state, at=now))
        return Begun(id=command_id, person=typed.person, service=typed.service, started_at=now)

    def _read(self, command_id: str, service: str) -> Record | None:
        with self._store.reading() as session:
            row = session.get(CommandRow, command_id)
        return as_record(row) if row is not None and row.service == service else None

    def _keep(self, command_id: str, service: str, frames: Iterable[Frame], rest: Rest) -> None:
        try:
            sealed = self._vault.seal_bytes(_owner(command_id), pack(frames, rest))
        except TooSecret:
            log.info("output of a command not kept: it cannot be masked", extra={"command": command_id})
            return
        size, now = len(sealed), self._now()
        with self._store.session() as session:
            session.execute(delete(CommandOutputRow).where(CommandOutputRow.id == command_id))
            session.add(CommandOutputRow(id=command_id, service=service, kept_at=now, size_bytes=size, sealed=sealed))

    def _oldest_output(self) -> datetime:
        """Give the moment before which no output is kept: with keeping switched off, none is."""
        return self._now() - (timedelta(days=self._days) if self._keeps else timedelta(0))

    def _sweep_lost_of(self, where: list[ColumnElement[bool]]) -> None:
        """Sweep before a list is read that has lost ones in it: a reader must not see them run."""
        with self._store.reading() as session:
            found = session.scalar(select(CommandRow.id).where(*where, *self._is_lost(self._now())).limit(1))
        if found is not None:
            self.sweep_lost()

    def _is_lost(self, now: datetime) -> tuple[ColumnElement[bool], ...]:
        alive = exists().where(JobRow.id == CommandRow.id, JobRow.state == RUNNING, JobRow.heard_at > now - DEAD_AFTER)
        too_long = and_(CommandRow.mode == Mode.ONESHOT.value, CommandRow.started_at <= now - ONESHOT_LOST_AFTER)
        orphan = and_(CommandRow.mode == Mode.STREAMING.value, ~alive)
        here = list(self.running_here())
        return (CommandRow.state == RUNNING, or_(too_long, orphan), CommandRow.id.not_in(here))


def _owner(command_id: str) -> tuple[str, str]:
    return ("command output", command_id)


def _before(at: Place) -> ColumnElement[bool]:
    same = and_(CommandRow.started_at == at.started_at, CommandRow.id < at.id)
    return or_(CommandRow.started_at < at.started_at, same)


def _too_large() -> Select[Any]:
    total = func.sum(CommandOutputRow.size_bytes)
    return select(CommandOutputRow.service).group_by(CommandOutputRow.service).having(total > OUTPUTS_MAX_BYTES)


def _beyond(service: str) -> Select[Any]:
    """Name the outputs of a service that are older than what fits."""
    newest = (CommandOutputRow.kept_at.desc(), CommandOutputRow.id.desc())
    running = func.sum(CommandOutputRow.size_bytes).over(order_by=newest).label("running")
    sums = select(CommandOutputRow.id, running).where(CommandOutputRow.service == service).subquery()
    return select(sums.c.id).where(sums.c.running > OUTPUTS_MAX_BYTES)
