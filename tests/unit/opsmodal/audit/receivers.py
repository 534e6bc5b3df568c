"""Receivers of forwarded rows that behave as badly as real ones: webhooks and collectors on loopback."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Manner = str
"""How a webhook behaves: ok, a status, hang, reset (before an answer), half (resets in the middle of one)."""


class Webhook:
    """A webhook. `manners` are how it takes the next requests; afterwards it is well again."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.manners: list[Manner] = []
        self.ended = threading.Event()
        handler = type("Handler", (_Handler,), {"hook": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def lines(self) -> list[bytes]:
        return [line for body in self.bodies for line in body.splitlines()]

    def close(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self._thread.join(10)
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hook: ClassVar[Webhook]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.hook.paths.append(self.path)
        manner = self.hook.manners.pop(0) if self.hook.manners else "ok"
        if manner == "hang":
            self.hook.ended.wait(60)
        if manner in ("hang", "reset"):
            self._reset()
            return
        if manner in ("ok", "half"):
            self.hook.bodies.append(body)
            self.hook.headers.append(dict(self.headers))
        self.send_response(200 if manner in ("ok", "half") else int(manner))
        if manner == "302":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "100" if manner == "half" else "2")
        self.end_headers()
        self.wfile.write(b"ok")
        if manner == "half":
            self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_: Any) -> None:
        pass


class Collector:
    """A syslog collector over TCP that reads frames by their length. `drop_after` frames it closes, once."""

    def __init__(self, context: ssl.SSLContext | None = None, *, port: int = 0) -> None:
        self.messages: list[bytes] = []
        self.drop_after = 0
        self.connections = 0
        self._context = context
        self._ending = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self.connections += 1
                with suppress(OSError):
                    self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        if self._context is not None:
            connection.settimeout(5)
            connection = self._context.wrap_socket(connection, server_side=True)
        connection.settimeout(0.05)
        taken, held = 0, b""
        with closing(connection):
            while not self._ending.is_set():
                try:
                    held += (data := connection.recv(65536))
                except TimeoutError:
                    continue
                if not data:
                    return
                while (message := _framed(held)) is not None:
                    text, held = message
                    self.messages.append(text)
                    taken += 1
                    if taken == self.drop_after:
                        self.drop_after = 0
                        return


def _framed(held: bytes) -> tuple[bytes, bytes] | None:
    size, space, rest = held.partition(b" ")
    if not space or len(rest) < int(size):
        return None
    return rest[: int(size)], rest[int(size) :]


def body_of(message: bytes) -> bytes:
    """Give the JSON of a syslog message."""
    return message[message.index(b"{") :]


@contextmanager
def datagrams(family: int, place: Any) -> Iterator[tuple[list[bytes], Any]]:
    """Collect datagrams; give them, and where they have to be sent to."""
    found: list[bytes] = []
    ending = threading.Event()
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.bind(place)
        listener.settimeout(0.05)

        def collect() -> None:
            while not ending.is_set():
                with suppress(TimeoutError):
                    found.append(listener.recv(65536))

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        try:
            yield found, listener.getsockname()
        finally:
            ending.set()
            thread.join(10)


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Give a server's context whose certificate for 127.0.0.1 signs itself, and the file that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = folder / "authority.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    return context, authority


def until(condition: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)
