"""Whether the server at the far end says anything at all: a port that takes connections may lead into a black hole.

One TLS handshake, or one request that needs no right, over a connection of its own. Nothing is believed of the answer
and nothing secret is sent: who the server is, is checked when the runtime is opened.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from urllib.parse import urlsplit

from connectors.base import Endpoint

ASK = b"HEAD /_ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""Any HTTP server answers something to it; engines answer it without a login
(https://docs.docker.com/reference/api/engine/version/v1.43/#tag/System/operation/SystemPing)."""


def speaks(address: str, endpoint: Endpoint, *, timeout_s: float) -> str:
    """Say in a sentence why nothing came from the server of `address`, dialled at `endpoint`; empty when it spoke."""
    near = urlsplit(endpoint.address)
    path = near.path if near.scheme in ("", "unix") else ""
    port = near.port or (80 if near.scheme == "http" else 443)
    shown = path or f"{near.hostname}:{port}"
    try:
        with contextlib.closing(_dialled(path, near.hostname or "", port, timeout_s)) as line:
            if urlsplit(address).scheme == "https":
                _context().wrap_socket(line, server_hostname=urlsplit(address).hostname).close()
                return ""
            line.sendall(ASK)
            return "" if line.recv(1) else f"{shown} takes connections, but hangs up without an answer."
    except TimeoutError:
        return f"{shown} takes connections, but nothing came back within {timeout_s:.1f} s."
    except ssl.SSLEOFError:
        return f"{shown} takes connections, but hangs up without an answer."
    except ssl.SSLError:
        return ""  # it spoke, if not to us: what it objects to is told when the runtime is opened
    except OSError as error:
        return f"{shown} takes connections, but breaks them off: {(error.strerror or str(error)).lower()[:200]}."


def _dialled(path: str, host: str, port: int, timeout_s: float) -> socket.socket:
    if not path:
        return socket.create_connection((host, port), timeout=timeout_s)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(timeout_s)
        line.connect(path)
    except OSError:
        line.close()
        raise
    return line


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # see the module: it is only asked whether somebody speaks
    return context
