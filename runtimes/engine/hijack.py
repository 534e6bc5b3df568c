"""A connection that an engine takes over: the request is HTTP, what follows are bytes both ways until one side ends.

The client library digs such a socket out of an answer that its pool believes to be over; with our own adapters there is
none to be found. So this dials, asks and reads the head itself, within one time limit. It sends nothing before the head
is there: dockerd drops what came with the request (moby, api/server/router: the hijacked reader is thrown away).
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

from runtimes.engine import problems
from runtimes.engine.dialled import Dialled

HEAD_MAX_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
TAKEN_OVER = frozenset({101, 200})
"""101 is what engines answer to the wish for an upgrade, 200 what a proxy that drops the wish makes of it."""
KEEPALIVE_S = 30
"""A way that died without a word is noticed after a few of these."""


class Hijacked:
    """An open connection. One thread reads, any may close."""

    def __init__(self, sock: socket.socket, first: bytes) -> None:
        self._sock = sock
        self._first = first
        self._reading = threading.Lock()
        self._closed = False

    def send(self, data: bytes, *, timeout_s: float) -> None:
        """Send all of `data`. Raise OSError when the other end does not take it."""
        self._sock.settimeout(timeout_s)
        self._sock.sendall(data)

    def read(self, timeout_s: float) -> bytes | None:
        """Give what came; None when nothing did in time, b"" when there is no more, however that came about."""
        if self._first:
            first, self._first = self._first, b""
            return first
        with self._reading:
            if self._closed:
                return b""
            try:
                self._sock.settimeout(timeout_s)
                return self._sock.recv(READ_BYTES)
            except TimeoutError:
                return None
            except OSError:
                return b""

    def close(self) -> None:
        """Hang up. May be called twice; whoever reads returns at once."""
        self._closed = True
        with suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # that of an SSL socket disturbs who reads
        with self._reading:
            self._sock.close()


def hijacked(dialled: Dialled, path: str, described: object) -> Hijacked:
    """Post `described` to `path`, and take the connection over. Raise RuntimeProblem when the engine refuses."""
    deadline = time.monotonic() + dialled.timeout_s
    sock = None
    try:
        sock = _connected(dialled, deadline)
        sock.sendall(_request(dialled, path, msgspec.json.encode(described)))
        head, _, rest = _until(sock, b"\r\n\r\n", deadline)
        status = _status(head)
        if status in TAKEN_OVER:
            return Hijacked(sock, rest)
        refusal = problems.refused(status, _body(sock, head, rest, deadline), place=dialled.place, acting=True)
    except ValueError as error:
        _close(sock)
        raise problems.not_an_engine(dialled.place) from error
    except OSError as error:
        _close(sock)
        raise problems.failed(error, place=dialled.place, timeout_s=dialled.timeout_s) from error
    _close(sock)
    raise refusal


def connected(dialled: Dialled) -> socket.socket:
    """Dial an engine, over TLS where it is registered with certificates. Raise RuntimeProblem."""
    try:
        return _connected(dialled, time.monotonic() + dialled.timeout_s)
    except OSError as error:
        raise problems.failed(error, place=dialled.place, timeout_s=dialled.timeout_s) from error


def _connected(dialled: Dialled, deadline: float) -> socket.socket:
    if dialled.path:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(_left_s(deadline))
            sock.connect(dialled.path)
        except OSError:
            sock.close()
            raise
        return sock
    host, port = _host_and_port(dialled)
    sock = socket.create_connection((host, port), timeout=_left_s(deadline))
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
        if dialled.files is None:
            return sock
        trusting = ssl.create_default_context(cafile=dialled.files.ca)
        if dialled.files.pair:
            trusting.load_cert_chain(*dialled.files.pair)
        return trusting.wrap_socket(sock, server_hostname=dialled.tls_name or host)
    except OSError:
        sock.close()
        raise


def _host_and_port(dialled: Dialled) -> tuple[str, int]:
    parts = urlsplit(dialled.address)
    return parts.hostname or "", parts.port or (2376 if dialled.files else 2375)  # what the client library takes


def _request(dialled: Dialled, path: str, body: bytes) -> bytes:
    """Give the request. Source: Docker Engine API 1.41, "Start an exec instance" and "Attach", upgrading."""
    host = dialled.headers.get("Host") or (urlsplit(dialled.address).netloc if not dialled.path else "localhost")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: opsmodal\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1") + body


def _until(sock: socket.socket, end: bytes, deadline: float) -> tuple[bytes, bytes, bytes]:
    """Read until `end`; give what stood before it, it, and what came after it."""
    held = b""
    while end not in held:
        if len(held) > HEAD_MAX_BYTES:
            raise ValueError("a head without an end")
        sock.settimeout(_left_s(deadline))
        data = sock.recv(READ_BYTES)
        if not data:
            raise ConnectionResetError("the connection ended before an answer")
        held += data
    return held.partition(end)


def _status(head: bytes) -> int:
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
        raise ValueError("no HTTP")
    return int(words[1])


def _body(sock: socket.socket, head: bytes, rest: bytes, deadline: float) -> bytes:
    """Read what a refusal says, as far as it announces how long that is."""
    announced = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    wanted = min(int(announced[0]), HEAD_MAX_BYTES) if announced else len(rest)
    while len(rest) < wanted:
        sock.settimeout(_left_s(deadline))
        data = sock.recv(READ_BYTES)
        if not data:
            break
        rest += data
    return rest


def _left_s(deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s


def _close(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()
