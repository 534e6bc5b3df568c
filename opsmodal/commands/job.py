"""A streaming command as a job of the server: what it writes goes into a spool that pages read from by offset.

It never waits for its readers, and lives on without any until one of its limits: its spool has room for all that it
may write. However it ends, its stream is closed, and with that what it started; who reads is told once, and at last.
It refuses to know who may read it: see `opsmodal.commands.jobs`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from connectors.base import Ended, Exit, Output
from connectors.errors import ConnectionProblem
from opsmodal.access import Access
from opsmodal.commands.ending import (
    LOST,
    NOT_GONE,
    OUTPUT_LIMIT,
    STOPPED,
    TIMEOUT,
    UNTOLD,
    WITH_THE_SERVER,
    Ending,
    Reason,
    said,
    stopped_by,
    timed_out,
    too_much,
)
from opsmodal.commands.pieces import Gathering
from opsmodal.pump import NO_LONGER_ALLOWED, Pump
from opsmodal.spool import Spool
from runtimes.commands import Started
from runtimes.errors import RuntimeProblem

log = logging.getLogger(__name__)

END_WAIT_S = 20.0
"""How long a command may take to be gone that is to end; after that its readers are told that nobody knows."""
FORBIDDEN_WAIT_S = 3.0
"""The same for one whose right has ended: that must be felt within 5 s."""

STOP_WAIT_S = 5.0
"""How long whoever stops a command waits to be told that it is gone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a command may take, and how much it may write."""

    seconds: float
    bytes: int


class Readable(Protocol):
    """A command whose output can be read: here, in another process, or out of its record."""

    @property
    def id(self) -> str: ...

    @property
    def began_at(self) -> datetime: ...

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it runs."""
        ...

    def read(self, offset: int, *, limit: int, wait_s: float) -> Sequence[tuple[int, bytes]]:
        """Give at most `limit` pieces from `offset` on, as `pieces.packed` writes them; wait for the first.

        None come at the end. Raise spool.Gone where pieces are missing, Closed when it can be read here no more.
        """
        ...


class Closed(Exception):
    """The output of a command is kept here no longer: its record may have it."""


