"""A frame that goes to many sockets: encoded once, packed once, and the same bytes for everybody.

The WebSocket library encodes and compresses for each connection anew, and keeps some 300 KB of zlib state for each:
what one change costs would grow with the people who look. Compressing every frame by itself (RFC 7692, section
7.1.1) makes the bytes of a frame independent of what was sent before, so that they can be shared.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec
from simple_websocket import ConnectionClosed, Server

OFFERED = "HTTP_SEC_WEBSOCKET_EXTENSIONS"
DEFLATE = "permessage-deflate"
AGREED = f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover"
COMPRESSED_FROM_BYTES = 1024
LEVEL = 6
TAIL = b"\x00\x00\xff\xff"
"""What a compressed message leaves out at its end (RFC 7692, section 7.2.1)."""
TEXT, FINAL, IS_COMPRESSED = 0x1, 0x80, 0x40


class Frame:
    """One text message of a server, as its bytes on the wire."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.text = msgspec.json.encode(fields)

    @cached_property
    def plain(self) -> bytes:
        """The message as it is."""
        return _framed(self.text, 0)

    @cached_property
    def deflated(self) -> bytes:
        """The message compressed, where that makes it shorter."""
        if len(self.text) < COMPRESSED_FROM_BYTES:
            return self.plain
        squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        squeezed = squeeze.compress(self.text) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        return _framed(squeezed.removesuffix(TAIL), IS_COMPRESSED)


def offer_shared(environ: dict[str, Any]) -> None:
    """Let a connection agree on compression only in the form that frames can share."""
    if DEFLATE in environ.pop(OFFERED, ""):
        environ[OFFERED] = AGREED


def send_shared(socket: Server, frame: Frame) -> None:
    """Send a frame. Raise ConnectionClosed or OSError."""
    if not socket.connected:
        raise ConnectionClosed(socket.close_reason, socket.close_message)
    agreed = socket.environ.get(OFFERED) == AGREED
    socket.sock.send(frame.deflated if agreed else frame.plain)


def _framed(payload: bytes, flags: int) -> bytes:
    """Put the head of an unmasked, unfragmented text frame before a payload (RFC 6455, section 5.2)."""
    first, length = bytes([FINAL | flags | TEXT]), len(payload)
    if length < 126:  # the length fits into seven bits; 126 and 127 announce a longer one
        return first + bytes([length]) + payload
    if length < 1 << 16:
        return first + b"\x7e" + length.to_bytes(2, "big") + payload
    return first + b"\x7f" + length.to_bytes(8, "big") + payload
