"""Every request has an id and a log line with keyed fields; a body has a bound. Query strings are not logged."""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

log = logging.getLogger(__name__)

_FOREIGN_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
"""An id that a proxy in front has given is kept when it can do no harm in a log."""
LARGE_BODIES = ("/config", "/yaml", "/registry")


def watch(app: Flask, *, body_max_bytes: int, large_body_max_bytes: int) -> None:
    """Give requests their id, their bound and their log line."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _FOREIGN_ID.fullmatch(given) else secrets.token_hex(8)
        g.started = time.monotonic()
        large = any(part in request.path for part in LARGE_BODIES)
        request.max_content_length = large_body_max_bytes if large else body_max_bytes

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        log.info(
            "request",
            extra={
                "request_id": g.get("request_id", ""),
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "duration_ms": round((time.monotonic() - g.get("started", time.monotonic())) * 1000, 1),
                "actor": g.actor.name if g.get("actor") else "",
            },
        )
        return response
