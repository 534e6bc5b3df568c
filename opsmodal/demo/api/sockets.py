"""WebSockets that carry numbered channels, as `kubectl exec` speaks them, in one thread each.

Source: k8s.io/apimachinery pkg/util/remotecommand (v4, v5.channel.k8s.io). wsproto reads and writes the frames; the
socket is read and written by one thread only, because a TLS connection must not be used by two at once.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Request, TextMessage
from wsproto.utilities import ProtocolError

from opsmodal.demo.problems import bad_request

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
FRAME_MAX_BYTES = 8192
SEND_TIMEOUT_S = 30.0
CLOSING_S = 2.0
"""How long the other end gets to answer the end of the conversation."""


class Closed(Exception):
    """The other end has gone."""


class ChannelSocket:
    """The server's end of a channelled WebSocket."""

    def __init__(self, environ: Mapping[str, Any], connection: socket.socket) -> None:
        self._connection = connection
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._partial = bytearray()
        self.protocol = self._accept(environ)

    def _accept(self, environ: Mapping[str, Any]) -> str:
        """Answer the handshake. Raise a 400 Problem when this is none, or no protocol is shared."""
        if "websocket" not in environ.get("HTTP_UPGRADE", "").lower():
            raise bad_request("Upgrade request required")
        headers = [
            (name[5:].replace("_", "-").lower().encode(), str(value).encode())
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        try:
            self._protocol.initiate_upgrade_connection(headers, environ["PATH_INFO"])
            request = next(iter(self._protocol.events()))
        except ProtocolError as error:
            raise bad_request(f"unable to upgrade: {error}") from None
        offered = request.subprotocols if isinstance(request, Request) else []
        chosen = next((name for name in PROTOCOLS if name in offered), None)
        if chosen is None:
            raise bad_request(f"unable to upgrade: unable to negotiate protocol: client supports {offered}")
        self._write(AcceptConnection(subprotocol=chosen))
        return chosen

    def _write(self, event: Event) -> None:
        try:
            self._connection.settimeout(SEND_TIMEOUT_S)
            self._connection.sendall(self._protocol.send(event))
        except (OSError, ProtocolError) as error:
            raise Closed from error

    def send(self, channel: int, data: bytes) -> None:
        """Send data on a channel. Raise Closed when the other end has gone."""
        for start in range(0, len(data), FRAME_MAX_BYTES):
            self._write(BytesMessage(bytes([channel]) + data[start : start + FRAME_MAX_BYTES]))

    def receive(self, timeout_s: float) -> tuple[int, bytes] | None:
        """Give the next (channel, data), None after `timeout_s`. Raise Closed when the other end has gone."""
        deadline = time.monotonic() + timeout_s
        while not self._waiting:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            self._read(left_s)
        return self._waiting.popleft()

    def _read(self, timeout_s: float) -> None:
        try:
            self._connection.settimeout(max(timeout_s, 0.001))
            data = self._connection.recv(FRAME_MAX_BYTES)
        except TimeoutError:
            return
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        try:
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                self._take(event)
        except ProtocolError as error:
            raise Closed from error

    def _take(self, event: Event) -> None:
        if isinstance(event, Ping):
            self._write(event.response())
        elif isinstance(event, CloseConnection):
            with contextlib.suppress(Closed):
                self._write(event.response())
            raise Closed
        elif isinstance(event, BytesMessage | TextMessage):
            data = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
            self._partial += data
            if event.message_finished and self._partial:
                self._waiting.append((self._partial[0], bytes(self._partial[1:])))
                self._partial.clear()

    def close(self) -> None:
        """End the conversation, and wait a moment for the other end to agree."""
        with contextlib.suppress(Closed):
            self._write(CloseConnection(1000))
            deadline = time.monotonic() + CLOSING_S
            for _ in self._leftovers(deadline):
                self._waiting.clear()

    def _leftovers(self, deadline: float) -> Iterator[None]:
        while time.monotonic() < deadline:
            self._read(deadline - time.monotonic())
            yield
