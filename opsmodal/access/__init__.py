"""The leave of open streams to go on: sockets, downloads and jobs end within 5 s when the right under them ends.

One watch in each process looks after all of them (`watch`); why one has ended is found out by values alone (`why`).
It reads the store and the registry, writes the audit log, and knows no socket and no request.
"""

from opsmodal.access.access import Access, Hold
from opsmodal.access.watch import Watch
from opsmodal.access.why import Needs

__all__ = ["Access", "Hold", "Needs", "Watch"]
