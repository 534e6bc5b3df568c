"""A small threaded server for the demo: one process, loopback, quiet. Production is served by `opsmodal serve`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

JOIN_S = 5.0


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def version_string(self) -> str:
        """Name no program and no version in the header Server."""
        return "opsmodal"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  (werkzeug's signature)
        """Say nothing: lines would push the sign-in link off the screen."""


@contextmanager
def serving(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve an application on a socket that already listens, in a thread of its own, until the block ends."""
    host, port = listener.getsockname()[:2]
    server = make_server(host, port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="demo-server")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(JOIN_S)
        server.server_close()
