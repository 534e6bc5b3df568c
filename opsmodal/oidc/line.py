"""Calls to the provider. It may be slow, hang, lie about sizes or send us elsewhere: each call ends within CALL_MAX_S.

No redirect is followed, nothing compressed is unpacked, nothing but HTTPS is spoken, except with a provider that is
itself registered as http:// on this very machine.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from opsmodal.oidc.errors import ProviderAway

log = logging.getLogger(__name__)

STEP_MAX_S = 5.0
"""A connection, or one byte more."""
CALL_MAX_S = 10.0
"""A whole call; people wait for it before a blank page."""
ANSWER_MAX_BYTES = 1_000_000
"""Discovery documents and key sets of large providers take 5 to 30 kB."""
CHUNK_BYTES = 65_536
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
FAULTS = (OSError, http.client.HTTPException, ValueError, AttributeError)
"""AttributeError: what the standard library runs into when the socket under it is closed in the middle of a read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was answered."""

    status: int
    body: bytes


class Line:
    """The way to one provider; `ca` (PEM) is whom to trust instead of the system's authorities."""

    def __init__(self, issuer: str, *, ca: str = "") -> None:
        self._plain_allowed = urlsplit(issuer).scheme == "http"
        self._tls = ssl.create_default_context(cadata=ca or None)

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Read an address. Raise ProviderAway."""
        return self._call("GET", address, None, headers or {})

    def post(self, address: str, body: str, headers: Mapping[str, str]) -> Reply:
        """Send a form. Raise ProviderAway."""
        return self._call("POST", address, body.encode(), headers)

    def allows(self, address: str) -> bool:
        """Tell whether an address that the provider names may be called, or people sent to it."""
        try:
            parts = urlsplit(address)
            _ = parts.port
        except ValueError:
            return False
        if not parts.hostname or parts.username is not None or not address.isascii() or not address.isprintable():
            return False
        plain = self._plain_allowed and parts.hostname in LOOPBACK
        return parts.scheme == "https" or (parts.scheme == "http" and plain)

    def _call(self, method: str, address: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        if not self.allows(address):
            raise ProviderAway(f"The provider names an address that is not called: {address[:100]!r}.")
        parts = urlsplit(address)
        connection = self._connection(parts)
        hurry = _Hurry(connection)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close", **headers}
        try:
            connection.connect()
            hurry.start()
            connection.request(method, target, body, sent)
            return _read(connection.getresponse(), hurry)
        except FAULTS as fault:
            log.warning("provider away", extra={"host": parts.hostname, "why": str(fault)[:200]})
            raise ProviderAway(_why(fault, parts.hostname or "", late=hurry.is_late)) from fault
        finally:
            hurry.end()
            connection.close()

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=STEP_MAX_S, context=self._tls)
        return http.client.HTTPConnection(host, parts.port, timeout=STEP_MAX_S)


class _Hurry:
    """Cuts a connection when its time is up: a peer that sends a byte now and then never makes a read time out."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._until = time.monotonic() + CALL_MAX_S
        self._timer = threading.Timer(CALL_MAX_S, self._cut)
        self._timer.name, self._timer.daemon = "oidc-hurry", True

    @property
    def is_late(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() >= self._until

    def start(self) -> None:
        """Begin; the time counts from when this was made."""
        self._timer.start()

    def end(self) -> None:
        """Let go. May be called without a start."""
        self._timer.cancel()
        if self._timer.ident is not None:
            self._timer.join(1.0)

    def _cut(self) -> None:
        with suppress(OSError):
            if self._connection.sock is not None:
                self._connection.sock.shutdown(socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, hurry: _Hurry) -> Reply:
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        raise ValueError("it sends us elsewhere, which is not followed")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ValueError("it answers compressed, which was not asked for")
    parts, size = [], 0
    while part := response.read1(CHUNK_BYTES):
        size += len(part)
        if size > ANSWER_MAX_BYTES:
            raise ValueError(f"its answer is larger than {ANSWER_MAX_BYTES // 1_000_000} MB")
        if hurry.is_late:
            raise TimeoutError
        parts.append(part)
    if hurry.is_late:
        raise TimeoutError
    return Reply(status=response.status, body=b"".join(parts))


def _why(fault: Exception, host: str, *, late: bool) -> str:
    if late or isinstance(fault, TimeoutError):
        return f"The provider {host} does not answer in time."
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"The certificate of the provider {host} is not valid: {fault.verify_message}."
    if isinstance(fault, ValueError) and not isinstance(fault, UnicodeError):
        return f"The provider {host} cannot be used: {fault}."
    return f"The provider {host} cannot be reached."
