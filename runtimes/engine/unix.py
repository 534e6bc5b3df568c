"""Carries requests over a Unix socket, for docker-py and podman-py alike.

Both libraries have such an adapter, and both leave the file descriptor of a socket that nobody listens on to the
garbage collector; docker-py's also keeps one pool for each URL, so that 50 inspects make 50 connections. This one
closes what it could not connect, and keeps connections for the next request whatever that asks.
"""

from __future__ import annotations

import socket
from typing import Any

from docker.transport.basehttpadapter import BaseHTTPAdapter
from urllib3 import HTTPConnectionPool

from runtimes.engine.heads import HurriedConnection


class SocketConnection(HurriedConnection):
    """A connection to the Unix socket at `path`."""

    def __init__(self, host: str, port: int | None = None, *, path: str, **options: Any) -> None:
        super().__init__(host, port, **options)
        self._path = path

    def connect(self) -> None:
        dialled = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            dialled.settimeout(self.timeout if isinstance(self.timeout, int | float) else None)
            dialled.connect(self._path)
        except OSError:
            dialled.close()
            raise
        self.sock = dialled


class SocketPool(HTTPConnectionPool):
    """Connections that are kept for the next request."""

    ConnectionCls = SocketConnection


class SocketAdapter(BaseHTTPAdapter):  # type: ignore[misc]  # docker-py has no types
    """Sends every request of a session to one Unix socket. Safe to use from several threads."""

    def __init__(self, path: str, *, kept: int) -> None:
        self._pool = SocketPool("localhost", maxsize=kept, block=False, path=path)
        super().__init__()

    def get_connection(self, url: str, proxies: object = None) -> SocketPool:  # noqa: ARG002 - the library's shape
        return self._pool

    def request_url(self, request: Any, proxies: object) -> str:  # noqa: ARG002 - the library's shape
        return str(request.path_url)

    def close(self) -> None:
        self._pool.close()
        super().close()
