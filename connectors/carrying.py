"""Carries the bytes of one connection between its near and its far end, until both sides have ended.

Bytes go as they come: nothing is looked into and nothing kept beyond one buffer for each way, so a slow reader slows
the writer down. An end is passed on as an end, a loss as a loss: over TCP the near end reads "connection reset" and
never takes a stream that broke for a whole one. A Unix socket has no such word; there the length or the chunks of an
HTTP body tell. Where nothing was said there is nothing to mistake, and an end does: a reset so early finds clients
between connecting and TLS, where CPython 3.11 (ssl.py, SSLSocket._create) forgets to close its socket.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from connectors.errors import ConnectionProblem
from connectors.peers import has_left

BUFFER_BYTES = 256 * 1024
LOOK_S = 2.0
"""How often somebody who has said all is looked for: they may have gone without waiting for the answer."""
ANSWERED_S = 60.0
"""How long a near end may keep a connection that the far side has ended: a client's pool keeps it until it looks."""
GRACE_S = 0.2
"""For a thread to see that all is over, before a socket that it writes to is shut under it."""
JOIN_S = 5.0
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends a reset and not an end (socket(7))."""


class FarEnd(Protocol):
    """The far end of a carried connection: a socket, or what behaves like one.

    `recv` gives b"" at an orderly end; it raises OSError when the way was lost, and may raise a ConnectionProblem when
    the far side turns out to refuse. `close` may be called twice and from another thread: after `shutdown` with
    SHUT_RDWR and `close`, whoever waits in `recv` or `sendall` gets out of it.
    """

    def recv(self, size: int, /) -> bytes: ...

    def sendall(self, data: bytes, /) -> None: ...

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...


class Carried:
    """One connection that is carried; `problem` is what the far side said when it refused late.

    `refused` is called with it before the near end is closed: whoever reads the end there may ask why at once.
    """

    def __init__(
        self, near: socket.socket, far: FarEnd, *, refused: Callable[[ConnectionProblem], None] = lambda _: None
    ) -> None:
        self._near = near
        self._far = far
        self._refused = refused
        self._said = threading.Event()
        self._over = threading.Event()
        self._whole = False
        self._told = False
        self.problem: ConnectionProblem | None = None

    def carry(self, name: str) -> None:
        """Carry until both sides have ended, one was lost, or somebody ends it; both are closed then."""
        inward = threading.Thread(target=self._inward, name=f"{name} inward", daemon=True)
        inward.start()
        self._outward()
        self.end()
        inward.join(GRACE_S)
        if inward.is_alive():  # it waits for a client that reads nothing
            _shut(self._near, socket.SHUT_RDWR)
            inward.join(JOIN_S)
        if self._told and not self._whole:
            reset(self._near)
        else:
            self._near.close()

    def end(self) -> None:
        """End it now, from any thread."""
        self._over.set()
        _shut(self._near, socket.SHUT_RD)  # for writing too would tell the client an orderly end
        _shut(self._far, socket.SHUT_RDWR)
        self._far.close()

    def _outward(self) -> None:
        """Carry what the near end says, then wait until the answer is over or nobody is there to read it."""
        with suppress(OSError, EOFError):
            while data := self._near.recv(BUFFER_BYTES):
                self._far.sendall(data)
            self._far.shutdown(socket.SHUT_WR)
        self._said.set()
        while not has_left(self._near) and not self._over.wait(LOOK_S):
            pass

    def _inward(self) -> None:
        """Carry what the far end says, and give the near end time to finish."""
        try:
            while data := self._far.recv(BUFFER_BYTES):
                self._told = True
                self._near.sendall(data)
            if not self._over.is_set():
                self._near.shutdown(socket.SHUT_WR)
                self._whole = True
                self._said.wait(ANSWERED_S)
        except ConnectionProblem as problem:
            self.problem = problem
            self._refused(problem)
        except (OSError, EOFError):
            pass
        self.end()


def reset(near: socket.socket) -> None:
    """Close a socket so that the other end reads a loss and not an end, where its kind has a word for that."""
    with suppress(OSError):
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    near.close()


def _shut(end: socket.socket | FarEnd, how: int) -> None:
    with suppress(OSError, EOFError):
        end.shutdown(how)
