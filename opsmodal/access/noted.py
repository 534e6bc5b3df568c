"""Writes down which access has ended, and why, beside the watch: an audit log that is slow must not delay an end.

What ended together for one sign-in on one service is one row, however many streams it were.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Iterator
from itertools import groupby

from opsmodal.access.why import Ended
from opsmodal.actions import ACCESS_ENDED
from opsmodal.audit import Audit, Row
from opsmodal.errors import NotRecorded
from opsmodal.permissions import Actor

log = logging.getLogger(__name__)

WAITING_MAX = 10_000
"""More ends than that at once are in the server's own log only."""
LOOK_S = 1.0
JOIN_S = 20.0
TARGETS_MAX = 3
"""Streams that a row names before "and N more"."""

End = tuple[Actor, str, str, Ended]
"""Whose access ended, on which service, to what, and why."""


class Noted:
    """Write ends to the audit log, one after the other, in a thread that starts with the first of them."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._waiting: queue.Queue[tuple[Row, str]] = queue.Queue(WAITING_MAX)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, ends: Iterable[End]) -> None:
        """Take ends in; they are written soon after. Called by one thread only."""
        for row, detail in _rows(ends):
            try:
                self._waiting.put_nowait((row, detail))
            except queue.Full:
                log.error("end of access not written", extra={"actor": row.actor.name, "why": detail})
        if self._thread is None and not self._waiting.empty():
            self._thread = threading.Thread(target=self._write_all, name="access-noted", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is waiting still, and end the thread. May be called twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def _write_all(self) -> None:
        while True:
            try:
                row, detail = self._waiting.get(timeout=LOOK_S)
            except queue.Empty:
                if self._closing.is_set():
                    return
                continue
            self._write(row, detail)

    def _write(self, row: Row, detail: str) -> None:
        try:
            self._audit.event(row, outcome="done", detail=detail)
        except NotRecorded:
            log.exception("end of access not written", extra={"actor": row.actor.name, "why": detail})
        except Exception:  # the top of a thread
            log.exception("end of access not written", extra={"actor": row.actor.name, "why": detail})


def _rows(ends: Iterable[End]) -> Iterator[tuple[Row, str]]:
    ordered = sorted(ends, key=_together)
    for _, group in groupby(ordered, key=_together):
        same = list(group)
        actor, service, _, ended = same[0]
        targets = [target for target in dict.fromkeys(target for _, _, target, _ in same) if target]
        more = len(targets) - TARGETS_MAX
        told = ", ".join(targets[:TARGETS_MAX]) + (f" and {more} more" if more > 0 else "")
        yield Row(actor=actor, action=ACCESS_ENDED.name, service=service, target=told), ended.detail


def _together(end: End) -> tuple[str, str, str, str]:
    actor, service, _, ended = end
    return (actor.name, actor.via, service, ended.detail)
