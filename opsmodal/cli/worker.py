"""gunicorn's gevent worker, made to end quickly and in order, and to answer in our words what never reaches the app.

gunicorn waits for every connection when a worker ends, and one that a browser merely keeps open counts: each restart
would take all of the grace time. So connections between two requests are closed, sockets are told that the server goes
away, and only requests under way are waited for.
"""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from html import escape
from typing import Any

import gevent
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http import errors, wsgi
from gunicorn.workers.ggevent import GeventWorker

from opsmodal.web.headers import FIXED

log = logging.getLogger(__name__)

QUIET_MAX_S = 60.0
"""How long a peer may take nothing, or send nothing of a request it has begun, before its connection is closed."""
BODY_MAX_S = 120.0
"""How long a body may take: a byte a minute would hold a connection for years."""
WORDS: dict[type[Exception], tuple[int, str, str]] = {
    errors.LimitRequestLine: (414, "URI Too Long", "The address is too long."),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large", "The headers of the request are too large."),
}
BANNER = "opsmodal"
"""What the header Server says: no program and no version that a list of holes could be looked up by."""
NOT_HTTP = (400, "Bad Request", "The request cannot be understood.")
FAILED = (500, "Internal Server Error", "Something went wrong inside opsmodal.")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{status} {reason}</title>
<link rel="stylesheet" href="/static/app.css"></head>
<body><main><h2>{sentence}</h2><p><a href="/services">Services</a></p></main></body></html>
"""


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker that knows which of its connections are between two requests."""

    leaving: Callable[[], None] = staticmethod(lambda: None)
    """Called once when the worker is about to end, after it has stopped to accept connections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # gunicorn names itself in every answer and has no setting for it.
        wsgi.SERVER = BANNER
        self._between: set[socket.socket] = set()
        self._is_leaving = False

    def notify(self) -> None:
        """Show the arbiter that the worker lives; the first time after it was told to end, let go what only waits."""
        super().notify()
        if not self.alive and not self._is_leaving:
            self._is_leaving = True
            gevent.spawn(self._leave)

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Serve a connection."""
        self._between.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._between.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> Any:
        """Serve a request; whoever reads or writes nothing for long is cut off."""
        self._between.discard(sock)
        sock.settimeout(QUIET_MAX_S)
        late = gevent.spawn_later(BODY_MAX_S, _stop_reading, sock) if _has_body(req) else None
        try:
            return super().handle_request(listener_name, req, sock, addr)
        except TimeoutError as quiet:
            log.info("connection cut", extra={"why": "nothing was read or sent for long"})
            raise StopIteration from quiet
        finally:
            if late is not None:
                late.kill()
            with suppress(OSError):  # it may be closed by now
                sock.settimeout(None)
            if self._is_leaving:  # its answer may have promised that the connection stays
                _stop_reading(sock)
            self._between.add(sock)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:  # noqa: ARG002  (gunicorn's)
        """Answer what cannot be read as a request, with a page of ours that repeats nothing of it."""
        is_theirs = isinstance(exc, errors.ParseException)
        status, reason, sentence = WORDS.get(type(exc), NOT_HTTP) if is_theirs else FAILED  # type: ignore[arg-type]  # known above
        request_id = secrets.token_hex(8)
        place = addr[0] if addr else ""
        told = {"status": status, "why": type(exc).__name__, "address": place, "request_id": request_id}
        if is_theirs:
            log.warning("request not understood", extra=told)
        else:
            log.error("request failed", exc_info=exc, extra=told)
        with suppress(OSError):
            client.sendall(_page(status, reason, sentence, request_id))

    def _leave(self) -> None:
        self.leaving()
        for client in list(self._between):
            _stop_reading(client)


class Journal(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's messages, in the log of the process; requests are logged by the application, with who asked."""

    def setup(self, cfg: Any) -> None:
        """Hand everything on."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Say nothing: see `opsmodal.web.requests`."""


def _has_body(request: Any) -> bool:
    """Tell whether a body follows the head (RFC 9112, section 6). No WebSocket and no download has one."""
    headers = dict(request.headers)
    return "TRANSFER-ENCODING" in headers or headers.get("CONTENT-LENGTH", "0") != "0"


def _stop_reading(client: socket.socket) -> None:
    """Let whoever waits for bytes of a client find their end; what is being sent goes on."""
    with suppress(OSError):
        client.shutdown(socket.SHUT_RD)


def _page(status: int, reason: str, sentence: str, request_id: str) -> bytes:
    body = PAGE.format(status=status, reason=reason, sentence=escape(sentence)).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\nCache-Control: no-store\r\n"
        f"Server: {BANNER}\r\nDate: {util.http_date()}\r\n"
    )
    head += "".join(f"{name}: {value}\r\n" for name, value in FIXED.items()) + "\r\n"
    return head.encode() + body
