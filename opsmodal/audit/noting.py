"""Notes the signed head of the log in a file, again and again: what is cut off afterwards is found.

The file may lie on another disk or be collected by another machine; without it only the head in the store is left,
which somebody who puts the whole store back to an older state puts back as well.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from opsmodal.audit.heads import note
from opsmodal.audit.reading import AuditLog
from opsmodal.store.errors import StoreProblem

log = logging.getLogger(__name__)

JOIN_MAX_S = 10.0


class Noting:
    """A thread that notes heads. A failure is logged and tried again: noting never holds up what is noted."""

    def __init__(self, audit: AuditLog, path: Path, *, every_s: float) -> None:
        self._audit = audit
        self._path = path
        self._every_s = every_s
        self._last = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-heads", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Note once more, and end. May be called twice."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_MAX_S)

    def _run(self) -> None:
        while not self._closing.wait(self._every_s):
            self._note()
        self._note()

    def _note(self) -> None:
        try:
            head = self._audit.head()
            if head is not None and head.id != self._last:
                note(self._path, head)
                self._last = head.id
        except (StoreProblem, SQLAlchemyError, OSError) as problem:
            log.warning("audit head not noted", extra={"path": str(self._path), "why": type(problem).__name__})
