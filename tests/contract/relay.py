"""A wire that can be cut: a small relay on loopback, or on a Unix socket, between a runtime and its real engine.

Cutting drops every open connection and refuses new ones, as a dead API server or a restarted dockerd would.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

CHUNK_BYTES = 65536
DIAL_TIMEOUT_S = 5.0
Address = tuple[str, int] | Path


class Relay:
    """Carry bytes between `listen` and `target`; each is a (host, port) pair or the path of a Unix socket.

    `listen` of ("127.0.0.1", 0) takes a free port: `address` says which. `heard` is given all that is sent to `target`.
    `binding` makes the socket that listens: in another network namespace, where the far end of a tunnel is one.
    """

    def __init__(
        self,
        target: Address,
        listen: Address = ("127.0.0.1", 0),
        *,
        heard: Callable[[bytes], None] = lambda _: None,
        binding: Callable[[Address], socket.socket] | None = None,
    ) -> None:
        self._target = target
        self._heard = heard
        self._listen = listen
        self._binding = binding or listening
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.mend()

    @property
    def address(self) -> Address:
        return self._listen

    @property
    def url(self) -> str:
        """The address as something that a connection can reach."""
        if isinstance(self._listen, Path):
            return f"unix://{self._listen}"
        return f"tcp://{self._listen[0]}:{self._listen[1]}"

    def cut(self) -> None:
        """Close the listener and every connection; whoever dials now is refused."""
        with self._lock:
            listener, self._listener = self._listener, None
            doomed, self._open = self._open, set()
        if listener is not None:
            _shut(listener)
            listener.close()
        if isinstance(self._listen, Path):
            self._listen.unlink(missing_ok=True)
        for end in doomed:
            _shut(end)

    def drop(self) -> None:
        """Close every connection, as a proxy does with idle ones; whoever dials again is let through."""
        with self._lock:
            doomed, self._open = self._open, set()
        for end in doomed:
            _shut(end)

    def mend(self) -> None:
        """Listen again at the same address."""
        with self._lock:
            if self._listener is not None:
                return
            self._listener = listener = self._binding(self._listen)
            if not isinstance(self._listen, Path):
                self._listen = listener.getsockname()
        self._spawn("relay-accept", self._accept, listener)

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(timeout=DIAL_TIMEOUT_S + 1)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self._spawn("relay-carry", self._carry, near, listener)

    def _carry(self, near: socket.socket, listener: socket.socket) -> None:
        with contextlib.closing(near):
            try:
                far = _dialled(self._target)
            except OSError:
                return
            with contextlib.closing(far):
                with self._lock:
                    if self._listener is not listener:
                        return
                    self._open |= {near, far}
                back = threading.Thread(target=_pump, args=(far, near), name="relay-back", daemon=True)
                back.start()
                _pump(near, far, self._heard)
                back.join()
                with self._lock:
                    self._open -= {near, far}

    def _spawn(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
        with self._lock:
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()


def _pump(source: socket.socket, sink: socket.socket, heard: Callable[[bytes], None] = lambda _: None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            heard(data)
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def listening(address: Address) -> socket.socket:
    """Give a socket that listens at `address`."""
    if isinstance(address, Path):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(address))
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    listener.listen(64)
    return listener


def _dialled(address: Address) -> socket.socket:
    if isinstance(address, Path):
        dialled = socket.socket(socket.AF_UNIX)
        dialled.settimeout(DIAL_TIMEOUT_S)
        try:
            dialled.connect(str(address))
        except OSError:
            dialled.close()
            raise
    else:
        dialled = socket.create_connection(address, timeout=DIAL_TIMEOUT_S)
    dialled.settimeout(None)
    return dialled


def _shut(end: socket.socket) -> None:
    """Wake whoever reads; closing is for the thread that owns the socket."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
