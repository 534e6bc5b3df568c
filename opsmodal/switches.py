"""Writes down which way Auto takes, and why, beside the fleet: nothing that is read waits for the audit log.

Each worker decides for itself, and all of them lose a line at the same moment: the same switch of the same runtime is
one row, and one line in each timeline, for SAME, whoever writes it first. The store sees to that.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import threading
from datetime import UTC, datetime, timedelta

from opsmodal.actions import CONNECTION_SWITCHED
from opsmodal.audit import Audit, Row
from opsmodal.errors import NotRecorded
from opsmodal.fleet import Switched
from opsmodal.history.happened import Happened
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store
from runtimes.history import Report

log = logging.getLogger(__name__)

ITSELF = Actor(name="opsmodal", via="auto")
SAME = timedelta(seconds=60)
"""Twice as long as a better way must be well to be taken back: one worker cannot repeat a switch within it."""
WAITING_MAX = 1_000
"""Switches that wait to be written; more than there are runtimes with several connections."""
LOOK_S = 1.0
JOIN_S = 20.0
REASON = "ConnectionSwitched"


class Switches:
    """Write switches to the audit log and the timelines, in a thread that starts with the first of them."""

    def __init__(self, audit: Audit, store: Store, registry: Registry) -> None:
        self._audit = audit
        self._happened = Happened(store)
        self._registry = registry
        self._waiting: queue.Queue[tuple[Switched, datetime] | None] = queue.Queue(WAITING_MAX)
        """None says that this is the end."""
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, switched: Switched) -> None:
        """Take a switch in; it is written soon after. From any thread."""
        told = {"runtime": switched.runtime, "before": switched.before, "after": switched.after}
        log.warning("connection switched", extra={**told, "why": switched.sentence})
        try:
            self._waiting.put_nowait((switched, datetime.now(UTC)))
        except queue.Full:
            log.error("switch of a connection not written", extra=told)
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._write_all, name="switches", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write what is waiting still, and end the thread. May be called twice."""
        with self._lock:
            thread, is_first = self._thread, not self._closing.is_set()
            self._closing.set()
        if thread is None:
            return
        if is_first:
            with contextlib.suppress(queue.Full):  # then the end is seen when what waits has been written
                self._waiting.put_nowait(None)
        thread.join(JOIN_S)

    def _write_all(self) -> None:
        while True:
            try:
                found = self._waiting.get(timeout=LOOK_S)
            except queue.Empty:
                if self._closing.is_set():
                    return
                continue
            if found is None:
                return
            switched, at = found
            try:
                self._write(switched, at)
            except (NotRecorded, StoreProblem):
                log.exception("switch of a connection not written", extra={"runtime": switched.runtime})
            except Exception:  # the top of a thread
                log.exception("switch of a connection not written", extra={"runtime": switched.runtime})

    def _write(self, switched: Switched, at: datetime) -> None:
        target = f"runtimes/{switched.runtime}: {switched.before} → {switched.after}"
        row = Row(actor=ITSELF, action=CONNECTION_SWITCHED.name, target=target)
        if not self._audit.event_once(row, detail=switched.sentence, within=SAME):
            return
        services = [each.name for each in self._registry.services() if each.runtime == switched.runtime]
        self._happened.write([_report(service, switched, at) for service in services])


def _report(service: str, switched: Switched, at: datetime) -> Report:
    told = f"{switched.runtime} {switched.before} {switched.after} {at.isoformat()}"
    return Report(
        service=service,
        key=f"switch/{hashlib.sha256(told.encode()).hexdigest()}",
        kind="Normal" if switched.is_back else "Warning",
        reason=REASON,
        subject=f"runtime/{switched.runtime}",
        message=f"{switched.before} → {switched.after}. {switched.sentence}",
        first_at=at,
        last_at=at,
    )
