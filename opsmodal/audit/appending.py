"""Appends rows to the chain, those that arrive together in one transaction: each commit waits once for the disk.

Whoever comes first leads: it writes for everybody who waits (a group commit), and hands the lead to the next who came
meanwhile. Each goes on only when the transaction with its row is committed. A row that cannot be written fails its own
writer alone; a store that cannot be written fails them all. There is no thread: nobody waits while nobody writes.

What people typed is made so that every store takes it: an attempt must not go unwritten because of a character in it.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from opsmodal.audit.chain import GENESIS, chained
from opsmodal.audit.heads import Head, Signer
from opsmodal.store.errors import Busy, StoreProblem
from opsmodal.store.store import WRITE_WAIT_S, Store
from opsmodal.store.tables import AuditHeadRow, AuditRow

LOCK = "audit"
HEAD_PLACE = 1
"""The only row there is in the table of the head."""
TOGETHER_MAX = 200
"""Rows in one transaction: other writers of the store must have their turn within a fraction of a second."""
WAITING_MAX = 10_000
"""More than there are connections (4,000) and streams: beyond that something is wrong."""

Draft = Callable[[Connection], AuditRow]
"""Makes the row inside the transaction that writes it; the hash is filled in."""
_COLUMNS = tuple(column for column in AuditRow.__mapper__.column_attrs if column.key != "id")
_LENGTHS = {column.key: getattr(column.columns[0].type, "length", None) for column in _COLUMNS}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL takes no NUL, and halves of surrogate pairs cannot be written as UTF-8, nor hashed."""
REPLACEMENT = "\ufffd"
_ROWS = AuditRow.metadata.tables[AuditRow.__tablename__]
_HEADS = AuditRow.metadata.tables[AuditHeadRow.__tablename__]
_LAST = select(_ROWS.c.hash).order_by(_ROWS.c.id.desc()).limit(1)
_INSERT = insert(_ROWS).returning(_ROWS.c.id)
_MOVE_HEAD = update(_HEADS).where(_HEADS.c.place == HEAD_PLACE)
_FIRST_HEAD = insert(_HEADS)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A row on its way. It is settled when it is committed (`number`), or will not be (`problem`)."""

    draft: Draft
    leads: bool = False
    number: int = 0
    problem: Exception | None = None
    is_settled: bool = False
    called: threading.Event = field(default_factory=threading.Event)
    """Set when it is settled, or has to lead."""


class Appending:
    """Append rows in the order in which they arrive."""

    def __init__(self, store: Store, signer: Signer) -> None:
        self._store = store
        self._signer = signer
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._is_led = False

    def append(self, draft: Draft) -> int:
        """Write a row and give its number once it is committed. Raise StoreProblem, SQLAlchemyError or ValueError."""
        mine = self._queued(draft)
        try:
            if mine.leads or (mine.called.wait(WRITE_WAIT_S) and mine.leads):
                self._lead(mine)
        finally:
            self._leave(mine)
        if mine.problem is not None:
            raise mine.problem
        if not mine.is_settled:
            raise _busy()
        return mine.number

    def _queued(self, draft: Draft) -> _Waiting:
        with self._lock:
            if len(self._waiting) >= WAITING_MAX:
                raise _busy()
            mine = _Waiting(draft, leads=not self._is_led)
            self._waiting.append(mine)
            self._is_led = True
        return mine

    def _lead(self, mine: _Waiting) -> None:
        # On SQLite nothing here lets another greenlet run: without this nobody would ever come along.
        time.sleep(0)
        while not mine.is_settled:
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(min(TOGETHER_MAX, len(self._waiting)))]
            self._write(batch)

    def _leave(self, mine: _Waiting) -> None:
        """Go, whatever has happened: what was given up is written by nobody, and the lead goes to the next."""
        with self._lock:
            if not mine.is_settled and mine in self._waiting:
                self._waiting.remove(mine)
            if not mine.leads:
                return
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].called.set()

    def _write(self, batch: Sequence[_Waiting]) -> None:
        """Write a batch, or each of its rows by itself when one of them spoils it; all are settled afterwards."""
        try:
            numbers = self._committed(batch)
        except StoreProblem as problem:
            _fail(batch, problem)
        except Exception as problem:  # noqa: BLE001  (whoever waits for the row gets it, and raises it)
            if len(batch) == 1:
                _fail(batch, problem)
            else:
                for each in batch:
                    self._write([each])
        else:
            for each, number in zip(batch, numbers, strict=True):
                each.number = number
                _settle(each)
        finally:
            _fail(batch, _busy())  # whoever wrote was ended in the middle: the others must not wait for ever

    def _committed(self, batch: Sequence[_Waiting]) -> list[int]:
        """Chain, insert and sign in one transaction; give the numbers of the rows."""
        numbers = []
        with self._store.writing() as connection:
            self._store.lock(connection, LOCK)
            before, row = connection.scalar(_LAST) or GENESIS, None
            for each in batch:
                row = _storable(each.draft(connection))
                row.hash = before = chained(before, row)
                numbers.append(_inserted(connection, row))
            if row is not None:
                _note(connection, self._signer.signed(number=numbers[-1], row_hash=before, at=row.at))
        return numbers


def _storable(row: AuditRow) -> AuditRow:
    for column in _COLUMNS:
        value = getattr(row, column.key)
        if isinstance(value, str):
            kept = _UNSTORABLE.sub(REPLACEMENT, value)[: _LENGTHS[column.key]]
            if kept != value:
                setattr(row, column.key, kept)
    return row


def _inserted(connection: Connection, row: AuditRow) -> int:
    values = {column.columns[0].name: getattr(row, column.key) for column in _COLUMNS}
    return int(connection.execute(_INSERT, values).scalar_one())


def _note(connection: Connection, head: Head) -> None:
    values = {"row_id": head.id, "hash": head.hash, "at": head.at, "signature": head.signature}
    if not connection.execute(_MOVE_HEAD, values).rowcount:
        connection.execute(_FIRST_HEAD, {"place": HEAD_PLACE, **values})


def _fail(batch: Sequence[_Waiting], problem: Exception) -> None:
    for each in batch:
        if not each.is_settled:
            each.problem = problem
            _settle(each)


def _settle(each: _Waiting) -> None:
    each.is_settled = True
    each.called.set()


def _busy() -> Busy:
    return Busy("The audit log is busy.", hint="Try again in a moment.")
