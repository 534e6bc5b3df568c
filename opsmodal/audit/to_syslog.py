"""Forwards audit rows to syslog, the JSON as the message: RFC 5424 over UDP, TCP and TLS, or the machine's own socket.

Syslog knows no answer. Over TCP and TLS a batch counts as taken when the other kernel has acknowledged every byte and
the connection is still open; when it is found closed later, what was sent in the last half minute is sent again, as the
collector may not have read it. What it had read and not stored when it crashed is lost all the same. UDP and the local
socket confirm nothing.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC

from opsmodal.audit.targets import TAKE_MAX_S, Address, Line, NotTaken

FACILITY, SEVERITY = 13, 6
"""“log audit” and “informational” (RFC 5424, section 6.2.1)."""
PRIORITY = FACILITY * 8 + SEVERITY
APP = "opsmodal"
ROW, HEAD = "audit", "audit-head"
OUTGOING = 0x5411
"""SIOCOUTQ (tcp(7)): bytes that the other side has not acknowledged."""
POLL_S = 0.01
HOST_MAX_CHARS = 255
UNSURE_S = 30.0
"""How long what was sent may wait in the other kernel for a collector that is busy."""
UNSURE_MAX_BYTES = 8_000_000
"""More than that kernel takes (tcp_rmem is 6 MB at most unless somebody has raised it)."""


class ToSyslog:
    """Datagrams, to a host or to the socket of this machine."""

    confirms = False

    def __init__(self, address: Address) -> None:
        self.name = address.name
        self._address = address
        self._socket: socket.socket | None = None

    def take(self, lines: Sequence[Line]) -> None:
        """Send each line as one datagram. Raise NotTaken where even this machine knows that nobody listens."""
        is_local = bool(self._address.path)
        try:
            if self._socket is None:
                self._socket = _local(self._address.path) if is_local else _datagrams(self._address)
            for line in lines:
                self._socket.send(local_message(line) if is_local else message(line))
        except OSError as error:
            self.close()
            raise NotTaken(_told(error)) from error

    def look_after(self) -> None:
        """Do nothing: there is no connection that could be found closed."""

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class ToSyslogStream:
    """A connection, with TLS or without; each message behind its length (RFC 6587, section 3.4.1)."""

    confirms = True

    def __init__(self, address: Address, *, ca_file: str) -> None:
        self.name = address.name
        self._address = address
        self._ca_file = ca_file
        self._socket: socket.socket | None = None
        self._unsure: deque[tuple[float, bytes]] = deque()
        """What was sent lately, and when: the other side may not have read it when it closed."""
        self._again = b""

    def take(self, lines: Sequence[Line]) -> None:
        """Send lines until all are acknowledged, behind what may have been lost. Raise NotTaken."""
        began = time.monotonic()
        data = b"".join(framed(message(line)) for line in lines)
        try:
            if self._socket is not None and _is_closed(self._socket):
                self._broke()
            self._forget_sure(began)
            if self._socket is None:
                self._socket = self._connected()
            self._socket.settimeout(TAKE_MAX_S)
            self._socket.sendall(self._again + data)
            _await_acknowledged(self._socket, began + TAKE_MAX_S)
        except (OSError, ssl.CertificateError) as error:
            self._broke()
            raise NotTaken(_told(error)) from error
        self._again = b""
        if data:
            self._unsure.append((began, data))

    def look_after(self) -> None:
        """Find out whether the other side has closed, and send again what it may not have. Raise NotTaken."""
        if self._again or (self._socket is not None and _is_closed(self._socket)):
            self.take(())

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _broke(self) -> None:
        self.close()
        self._again = b"".join(sent for _, sent in self._unsure)

    def _forget_sure(self, now: float) -> None:
        """Forget what was sent long ago; the last batch stays, however long ago it was."""
        size = sum(len(sent) for _, sent in self._unsure)
        while len(self._unsure) > 1 and (self._unsure[0][0] < now - UNSURE_S or size > UNSURE_MAX_BYTES):
            size -= len(self._unsure.popleft()[1])

    def _connected(self) -> socket.socket:
        address = self._address
        plain = socket.create_connection((address.host, address.port), timeout=TAKE_MAX_S)
        if address.kind != "syslog+tls":
            return plain
        try:
            context = ssl.create_default_context(cafile=self._ca_file or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            return context.wrap_socket(plain, server_hostname=address.host)
        except BaseException:
            plain.close()
            raise


def message(line: Line) -> bytes:
    """Write a line as a message of RFC 5424. The JSON is ASCII, so it needs no mark of its encoding."""
    at = line.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    host = socket.gethostname()[:HOST_MAX_CHARS] or "-"
    return f"<{PRIORITY}>1 {at} {host} {APP} - {HEAD if line.is_head else ROW} - ".encode() + line.text


def local_message(line: Line) -> bytes:
    """Write a line as syslog(3) does for the socket of this machine (RFC 3164, without a host)."""
    local = line.at.astimezone()
    at = f"{_MONTHS[local.month - 1]} {local.day:2} {local:%H:%M:%S}"
    return f"<{PRIORITY}>{at} {APP}: ".encode() + line.text


def framed(text: bytes) -> bytes:
    """Put the length of a message before it."""
    return f"{len(text)} ".encode() + text


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _datagrams(address: Address) -> socket.socket:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, place = found[0]
    return _opened(socket.socket(family, kind, protocol), place)


def _local(path: str) -> socket.socket:
    return _opened(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), path)


def _opened(made: socket.socket, place: object) -> socket.socket:
    made.settimeout(TAKE_MAX_S)
    try:
        made.connect(place)  # type: ignore[arg-type]  # an address of the socket's own family
    except BaseException:
        made.close()
        raise
    return made


def _is_closed(connection: socket.socket) -> bool:
    """Tell whether the other side has closed: syslog sends nothing back, so nothing can be read but the end."""
    connection.setblocking(False)
    try:
        return not connection.recv(1024)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def _await_acknowledged(connection: socket.socket, deadline: float) -> None:
    while _unacknowledged_bytes(connection):
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "not acknowledged")
        time.sleep(POLL_S)
    if _is_closed(connection):
        raise ConnectionResetError(errno.ECONNRESET, "closed")


def _unacknowledged_bytes(connection: socket.socket) -> int:
    answer = fcntl.ioctl(connection.fileno(), OUTGOING, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])


def _told(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "The certificate of the collector is not trusted: give its authority as OPSMODAL_AUDIT_FORWARD_CA_FILE."
    if isinstance(error, ssl.SSLError):
        return "The collector does not speak TLS as expected: check the port."
    if isinstance(error, TimeoutError):
        return f"The collector did not take it within {TAKE_MAX_S:.0f} s: look at its own log."
    if isinstance(error, ConnectionError | FileNotFoundError):
        return "No collector listens there: check the address, and that it runs."
    return f"The collector cannot be reached ({error.strerror or type(error).__name__}): check address and network."
