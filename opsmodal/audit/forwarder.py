"""Forwards the audit log to one target: in order, again and again until it is taken, and nothing is left out.

The position is moved only after the target has taken a batch, so a row may come twice (it has its number) and never
not at all. A target that is away is tried for ever, less and less often; nobody else waits for it. It starts at the
first row there is, so that a receiver holds the whole chain. Signed heads follow the rows that they are of.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from opsmodal.audit.exporting import fields
from opsmodal.audit.heads import Head
from opsmodal.audit.positions import Positions
from opsmodal.audit.reading import AuditLog
from opsmodal.audit.targets import Line, NotTaken, Target
from opsmodal.store.errors import StoreProblem
from opsmodal.store.tables import AuditRow

log = logging.getLogger(__name__)

BATCH_ROWS = 200
POLL_S = 1.0
"""How often is looked for new rows when there were none."""
BACK_OFF_FIRST_S, BACK_OFF_MAX_S = 0.5, 60.0
JOIN_MAX_S = 10.0
HEAD = "head"
"""What a head has as its `entry`, beside intent, outcome and refusal."""
AWAY = "The store does not answer, so nothing is forwarded."


class Forwarder:
    """One target and the thread that serves it. `may` says whether this worker is the one that forwards."""

    def __init__(
        self, target: Target, audit: AuditLog, positions: Positions, *, may: Callable[[], bool], heads_every_s: float
    ) -> None:
        self.name, self.confirms = target.name, target.confirms
        self.trouble = ""
        """Why the last try failed, a sentence; empty while all is well, or another worker forwards."""
        self._target = target
        self._audit = audit
        self._positions = positions
        self._may = may
        self._heads_every_s = heads_every_s
        self._position: int | None = None
        self._moved: int | None = None
        """The position as the store has it."""
        self._head: Head | None = None
        self._head_sent, self._head_due_at = 0, 0.0
        self._failures, self._batch_rows = 0, BATCH_ROWS
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"audit-forward {target.name}"[:60], daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Ask it to end. May be called twice."""
        self._ending.set()

    def join(self, within_s: float = JOIN_MAX_S) -> None:
        """Wait until it has ended."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, within_s))

    def _run(self) -> None:
        while not self._ending.is_set():
            self._ending.wait(self._step())
        self._target.close()

    def _step(self) -> float:
        """Forward what is next; give how long to wait before the next step."""
        try:
            if not self._may():
                self._let_go()
                return POLL_S
            sent = self._forward()
        except NotTaken as problem:
            return self._failed(problem.sentence)
        except (StoreProblem, SQLAlchemyError):
            return self._failed(AWAY)
        except Exception:  # the top of a thread: it goes on
            log.exception("forwarding failed", extra={"target": self.name})
            return self._failed("Something went wrong inside opsmodal: its log says what.")
        if sent and self.trouble:
            log.info("audit rows are taken again", extra={"target": self.name})
        self.trouble, self._failures = "", 0
        self._batch_rows = min(BATCH_ROWS, self._batch_rows * 2)
        return 0.0 if sent else POLL_S

    def _let_go(self) -> None:
        """Forget what was known while another worker forwards."""
        self._target.close()
        self._position, self._head, self.trouble, self._failures = None, None, "", 0

    def _forward(self) -> int:
        """Send one batch, and then its head where one is due; give how many rows that were."""
        position = self._begun_at() if self._position is None else self._position
        rows = self._audit.after(position, self._batch_rows)
        lines = [row_line(row) for row in rows]
        if lines:
            self._target.take(lines)
            self._position = position = lines[-1].id
        if position != self._moved:
            self._positions.move(self.name, position)
            self._moved = position
        self._forward_head(position)
        if not lines:
            self._target.look_after()
        return len(lines)

    def _begun_at(self) -> int:
        """Give where to go on. A position beyond the end is from a store that was put back: begin again then."""
        position, head = self._positions.of(self.name), self._audit.head()
        if position > (head.id if head else 0):
            log.error("audit position beyond the last row", extra={"target": self.name, "row": position})
            self._positions.put_back(self.name)
            position = 0
        self._position = self._moved = position
        return position

    def _forward_head(self, position: int) -> None:
        """Send the head that is due once everything up to its row was sent."""
        if self._head is None and time.monotonic() >= self._head_due_at:
            self._head = self._audit.head()
            self._head_due_at = time.monotonic() + self._heads_every_s
        head = self._head
        if head is None or head.id > position:
            return
        if head.id != self._head_sent:
            self._target.take([head_line(head)])
        self._head, self._head_sent = None, head.id

    def _failed(self, sentence: str) -> float:
        if sentence != self.trouble:
            log.warning("audit rows not taken", extra={"target": self.name, "why": sentence})
        self.trouble = sentence
        self._batch_rows = max(1, self._batch_rows // 2)  # one that is too large for the target gets through so
        longest_s = min(BACK_OFF_MAX_S, BACK_OFF_FIRST_S * float(1 << min(self._failures, 16)))
        self._failures += 1
        return longest_s * random.uniform(0.5, 1.0)  # noqa: S311  (spreads tries, keeps nothing secret)


def row_line(row: AuditRow) -> Line:
    """Write a row as the export does."""
    return Line(id=row.id, at=row.at, text=_json(fields(row)))


def head_line(head: Head) -> Line:
    """Write a head, marked as one; `opsmodal audit verify --heads` reads it."""
    value = {"entry": HEAD, **msgspec.to_builtins(head)}
    return Line(id=head.id, at=head.at, text=_json(value), is_head=True)


def _json(value: dict[str, object]) -> bytes:
    """Write JSON in ASCII: it stands in any transport, whatever that takes for the end of a line."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()


def together(forwarders: Sequence[Forwarder]) -> None:
    """End several, all within the time of one."""
    for each in forwarders:
        each.close()
    deadline = time.monotonic() + JOIN_MAX_S
    for each in forwarders:
        each.join(deadline - time.monotonic())
