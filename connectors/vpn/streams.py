"""Carries an OpenVPN that runs over TCP: one connection after the other, from inside its namespace to the far end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

CONNECT_S = 10.0
CHUNK_BYTES = 64 * 1024

Say = Callable[[socket.socket | None, str], None]
"""Takes the connection that is carried now, and why there is none."""


def serve_stream(listener: socket.socket, host: str, port: int, family: socket.AddressFamily, say: Say) -> None:
    """Carry one connection after the other: OpenVPN holds one, and dials again when it has broken."""
    while True:
        near, _ = listener.accept()
        with near:
            try:
                outer = _connected(host, port, family)
            except OSError as error:
                say(None, words_of(error))
                continue
            with outer:
                outer.settimeout(None)
                say(outer, "")
                back = threading.Thread(target=_pump, args=(outer, near), name="back", daemon=True)
                back.start()
                _pump(near, outer)
                back.join()


def words_of(error: OSError) -> str:
    """Say why an endpoint was not reached, for the middle of a sentence."""
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    return "it did not answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()


def _connected(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """Connect to the first address that answers. Raise the last OSError."""
    failed = OSError("no address")
    for found, kind, _, _, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM):
        outer = socket.socket(found, kind)
        try:
            outer.settimeout(CONNECT_S)
            outer.connect(address)
        except OSError as error:
            outer.close()
            failed = error
            continue
        return outer
    raise failed


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Move bytes until one side ends, then end both: OpenVPN has no use for half a connection."""
    with suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
