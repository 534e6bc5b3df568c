"""What one person may make the server hold for them: so many sockets, and so many unread messages in each.

The library under the sockets keeps every message for somebody to read it, and most of our sockets read none: a client
that only sends, well compressed, would fill the memory of the server.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opsmodal.errors import TooMany

PER_PERSON_MAX = 100
"""Twenty pages that follow, several times over while they reconnect; the places of a worker are everybody's."""
UNREAD_MAX = 16
"""Our pages send a few words at most."""
RETRY_S = 20.0


class Inbox(list[Any]):
    """Messages that nobody has read yet. Too many raise OSError, which ends the connection."""

    def append(self, message: Any) -> None:
        """Keep one more."""
        if len(self) >= UNREAD_MAX:
            raise OSError("more messages than anybody reads")
        super().append(message)


class Held:
    """Count the sockets that each person holds in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    @contextmanager
    def by(self, name: str) -> Iterator[None]:
        """Hold one more while the block lasts. Raise TooMany."""
        with self._lock:
            if self._counts[name] >= PER_PERSON_MAX:
                sentence = f"You hold {PER_PERSON_MAX} live connections already."
                raise TooMany(sentence, hint="Close some pages.", retry_after_s=RETRY_S)
            self._counts[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._counts[name] -= 1
                if not self._counts[name]:
                    del self._counts[name]
