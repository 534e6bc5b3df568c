"""Tells whether whoever sent a request has hung up: what runs for nobody is ended.

It looks at the connection that the server was handed, without reading from it. A client that closes its sending side
and waits for the answer counts as gone: HTTP clients do not do that. Behind a proxy it is the proxy that hangs up.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping
from typing import Any

from opsmodal.web.whole import SERVER_KEYS


def leaving(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """Give a question that tells whether the client of a request has gone; never where that cannot be known."""
    connection = next((environ[key] for key in SERVER_KEYS if key in environ), None)

    def is_gone() -> bool:
        return connection is not None and _is_closed(connection)

    return is_gone


def _is_closed(connection: Any) -> bool:
    try:
        look = select.poll()  # select() refuses numbers above 1023, which a busy server has
        look.register(connection.fileno(), select.POLLIN)
        return bool(look.poll(0)) and connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except (OSError, ValueError):  # it was closed under us
        return True
