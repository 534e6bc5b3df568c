"""The TCP socket under a WebSocket, made to send whole frames or none more.

The library below calls `send` and takes it for `sendall`: under gevent a large frame is then cut in its middle, and
pings from its own thread land between the parts. A reader that takes nothing for SEND_MAX_S is cut off: its job goes
on, and it can come back.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

SEND_MAX_S = 20.0
SERVER_KEYS = ("werkzeug.socket", "gunicorn.socket")
"""Where the servers put the socket of a request."""


class WholeSocket:
    """A socket whose `send` sends all, one sender at a time, within SEND_MAX_S; the rest is the socket's own."""

    def __init__(self, below: socket.socket) -> None:
        self._below = below
        self._sending = threading.Lock()
        below.settimeout(SEND_MAX_S)

    def send(self, data: bytes) -> int:
        """Send all of `data`. Raise OSError, and end the connection, when that cannot be done in time."""
        with self._sending:
            try:
                self._below.sendall(data)
            except OSError:
                self.end()
                raise
        return len(data)

    def end(self) -> None:
        """End the connection for both sides; wakes a thread that waits to read."""
        with suppress(OSError):
            self._below.shutdown(socket.SHUT_RDWR)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


def make_whole(environ: dict[str, Any]) -> None:
    """Put a whole socket into the place where the WebSocket library looks for it."""
    for key in SERVER_KEYS:
        if key in environ:
            environ[key] = WholeSocket(environ[key])
