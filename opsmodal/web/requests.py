"""Every request has an id and one log line with keyed fields; a body has a bound. Query strings are not logged.

The line is written when the answer has gone out, so that a download counts with all its bytes and its whole time; that
of a socket when it has ended.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, g, request

from opsmodal.web.asking import address_of
from opsmodal.web.bounded import bound
from opsmodal.web.origin import is_socket

log = logging.getLogger(__name__)

_FOREIGN_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
"""An id that a proxy in front has given is kept when it can do no harm in a log."""
LARGE_BODIES = ("/config", "/yaml", "/registry", "/manifest")
STRANGERS_PREFIX = "/sign-"
STRANGERS_BODY_MAX_BYTES = 128 * 1024
"""Signing in is open to everybody: enough for any name and password, and few fields to take apart."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
UNKNOWN_ROUTE = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A request that has been answered. `route` is the template of its path, never what somebody typed."""

    route: str
    method: str
    status: int
    duration_s: float
    is_socket: bool


def watch(
    app: Flask, *, body_max_bytes: int, large_body_max_bytes: int, tell: Callable[[Answered], None] = lambda _: None
) -> None:
    """Give requests their id, their bound and their log line; `tell` of each that was answered."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _FOREIGN_ID.fullmatch(given) else secrets.token_hex(8)
        g.started = time.monotonic()
        if request.path.startswith(STRANGERS_PREFIX):
            bound(request, STRANGERS_BODY_MAX_BYTES)
        else:
            large = any(part in request.path for part in LARGE_BODIES)
            bound(request, large_body_max_bytes if large else body_max_bytes)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        written = _line(response, tell)
        # A socket has ended by now, and a file is handed to the server whole: neither is closed through the response.
        if is_socket(request) or response.direct_passthrough:
            written()
        else:
            response.call_on_close(written)
        return response


def _line(response: Response, tell: Callable[[Answered], None]) -> Callable[[], None]:
    """Keep what the log line of this request needs: when it is written, the request is over."""
    started = g.get("started", time.monotonic())
    route = request.url_rule.rule if request.url_rule else UNKNOWN_ROUTE
    method = request.method if request.method in METHODS else "other"
    fields = {
        "request_id": g.get("request_id", ""),
        "method": method,
        "path": request.path,
        "status": response.status_code,
        "actor": g.actor.name if g.get("actor") else "",
        "address": address_of(request),
        "socket": is_socket(request),
    }

    def written() -> None:
        duration_s = time.monotonic() - started
        log.info("request", extra={**fields, "duration_ms": round(duration_s * 1000, 1)})
        tell(
            Answered(
                route=route,
                method=method,
                status=response.status_code,
                duration_s=duration_s,
                is_socket=bool(fields["socket"]),
            )
        )

    return written