class CommandJob(Pump[Output | Exit]):
    """One streaming command. `notes` and `identity` are those that it was started with."""

    BROKEN = LOST
    KEPT = "this output"

    def __init__(
        self,
        job_id: str,
        *,
        owner: str,
        service: str,
        spool: Spool,
        started: Started,
        access: Access,
        limits: Limits,
        done: Callable[[CommandJob], None],
    ) -> None:
        super().__init__(job_id, owner=owner, service=service, spool=spool, stream=started.stream, access=access)
        self.identity = started.identity
        self.notes = started.notes
        self.limits = limits
        self.ending: Ending | None = None
        self._done = done
        self._began = time.monotonic()
        self._exit: Exit | None = None
        self._wanted: tuple[Reason, str] | None = None
        """Why it is to end, once somebody has said so."""
        self._wanted_at = 0.0
        self._closed = False
        self._helpers: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._gathering = Gathering(self._put)
        self._begin(f"command-{job_id[:6]}")

    @property
    def is_way_lost(self) -> bool:
        """Whether its stream itself said that the way to it was lost."""
        return self._exit is not None and self._exit.reason is Ended.LOST

    @property
    def due_s(self) -> float:
        """How long until something is due: its limit, or to be told as lost because it does not end."""
        if self._wanted is None:
            return self._began + self.limits.seconds - time.monotonic()
        return self._wanted_at + (FORBIDDEN_WAIT_S if self.forbidden else END_WAIT_S) - time.monotonic()

    def read(self, offset: int, *, limit: int, wait_s: float) -> Sequence[tuple[int, bytes]]:
        """Give pieces from `offset` on; see Readable."""
        self._touched = time.monotonic()
        until = self._touched + wait_s
        if self._gathering.due_s == 0:
            self._flush_due()
        while not self.ended and not self._spool.wait(offset, timeout_s=0):
            due_s, left_s = self._gathering.due_s, until - time.monotonic()
            if due_s == 0:
                self._flush_due()
            elif left_s <= 0:
                break
            else:
                self._spool.wait(offset, timeout_s=left_s if due_s is None else min(due_s, left_s))
        if self._closed:
            raise Closed
        return self._spool.read(offset, limit)

    def want_end(self, reason: Reason, sentence: str) -> None:
        """Begin to end it, and wait for nothing; what was said first is what it ends by."""
        with self._lock:
            if self._wanted is not None or self.ended:
                return
            self._wanted, self._wanted_at = (reason, sentence), time.monotonic()
            self._help("end", self._close_stream)

    def end_by(self, person: str) -> Ending | None:
        """Stop it in somebody's name; give how it ended, None when it has not within STOP_WAIT_S."""
        self.want_end(STOPPED, stopped_by(person))
        self._join(STOP_WAIT_S)
        return self.ending

    def wait_over(self, timeout_s: float) -> None:
        """Wait until it has ended, and that is written."""
        self._join(timeout_s)

    def forbid(self) -> None:
        """End it because the right or the sign-in under it has ended; waits for nothing."""
        self.forbidden = True
        self.want_end(STOPPED, NO_LONGER_ALLOWED)

    def tend(self) -> None:
        """Do what is due: end it at its limit, and say what is not known of one that does not end."""
        if self.ended or self.due_s > 0:
            return
        if self._wanted is None:
            self.want_end(TIMEOUT, timed_out(self.limits.seconds))
        else:
            log.warning("command not confirmed as gone", extra={"job": self.id})
            self._wanted, self._wanted_at = (LOST, NOT_GONE), time.monotonic()
            self._help("lost", lambda: self._over(LOST, NOT_GONE))

    def stop(self, reason: str = STOPPED) -> None:  # noqa: ARG002  (a holder's word; there is one reason here)
        """End it with the process, wait for that, and give its spool back. May be called twice."""
        self.want_end(STOPPED, WITH_THE_SERVER)
        self.wait_over(END_WAIT_S)
        for helper in self._helpers:
            helper.join(END_WAIT_S)
        self._closed = True
        self._spool.close()

    def _take_in(self) -> tuple[Reason, str]:
        try:
            for item in self._stream:
                if isinstance(item, Exit):
                    self._exit = item
                    if item.reason is Ended.LOST:  # whoever wanted it to end cannot be told that it did
                        self._wanted = None
                    return said(item, limit_s=self.limits.seconds)
                if self._wanted is not None:
                    continue  # until its Exit, which may have the code
                if not self._take(item):
                    self.want_end(OUTPUT_LIMIT, too_much(self.limits.bytes))
        finally:
            self._stream.close()
        return LOST, UNTOLD

    def _take(self, output: Output) -> bool:
        """Take a write in as far as there is room; False when there is not for all of it."""
        data = output.data[: self.limits.bytes - self.spooled_bytes]
        try:
            if self._gathering.add(output.source, data):
                self._spool.wake()
        except OSError as problem:
            self._want_end_of_full(problem)
            return True
        self.spooled_bytes += len(data)
        return len(data) == len(output.data)

    def _put(self, records: list[bytes]) -> None:
        self._spool.extend(records)

    def _flush_due(self) -> None:
        """Put what waits for more, on a reader's thread."""
        try:
            self._gathering.flush_due()
        except OSError as problem:
            self._want_end_of_full(problem)

    def _want_end_of_full(self, problem: OSError) -> None:
        log.warning("command output not spooled", extra={"job": self.id, "why": problem.strerror})
        sentence = f"The command was stopped: the server cannot keep its output ({problem.strerror or 'disk fails'})."
        self.want_end(STOPPED, sentence)

    def _help(self, what: str, call: Callable[[], None]) -> None:
        """Do what may wait on a thread beside whoever asks for it."""
        helper = threading.Thread(target=call, name=f"command-{what}-{self.id[:6]}", daemon=True)
        self._helpers.append(helper)
        helper.start()

    def _close_stream(self) -> None:
        try:
            self._stream.close()
        except (RuntimeProblem, ConnectionProblem, OSError):
            log.exception("command not ended", extra={"job": self.id})
        except Exception:  # the top of a thread
            log.exception("command not ended", extra={"job": self.id})

    def _over(self, word: str, sentence: str) -> None:
        with self._lock:
            if self.ending is not None:
                return
            reason, sentence = self._wanted or (word, sentence)
            self._finish_output()
            self.ending = Ending(
                exit_code=self._exit.code if self._exit else None,
                reason=cast(Reason, reason),
                sentence=sentence,
                duration_ms=int((time.monotonic() - self._began) * 1000),
                bytes=self.spooled_bytes,
            )
        super()._over(reason, sentence)
        self._done(self)

    def _finish_output(self) -> None:
        try:
            self._gathering.finish()
        except (OSError, ValueError):  # the disk is full, or the spool is closed already: the end is told all the same
            log.warning("last output not spooled", extra={"job": self.id})
