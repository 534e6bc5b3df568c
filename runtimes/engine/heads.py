"""Holds an answer's status line and headers to a time limit as a whole.

A time limit of a socket counts from byte to byte: a hostile engine that sends one every few seconds keeps a thread for
65,536 bytes of each of a hundred lines (http.client's own bounds), which is for ever. Bodies are held to their limit
where they are read.
"""

from __future__ import annotations

import http.client
import io
import socket
from time import monotonic
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class Hurried(io.RawIOBase):
    """The bytes of a socket, all of them before a deadline until `relax` is called."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._limit_s = sock.gettimeout()
        self._deadline = None if self._limit_s is None else monotonic() + self._limit_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there. Raise TimeoutError after the deadline."""
        if self._deadline is not None:
            left_s = self._deadline - monotonic()
            if left_s <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def relax(self) -> None:
        """Let each read take as long as the socket's own limit says."""
        if self._deadline is not None:
            self._deadline = None
            self._sock.settimeout(self._limit_s)

    def close(self) -> None:
        """Give the socket back. May be called twice."""
        self._raw.close()
        super().close()


class HurriedAnswer(http.client.HTTPResponse):
    """An answer whose head must be there within the time that one read may take."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._hurried = Hurried(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._hurried)

    def begin(self) -> None:
        """Read the status line and the headers. Raise TimeoutError when they take too long."""
        super().begin()
        self._hurried.relax()


class HurriedConnection(HTTPConnection):
    """A connection to a TCP port."""

    response_class = HurriedAnswer


class HurriedTLSConnection(HTTPSConnection):
    """A connection to a TCP port with TLS."""

    response_class = HurriedAnswer


class _Pool(HTTPConnectionPool):
    ConnectionCls = HurriedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = HurriedTLSConnection


class TCPAdapter(HTTPAdapter):
    """Sends the requests of a session to TCP ports, with and without TLS.

    The certificate is checked against `tls_name` where one is given: a tunnel's near end is not who it leads to.
    """

    def __init__(self, *args: Any, tls_name: str = "", **options: Any) -> None:
        self._tls_name = tls_name
        super().__init__(*args, **options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        if self._tls_name:
            options["server_hostname"] = self._tls_name
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def close(self) -> None:
        """Close the kept connections now: the library leaves that to the garbage collector."""
        pools = self.poolmanager.pools
        for pool in [pools.get(key) for key in pools.keys()]:  # noqa: SIM118  (it refuses to be iterated over)
            if pool is not None:
                pool.close()
        super().close()
