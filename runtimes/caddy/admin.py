"""Talks to the admin API: reads the whole configuration with its ETag, and sends one change that holds for that ETag.

Caddy 2.6 sends the ETag of a configuration as a trailer, later ones as a header; few clients read trailers, h11 does.
An ETag names its own path, so the whole configuration's guards a change of any part. What this module refuses to do:
send a change without one, repeat a change, or show a configuration: it may hold credentials.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11
import msgspec

from connectors.base import Connection
from connectors.errors import ConnectionProblem
from runtimes.caddy import problems
from runtimes.caddy.address import AdminAddress, path_of
from runtimes.caddy.steps import Document, Step

READ_S = 10.0
GLANCE_S = 2.0
"""For who wants to see something else, and has a proxy that hangs."""
WRITE_S = 30.0
"""A change is in force when it is answered: listeners are made anew, modules are loaded."""
ANSWER_MAX_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
ROOT = "/config/"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration as it was read, never shown as a whole."""

    root: Document
    etag: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer; `headers` hold trailers, too, all names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Admin:
    """The admin API at an address, over a connection. Safe to use from several threads: nothing is kept open."""

    def __init__(self, address: AdminAddress, connection: Connection) -> None:
        self.address = address
        self._connection = connection

    def read(self, timeout_s: float = READ_S) -> Configuration:
        """Read the configuration. Raise Lacking when nobody answers, or something else than Caddy."""
        answered = self._asked("GET", ROOT, None, "", timeout_s)
        if answered.status != 200:
            raise problems.unread(self.address, answered.status, answered.body)
        try:
            root = msgspec.json.decode(answered.body)
        except (ValueError, RecursionError) as error:
            raise problems.not_caddy(self.address) from error
        etag = answered.headers.get("etag", "")
        if not (root is None or isinstance(root, dict)) or not etag:
            raise problems.not_caddy(self.address)
        return Configuration(root or {}, etag)

    def change(self, step: Step, etag: str) -> None:
        """Send a change that holds for a configuration. Raise Stale when it has moved, Conflict when Caddy refuses."""
        body = None if step.body is None else msgspec.json.encode(step.body)
        answered = self._asked(step.method, path_of(step.place), body, etag, WRITE_S)
        if answered.status != 200:
            raise problems.refused(self.address, answered.status, answered.body)

    def _asked(self, method: str, path: str, body: bytes | None, etag: str, timeout_s: float) -> Answered:
        deadline = time.monotonic() + timeout_s
        try:
            with closing(self._dialled(timeout_s)) as line:
                return _exchanged(line, self._request(method, path, body, etag), body or b"", deadline)
        except ConnectionProblem as problem:
            raise problems.unreached(self.address, problem, None) from problem
        except h11.ProtocolError as error:
            raise problems.not_caddy(self.address) from error
        except OSError as error:
            standing = self._connection.standing()
            raise problems.unreached(self.address, error, standing, sent=method != "GET") from error

    def _request(self, method: str, path: str, body: bytes | None, etag: str) -> h11.Request:
        headers = [("Host", self.address.netloc), ("Connection", "close"), ("Accept", "application/json")]
        headers += [("If-Match", etag)] if etag else []
        if body is not None:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return h11.Request(method=method, target=path, headers=headers)

    def _dialled(self, timeout_s: float) -> socket.socket:
        near = self._connection.reach(self.address.text).address
        if near.startswith("unix://"):
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                line.settimeout(timeout_s)
                line.connect(near.removeprefix("unix://"))
            except BaseException:
                line.close()
                raise
            return line
        parts = urlsplit(near)
        plain = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=timeout_s)
        if self.address.scheme != "https":
            return plain
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=self.address.host.strip("[]"))
        except BaseException:
            plain.close()
            raise


def _exchanged(line: socket.socket, request: h11.Request, body: bytes, deadline: float) -> Answered:
    """Send a request and read its answer to the end. Raise OSError, TimeoutError or ProtocolError."""
    talk = h11.Connection(our_role=h11.CLIENT)
    sent = (talk.send(request), talk.send(h11.Data(data=body)) if body else b"", talk.send(h11.EndOfMessage()))
    line.sendall(b"".join(part or b"" for part in sent))
    status, headers, held, heard = 0, dict[str, str](), bytearray(), False
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            came = _received(line, deadline)
            if not came and not heard:  # a tunnel's near end that has no far side hangs up at once
                raise ConnectionResetError("it hung up before it answered")
            talk.receive_data(came)
            heard = True
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers |= _texts(event.headers)
        elif isinstance(event, h11.Data):
            held += event.data
            if len(held) > ANSWER_MAX_BYTES:
                raise h11.RemoteProtocolError("the answer is larger than any configuration")
        elif isinstance(event, h11.EndOfMessage):
            return Answered(status, headers | _texts(event.headers), bytes(held))
        elif not isinstance(event, h11.InformationalResponse):
            raise ConnectionResetError("the line ended before the answer")


def _received(line: socket.socket, deadline: float) -> bytes:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    line.settimeout(left_s)
    return line.recv(CHUNK_BYTES)


def _texts(headers: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
