"""Lets a program dial an engine that wants TLS, without giving it the key: a local end that speaks TLS for it.

The engine's own programs check a certificate against the address that they dial, which a tunnel's local end is not, and
podman 4.3 knows no TLS at all. So they dial a Unix socket that nobody else enters (`connectors.forwarding`), and what
they say is carried over TLS that is checked against the engine's registered name.
"""

from __future__ import annotations

import select
import socket
import ssl
import tempfile
import threading
import time
from pathlib import Path

from connectors.direct import Dial
from connectors.errors import Unreachable
from connectors.forwarding import Forwards
from runtimes.engine.dialled import Dialled
from runtimes.engine.hijack import connected
from runtimes.errors import RuntimeProblem

LOOK_S = 0.5
WRITE_S = 60.0
"""An engine that takes nothing for so long is gone."""
ADDRESS = "unix:///engine"
"""What the local end is asked for by; where it leads is this module's."""


class Secured:
    """A local end for one engine, open until it is closed."""

    def __init__(self, dialled: Dialled) -> None:
        self._dialled = dialled
        self._forwards = Forwards(Path(tempfile.gettempdir()), self._dial, name=f"TLS to {dialled.place}")
        self.address = self._forwards.reach(ADDRESS).address

    def close(self) -> None:
        """End its connections. May be called twice."""
        self._forwards.close()

    def _dial(self, _target: Dial) -> TLSEnd:
        try:
            sock = connected(self._dialled)
        except RuntimeProblem as problem:
            raise Unreachable(problem.sentence, hint=problem.hint) from problem
        if not isinstance(sock, ssl.SSLSocket):
            sock.close()
            raise Unreachable(f"{self._dialled.place} is registered without certificates.")
        return TLSEnd(sock)


class TLSEnd:
    """A TLS connection that one thread reads while another writes: OpenSSL lets only one of them in at a time."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._turn = threading.Lock()
        self._closed = threading.Event()

    def recv(self, size: int, /) -> bytes:
        """Give what came; b"" at an orderly end. Raise OSError for a loss."""
        while not self._closed.is_set():
            with self._turn:
                try:
                    return self._sock.recv(size)
                except ssl.SSLWantReadError:
                    wanted = select.POLLIN
                except ssl.SSLWantWriteError:
                    wanted = select.POLLOUT
            self._wait(wanted)
        return b""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it. Raise OSError for a loss, and for an engine that takes nothing any more."""
        left, deadline = memoryview(data), time.monotonic() + WRITE_S
        while left:
            if self._closed.is_set() or time.monotonic() > deadline:
                raise ConnectionResetError("the engine takes nothing any more")
            with self._turn:
                try:
                    left, wanted = left[self._sock.send(left) :], 0
                except ssl.SSLWantReadError:
                    wanted = select.POLLIN
                except ssl.SSLWantWriteError:
                    wanted = select.POLLOUT
            if wanted:
                self._wait(wanted)

    def shutdown(self, how: int, /) -> None:
        """End both ways; saying only "no more" is nothing that HTTP over TLS needs."""
        if how == socket.SHUT_RDWR:
            self._closed.set()
            socket.socket.shutdown(self._sock, how)

    def close(self) -> None:
        """Give the connection back. May be called twice."""
        self._closed.set()
        with self._turn:
            self._sock.close()

    def _wait(self, wanted: int) -> None:
        polled = select.poll()
        try:
            polled.register(self._sock, wanted)
            polled.poll(LOOK_S * 1000)
        except ValueError as error:  # it was closed meanwhile
            raise ConnectionResetError("closed") from error
