"""What people may make the server hold for them: so many sockets, and so many unread messages in each.

The library under the sockets keeps every message for somebody to read it, and most of our sockets read none: a client
that only sends, well compressed, would fill the memory of the server.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from simple_websocket import ConnectionClosed, Server

from opsmodal.errors import TooMany

PER_PERSON_MAX = 100
"""Twenty pages that follow, several times over while they reconnect; the places of a worker are everybody's."""
UNREAD_MAX = 16
"""Our pages send a few words at most."""
RETRY_S = 20.0
IN_TOTAL_MAX = 3000
"""Of the connections of one process; the rest is for pages, so that they are served whoever follows."""
GOING_AWAY = 1001
"""The close code of an endpoint that goes away (RFC 6455, 7.4.1)."""
TOLD_AT_ONCE = 64
"""A page that takes nothing must not keep the others from being told."""
_LATER = "Try again in a moment."


class Inbox(list[Any]):
    """Messages that nobody has read yet. Too many raise OSError, which ends the connection."""

    def append(self, message: Any) -> None:
        """Keep one more."""
        if len(self) >= UNREAD_MAX:
            raise OSError("more messages than anybody reads")
        super().append(message)


class Held:
    """The sockets that people hold in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._open: set[Server] = set()
        self._leaving = False

    @property
    def count(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    @contextmanager
    def by(self, name: str, socket: Server) -> Iterator[None]:
        """Hold one more while the block lasts. Raise TooMany, or ConnectionClosed when the server goes away."""
        with self._lock:
            self._demand_room(name)
            self._counts[name] += 1
            self._open.add(socket)
            leaving = self._leaving
        try:
            if leaving:
                _tell_to_come_back(socket)
            yield
        finally:
            with self._lock:
                self._open.discard(socket)
                self._counts[name] -= 1
                if not self._counts[name]:
                    del self._counts[name]

    def leave(self) -> None:
        """Tell every page that the server goes away, so that it comes back at once, to whoever serves then."""
        with self._lock:
            self._leaving = True
            open_now = list(self._open)
        with ThreadPoolExecutor(TOLD_AT_ONCE, thread_name_prefix="going-away") as telling:
            list(telling.map(_tell_to_come_back, open_now))

    def _demand_room(self, name: str) -> None:
        if len(self._open) >= IN_TOTAL_MAX:
            raise TooMany("The server holds all the live connections it can.", hint=_LATER, retry_after_s=RETRY_S)
        if self._counts[name] >= PER_PERSON_MAX:
            sentence = f"You hold {PER_PERSON_MAX} live connections already."
            raise TooMany(sentence, hint="Close some pages.", retry_after_s=RETRY_S)


def _tell_to_come_back(socket: Server) -> None:
    with suppress(ConnectionClosed, OSError):
        socket.close(GOING_AWAY, "The server restarts.")
