"""WebSockets: declared like routes, let through by the door before the handshake, by flask-sock after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import msgspec
from flask import Flask, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from connectors.errors import ConnectionProblem
from opsmodal.errors import Refusal
from opsmodal.permissions import Action
from opsmodal.web.asking import actor, operations
from opsmodal.web.routes import API
from opsmodal.web.whole import make_whole
from runtimes.errors import RuntimeProblem

PING_S = 20
"""Shorter than the 60 s after which many proxies cut an idle connection."""
MESSAGE_MAX_BYTES = 64 * 1024

log = logging.getLogger(__name__)

Handler = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRoute:
    """A WebSocket of one service."""

    path: str
    action: Action
    handler: Handler


class Sockets:
    """The sockets of one noun."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.routes: list[SocketRoute] = []

    def route(self, path: str, action: Action) -> Callable[[Handler], Handler]:
        """Declare a socket of a service."""

        def declare(handler: Handler) -> Handler:
            self.routes.append(SocketRoute(path=path, action=action, handler=handler))
            return handler

        return declare


def register(app: Flask, nouns: Sequence[Sockets]) -> tuple[SocketRoute, ...]:
    """Put every socket on the application; who may not is refused with a plain HTTP answer before the handshake."""
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": PING_S, "max_message_size": MESSAGE_MAX_BYTES}
    sock = Sock(app)
    routes = tuple(route for noun in nouns for route in noun.routes)
    by_rule = {API + route.path: route for route in routes}
    for route in routes:
        sock.route(API + route.path)(_answering(route.handler))

    @app.before_request
    def may_open() -> None:
        route = by_rule.get(request.url_rule.rule) if request.url_rule else None
        if route is not None:
            arguments: dict[str, Any] = request.view_args or {}
            operations().services.demand(actor(), route.action, arguments["service"])
            make_whole(request.environ)

    return routes


def send_frame(socket: Server, frame: Mapping[str, Any]) -> None:
    """Send one JSON frame."""
    socket.send(msgspec.json.encode(frame).decode())


def _answering(handler: Handler) -> Handler:
    """After the handshake a problem can no longer be an HTTP answer: it is the last frame."""

    @wraps(handler)
    def answering(socket: Server, **arguments: Any) -> None:
        try:
            _last_word(socket, lambda: handler(socket, **arguments))
            socket.close()
        except (ConnectionClosed, OSError) as gone:
            log.debug("socket gone", extra={"path": request.path, "why": type(gone).__name__})
        finally:
            socket.sock.end()

    return answering


def _last_word(socket: Server, handle: Callable[[], None]) -> None:
    try:
        handle()
    except (Refusal, RuntimeProblem, ConnectionProblem) as problem:
        reason = "refused" if isinstance(problem, Refusal) else "error"
        send_frame(socket, {"reason": reason, "sentence": problem.sentence, "hint": problem.hint})
