"""What one worker of all does for the audit log: close interrupted actions, and forward rows. Whoever holds the lease.

Each worker also keeps a lease under the name of its own process, by which workers on other hosts know that it lives.
What a process of this place held is taken at once when the kernel says that it is gone: after a crash nothing waits for
a lease to run out. It never touches an action of its own process, and a store that is away only makes it wait.
"""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from opsmodal.audit.interrupted import Interrupted
from opsmodal.audit.process import is_running, marked
from opsmodal.audit.writing import Audit
from opsmodal.history.leases import RENEW_S, Leases
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store

log = logging.getLogger(__name__)

DUTY = "audit duty"
PAUSE_S = 0.005
"""Between steps through a long log: requests go first."""
JOIN_MAX_S = 10.0


class Duty:
    """The duty of one worker. `start()` it once, `close()` it at the end."""

    def __init__(self, store: Store, audit: Audit, *, every_s: float = RENEW_S) -> None:
        self._process = audit.process
        self._leases = Leases(store, holder=self._process.mark)
        self._interrupted = Interrupted(store, audit, self._leases)
        self._every_s = every_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-duty", daemon=True)

    @property
    def is_here(self) -> bool:
        """Whether the duty is this worker's at this moment."""
        return DUTY in self._leases.held

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and let another worker take over at once. May be called twice."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_MAX_S)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._round()
            self._ending.wait(self._every_s)
        try:
            self._leases.release()
        except (StoreProblem, SQLAlchemyError):
            log.info("audit duty not handed over: its lease runs out by itself")

    def _round(self) -> None:
        try:
            self._leases.keep((self._process.mark, DUTY))
            if not self.is_here and self._is_left_behind():
                self._leases.keep((self._process.mark, DUTY))
            if self.is_here:
                self._interrupted.close(lambda: self._ending.wait(PAUSE_S) or not self.is_here)
        except (StoreProblem, SQLAlchemyError) as problem:
            log.warning("audit duty not done", extra={"why": getattr(problem, "sentence", type(problem).__name__)})
        except Exception:  # the top of a thread: it goes on
            log.exception("audit duty failed")

    def _is_left_behind(self) -> bool:
        """Take the duty from a process of this place that is gone; tell whether there was one."""
        mark = self._leases.holder(DUTY)
        holder = marked(mark)
        if holder is None or holder.place != self._process.place or is_running(holder):
            return False
        self._leases.drop(mark)
        return True
