"""WebSockets: declared like routes, let through by the door before the handshake, by flask-sock after it.

Every socket is under the watch of `opsmodal.access` from the handshake on, whatever its handler does: when the right or
the sign-in under it ends, so does the socket. The last frame is `{reason: "refused", ended, sentence, hint, way}` then:
`ended` is the word of `explaining.Lost` or `standing.Over`, `way` a link's `{text, url}`; the close code is 1008.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import msgspec
from flask import Flask, g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from connectors.errors import ConnectionProblem
from opsmodal.errors import AccessEnded, Refusal, TooMany
from opsmodal.permissions import Action
from opsmodal.store.errors import StoreProblem
from opsmodal.web.asking import actor, operations, watch
from opsmodal.web.cutting import cut, way_on
from opsmodal.web.errors import count_refusal
from opsmodal.web.frames import offer_shared
from opsmodal.web.held import Held, Inbox
from opsmodal.web.origin import demand_own_origin
from opsmodal.web.routes import API, Parameter
from opsmodal.web.whole import make_whole
from runtimes.errors import RuntimeProblem

PING_S = 20
"""Shorter than the 60 s after which many proxies cut an idle connection."""
MESSAGE_MAX_BYTES = 64 * 1024
READER_END_S = 5.0
HELD = "opsmodal.held"
NO_LONGER_ALLOWED = 1008
"""The close code of a policy that is broken (RFC 6455, 7.4.1)."""
CLOSE_REASON_MAX_BYTES = 120
"""A control frame carries 125 bytes, of which two are the code (RFC 6455, 5.5)."""

log = logging.getLogger(__name__)

Handler = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRoute:
    """A WebSocket of one service."""

    path: str
    action: Action
    handler: Handler
    parameters: tuple[Parameter, ...] = ()


class Sockets:
    """The sockets of one noun."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.routes: list[SocketRoute] = []

    def route(self, path: str, action: Action, *, parameters: Sequence[Parameter] = ()) -> Callable[[Handler], Handler]:
        """Declare a socket of a service."""

        def declare(handler: Handler) -> Handler:
            self.routes.append(SocketRoute(path=path, action=action, handler=handler, parameters=tuple(parameters)))
            return handler

        return declare


def register(app: Flask, nouns: Sequence[Sockets]) -> tuple[SocketRoute, ...]:
    """Put every socket on the application; who may not is refused with a plain HTTP answer before the handshake."""
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": PING_S, "max_message_size": MESSAGE_MAX_BYTES}
    sock, held = Sock(app), Held()
    app.extensions[HELD] = held
    routes = tuple(route for noun in nouns for route in noun.routes)
    by_rule = {API + route.path: route for route in routes}
    for route in routes:
        sock.route(API + route.path)(_answering(route, held))

    @app.before_request
    def may_open() -> None:
        route = by_rule.get(request.url_rule.rule) if request.url_rule else None
        if route is not None:
            arguments: dict[str, Any] = request.view_args or {}
            demand_own_origin(request)  # of everything that can become a socket, however its headers are spelled
            operations().services.demand(actor(), route.action, arguments["service"])
            make_whole(request.environ)
            offer_shared(request.environ)

    return routes


def send_frame(socket: Server, frame: Mapping[str, Any]) -> None:
    """Send one JSON frame."""
    socket.send(msgspec.json.encode(frame).decode())


def _answering(route: SocketRoute, held: Held) -> Handler:
    """After the handshake a problem can no longer be an HTTP answer: it is the last frame."""

    def holding(socket: Server, arguments: Mapping[str, Any]) -> None:
        service, target = arguments["service"], request.path.removeprefix(API)
        with held.by(actor().name, socket), watch().hold(actor(), route.action, service=service, target=target) as mine:
            mine.attach(lambda _: socket.event.set(), lambda: cut(socket.sock))
            g.access = mine
            route.handler(socket, **arguments)

    @wraps(route.handler)
    def answering(socket: Server, **arguments: Any) -> None:
        arrived, socket.input_buffer = socket.input_buffer, Inbox()
        socket.input_buffer[:0] = arrived  # a page that comes back has spoken already
        try:
            socket.close(*_last_word(socket, lambda: holding(socket, arguments)))
        except (ConnectionClosed, OSError) as gone:
            log.debug("socket gone", extra={"path": request.path, "why": type(gone).__name__})
        finally:
            # The library reads in a thread of its own; the server closes the socket when we return, and not under it.
            socket.sock.end()
            socket.thread.join(READER_END_S)

    return answering


def _last_word(socket: Server, handle: Callable[[], None]) -> tuple[int, str] | tuple[()]:
    """Handle a socket and send why it ends, if it has to; give the code and the reason to close it with."""
    try:
        handle()
    except (ConnectionClosed, OSError):
        raise
    except AccessEnded as ended:
        count_refusal(ended)
        told = {"reason": "refused", "ended": ended.word, "sentence": ended.sentence, "hint": ended.hint}
        send_frame(socket, {**told, "way": way_on(ended.word)})
        return NO_LONGER_ALLOWED, ended.sentence.encode()[:CLOSE_REASON_MAX_BYTES].decode(errors="ignore")
    except (Refusal, RuntimeProblem, ConnectionProblem, StoreProblem) as problem:
        count_refusal(problem)
        # What is too much now may not be in a moment, so a page tries again; what is refused stays so.
        reason = "refused" if isinstance(problem, Refusal) and not isinstance(problem, TooMany) else "error"
        send_frame(socket, {"reason": reason, "sentence": problem.sentence, "hint": problem.hint})
    except Exception:  # the top of this socket: whatever is above would write an HTTP answer between the frames
        log.exception("socket failed", extra={"path": request.path, "request_id": g.get("request_id", "")})
        sentence = "Something went wrong inside opsmodal."
        send_frame(socket, {"reason": "error", "sentence": sentence, "hint": "The server's log has the details."})
    return ()
