"""A narrow line: carries connections to a server of the tests, at so many bytes a second towards the client."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

CHUNK_BYTES = 16 * 1024


@contextlib.contextmanager
def slowed(host: str, bytes_per_s: int) -> Iterator[str]:
    """Give the host:port of a slow line to another; both are addresses of this machine."""
    address, _, port = host.rpartition(":")

    class Carrier(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((address, int(port))) as server:
                back = threading.Thread(target=_carry, args=(self.request, server, 0), daemon=True)
                back.start()
                _carry(server, self.request, bytes_per_s)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((address, 0), Carrier) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"{address}:{listening.server_address[1]}"
        listening.shutdown()
        thread.join()


def _carry(source: socket.socket, target: socket.socket, bytes_per_s: int) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
            if bytes_per_s:
                time.sleep(len(data) / bytes_per_s)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
