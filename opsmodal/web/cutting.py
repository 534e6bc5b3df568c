"""Ends answers that are under way when the right to them ends: every streamed answer is watched over, none by itself.

A file that is cut short must not look whole: its last line says why, and the connection breaks instead of ending well.
It refuses to know which view streams: whatever has no length when it is answered is held (`install`).
"""

from __future__ import annotations

import socket as sockets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, cast

import msgspec
from flask import Flask, Response, g, request

from opsmodal.access import Access
from opsmodal.errors import AccessEnded
from opsmodal.people.standing import Over
from opsmodal.permissions import Action
from opsmodal.store.errors import StoreProblem
from opsmodal.web.asking import watch
from opsmodal.web.errors import answer
from opsmodal.web.origin import is_socket
from opsmodal.web.routes import API, Route

CONNECTIONS = ("gunicorn.socket", "werkzeug.socket")
"""Where servers put the connection into the environment of a request."""
SIGN_INS = frozenset(over.value for over in Over)


def install(app: Flask, routes: Iterable[Route]) -> None:
    """Watch over every answer that is streamed to somebody: by the action of its route, on its service."""
    actions = {f"{kind}.{route.name}": route.action for route in routes for kind in ("api", "page")}

    @app.after_request
    def hold(response: Response) -> Response:
        action = actions.get(request.endpoint or "")
        is_streamed = response.is_streamed and not response.direct_passthrough and not is_socket(request)
        if action is None or not is_streamed or g.get("actor") is None:
            return response
        try:
            _hold(response, action)
        except StoreProblem as problem:
            response.close()  # nobody else would end what it streams
            return cast(Response, answer(problem))
        return response


def way_on(word: str) -> dict[str, str]:
    """Say where a person goes on whose access has ended in this way: a link's text and address.

    An empty address is the page itself: it leads to the sign-in, and comes back from there.
    """
    if word in SIGN_INS:
        return {"text": "Sign in again", "url": ""}
    return {"text": "What you may do", "url": "/rights"}


def cut(connection: Any) -> None:
    """Break a connection, so that whoever waits to write to it goes on; never waits itself."""
    with suppress(OSError):
        connection.shutdown(sockets.SHUT_RDWR)


def _hold(response: Response, action: Action) -> None:
    service, target = (request.view_args or {}).get("service", ""), request.path.removeprefix(API)
    access = watch().hold(g.actor, action, service=service, target=target)
    connection = next((request.environ[name] for name in CONNECTIONS if name in request.environ), None)
    if connection is not None:
        access.attach(lambda _: None, lambda: cut(connection))
    pieces: Any = response.response
    response.response = Going(access, pieces, is_json=response.mimetype != "text/plain", end=_breaking(connection))
    response.call_on_close(access.release)


def _breaking(connection: Any) -> Callable[[], None]:
    def end() -> None:
        """Let what was written arrive, and nothing after it: without the last chunk the answer is not whole."""
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(sockets.SHUT_WR)

    return end


class Going(Iterator[bytes]):
    """The pieces of an answer as long as its person may have them, and then a line that says why there are no more."""

    def __init__(
        self, access: Access, pieces: Iterable[bytes | str], *, is_json: bool, end: Callable[[], None]
    ) -> None:
        self._access = access
        self._pieces = pieces
        self._iterator = iter(pieces)
        self._is_json = is_json
        self._end = end
        self._has_ended = False

    def __next__(self) -> bytes:
        if self._has_ended:
            self._end()
            raise StopIteration
        try:
            self._access.demand()
            piece = next(self._iterator)
            self._access.demand()  # what was waited for may have come after the end
        except (AccessEnded, StoreProblem) as problem:
            self._has_ended = True
            return _last_line(problem, is_json=self._is_json)
        return piece.encode() if isinstance(piece, str) else piece

    def close(self) -> None:
        """End what the pieces come from, as the server asks when the answer is over. May be called twice."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


def _last_line(problem: AccessEnded | StoreProblem, *, is_json: bool) -> bytes:
    sentence = f"{problem.sentence} What you have is not whole."
    if is_json:
        return b"\n" + msgspec.json.encode({"reason": "refused", "sentence": sentence, "hint": problem.hint}) + b"\n"
    return f"\n[opsmodal] {sentence} {problem.hint}".rstrip().encode() + b"\n"
