"""Local ends of a way: listeners of this process whose connections something else carries to the far side.

A tunnel must be no open door for other people of this machine. A Unix socket stands in a folder that only our user
enters; a port on loopback cannot be closed like that, so each of its connections is looked up in the kernel's table of
sockets and dropped, before a byte of it is carried, unless a process of the same user holds the other end.

How the far side is dialled is the caller's: this module knows neither SSH nor VPN, and tries nothing twice. Why a
connection was dropped cannot be said to whoever dialled; the last reason is kept in `problem`.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from connectors.base import Endpoint
from connectors.carrying import Carried, FarEnd
from connectors.direct import Dial, dial
from connectors.errors import ConnectionProblem, Forbidden, NotAvailable, Unreachable
from connectors.peers import is_same_user
from connectors.sockets import Folder

log = logging.getLogger(__name__)

Dialling = Callable[[Dial], FarEnd]
"""Opens the far end of one connection, within a time limit of its own; raises a ConnectionProblem when it cannot."""

LOOPBACK = "127.0.0.1"
BACKLOG = 128
CARRIED_MAX = 256
"""Connections that the forwards of one Connection carry at a time. A page needs a few, each follow one."""
ENDS_MAX = 128
"""Addresses of one Connection: a runtime has one or two, each port that somebody opens one more."""
ACCEPT_AGAIN_S = 0.2
"""After an accept that failed, mostly for want of file descriptors."""
CLOSE_S = 2.0


class Forwards:
    """The local ends of one Connection. Each address has one, opened when it is first asked for."""

    def __init__(self, folder: Path, dialling: Dialling, *, name: str) -> None:
        self._folder = folder
        self._dialling = dialling
        self._name = name
        self._lock = threading.Lock()
        self._sockets: Folder | None = None
        self._listeners: dict[Dial, socket.socket] = {}
        self._carried: set[Carried] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = threading.Event()
        self._problem: ConnectionProblem | None = None

    @property
    def problem(self) -> ConnectionProblem | None:
        """Say why the last connection was dropped; None when it was carried."""
        return self._problem

    def reach(self, address: str) -> Endpoint:
        """Give the local end that leads to `address`: a Unix socket for one, else a port on loopback.

        Raise Unreachable for what is no address, NotAvailable when this machine gives no socket.
        """
        target = dial(address)
        with self._lock:
            if self._closed.is_set():
                raise Unreachable("This connection is closed.", hint="Load the page again.")
            if target not in self._listeners and len(self._listeners) >= ENDS_MAX:
                raise NotAvailable(f"{ENDS_MAX} addresses are reached over this connection already.")
            try:
                listener = self._listeners.get(target) or self._listen(target)
            except OSError as error:
                raise NotAvailable(
                    f"This machine gives no local end for a tunnel: {error.strerror or error}."
                ) from None
        if target.path:
            return Endpoint(f"unix://{listener.getsockname()}")
        return Endpoint(urlsplit(address)._replace(netloc=f"{LOOPBACK}:{listener.getsockname()[1]}").geturl())

    def close(self) -> None:
        """End every connection and give back the local ends. May be called twice."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            listeners, carried, threads = list(self._listeners.values()), set(self._carried), set(self._threads)
            self._listeners.clear()
        ending = threading.Thread(target=_end, args=(listeners, carried), name=f"{self._name} closing", daemon=True)
        ending.start()  # a far end behind a line that hangs may take its time to be closed
        deadline = time.monotonic() + CLOSE_S
        for thread in (ending, *threads):
            thread.join(max(deadline - time.monotonic(), 0))
        for listener in listeners:
            listener.close()
        if self._sockets is not None:
            self._sockets.close()

    def _listen(self, target: Dial) -> socket.socket:
        listener = self._unix() if target.path else socket.create_server((LOOPBACK, 0), backlog=BACKLOG)
        self._listeners[target] = listener
        self._start(self._accept, listener, target, name=f"{self._name} to {target}")
        return listener

    def _unix(self) -> socket.socket:
        self._sockets = self._sockets or Folder(self._folder)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(self._sockets.next()))
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    def _accept(self, listener: socket.socket, target: Dial) -> None:
        """Accept until the listener is shut."""
        while not self._closed.is_set():
            try:
                near, _ = listener.accept()
            except OSError:
                self._closed.wait(ACCEPT_AGAIN_S)
                continue
            with self._lock:
                if len(self._threads) - len(self._listeners) < CARRIED_MAX and not self._closed.is_set():
                    self._start(self._serve, near, target, name=f"{self._name} to {target}")
                    continue
            self._problem = Forbidden(
                f"{CARRIED_MAX} connections to {target} are carried already, which is as many as there may be.",
                hint="Close pages that follow something.",
            )
            near.close()

    def _serve(self, near: socket.socket, target: Dial) -> None:
        """Carry one connection; whatever goes wrong, it is closed."""
        try:
            if not is_same_user(near):
                log.warning("a connection of another user was dropped", extra={"way": self._name})
                return
            self._carry(near, self._dialling(target))
        except ConnectionProblem as problem:
            self._problem = problem
        finally:
            near.close()

    def _carry(self, near: socket.socket, far: FarEnd) -> None:
        if near.family == socket.AF_INET:
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        carried = Carried(near, far, refused=self._keep)
        with self._lock:
            self._carried.add(carried)
        try:
            if self._closed.is_set():
                carried.end()
            self._problem = None
            carried.carry(self._name)
        finally:
            with self._lock:
                self._carried.discard(carried)
        if carried.problem is not None:
            raise carried.problem

    def _keep(self, problem: ConnectionProblem) -> None:
        self._problem = problem

    def _start(
        self, work: Callable[[socket.socket, Dial], None], given: socket.socket, target: Dial, *, name: str
    ) -> None:
        """Start a thread that is forgotten when its work is done. Only with the lock held."""

        def run() -> None:
            try:
                work(given, target)
            except Exception:
                log.exception("a forward failed", extra={"way": self._name})
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()


def _end(listeners: list[socket.socket], carried: set[Carried]) -> None:
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)  # wakes whoever waits in accept
    for each in carried:
        each.end()
