"""The front of the simulated API server: TLS on loopback, threads that are owned, and a power switch.

It serves any WSGI application over HTTP/1.1 with chunked streams. The TLS handshake happens in the thread of its own
connection: a client that connects and says nothing must not keep others out (werkzeug shakes hands while accepting).
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import threading
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

HANDSHAKE_TIMEOUT_S = 10.0
JOIN_TIMEOUT_S = 5.0
LOOPBACK = "127.0.0.1"
BACKLOG = 512
log = logging.getLogger(__name__)


def hung_up(connection: socket.socket) -> bool:
    """Tell whether the other end has closed: after the request nothing but the end can be there to read."""
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True


class Handler(WSGIRequestHandler):
    """Handle the one request of a connection, without writing an access log."""

    protocol_version = "HTTP/1.1"
    server: FrontServer

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave out the line for each request: a page asks many times a second."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name is werkzeug's
        """Say what went wrong at a level that stays silent unless somebody looks for it."""
        log.debug("simulated API server", extra={"kind": type, "text": message % args})

    def make_environ(self) -> dict[str, Any]:
        """Add the connection, for hang-ups, faults and sockets."""
        environ: dict[str, Any] = super().make_environ()
        environ["werkzeug.socket"] = self.connection
        return environ

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Take it as it is: clients of watches leave without a word."""


class FrontServer(ThreadedWSGIServer):
    """A listening socket and the threads of its connections."""

    daemon_threads = True
    request_queue_size = BACKLOG

    def __init__(self, port: int, app: Any, context: ssl.SSLContext) -> None:
        self.tls = context
        self._open: dict[threading.Thread, socket.socket] = {}
        self._open_lock = threading.Lock()
        super().__init__(LOOPBACK, port, app, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread of its own."""
        name = f"demo-api-{self.server_port}-{client_address[1]}"
        thread = threading.Thread(target=self._serve, args=(request, client_address), name=name, daemon=True)
        with self._open_lock:
            self._open[thread] = request
        thread.start()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            request.settimeout(HANDSHAKE_TIMEOUT_S)
            secured = self.tls.wrap_socket(request, server_side=True)
            with self._open_lock:
                self._open[threading.current_thread()] = secured
            secured.settimeout(None)
            self.process_request_thread(secured, client_address)
        except (OSError, ValueError):
            request.close()
        finally:
            with self._open_lock:
                self._open.pop(threading.current_thread(), None)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name is werkzeug's
        """Say what went wrong at a level that stays silent: clients that hang up are no news here."""
        log.debug("simulated API server", extra={"kind": type, "text": message % args})

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Stay quiet about connections that break: that is what this server is for."""
        log.debug("connection ended", exc_info=True)

    def cut_connections(self) -> None:
        """Close every open connection and wait for its thread."""
        with self._open_lock:
            connections = dict(self._open)
        for connection in connections.values():
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in connections:
            if thread is not threading.current_thread():
                thread.join(JOIN_TIMEOUT_S)


class Front:
    """Serve an application on one loopback port; can be switched off and on again on the same port."""

    def __init__(self, app: Any, context: ssl.SSLContext, *, port: int = 0) -> None:
        self._app = app
        self._context = context
        self.port = port
        self._server: FrontServer | None = None
        self._thread: threading.Thread | None = None

    def switch_on(self) -> None:
        """Listen, on the port of the time before if there was one."""
        if self._server:
            return
        self._server = FrontServer(self.port, self._app, self._context)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="demo-api", daemon=True
        )
        self._thread.start()

    def switch_off(self) -> None:
        """Stop listening and cut every connection, as a killed server does."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is None or thread is None:
            return
        server.shutdown()
        thread.join(JOIN_TIMEOUT_S)
        server.socket.close()
        server.cut_connections()
