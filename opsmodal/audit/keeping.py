"""What a server does for the audit log beside writing it: notes heads, closes what was interrupted, forwards rows."""

from __future__ import annotations

from opsmodal.audit.duty import Duty
from opsmodal.audit.forwarding import Forwarding
from opsmodal.audit.noting import Noting
from opsmodal.audit.reading import AuditLog
from opsmodal.audit.writing import Audit
from opsmodal.settings import Settings
from opsmodal.store.store import Store


class Keeping:
    """The threads of one worker. `start()` it once, `close()` it at the end."""

    def __init__(self, store: Store, settings: Settings, audit: Audit) -> None:
        self._noting = Noting(AuditLog(store), settings.audit_heads, every_s=settings.audit_heads_every_s)
        self._duty = Duty(store, audit)
        self.forwarding = Forwarding(store, settings, self._duty)

    def start(self) -> None:
        """Begin."""
        self._noting.start()
        self._duty.start()
        self.forwarding.start()

    def close(self) -> None:
        """End, forwarding first: another worker goes on as soon as the duty is handed over. May be called twice."""
        self.forwarding.close()
        self._noting.close()
        self._duty.close()
