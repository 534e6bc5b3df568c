"""Send what changes on a view over a socket: shared frames, checked rights, one last frame with the reason.

A page may send `{"have": [marks], "shape": shape}` at any time and is then sent what it lacks; that is how it begins,
and how it goes on after `{"reload": true}`, which it gets when it takes frames more slowly than they come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from simple_websocket import ConnectionClosed, Server

from opsmodal.errors import BadRequest
from opsmodal.listing import LIMIT_MAX
from opsmodal.live import MISSED, Reader
from opsmodal.web.frames import Frame, send_shared
from opsmodal.web.sockets import send_frame
from runtimes.structs import make_ready

LOOK_S = 3.0
"""How often a page that is told nothing is looked after: what its runtime offers may have changed."""
MARK_MAX_CHARS = 40
RELOAD = Frame({"reload": True})
SENTENCES = {
    "stopping": "The server is being restarted.",
    "failed": "Reading this service failed inside opsmodal.",
    "changed": "What you may see or do here has changed.",
}

Mark = Annotated[str, msgspec.Meta(max_length=MARK_MAX_CHARS)]


class Have(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows: the marks of its rows, and the shape they have."""

    have: Annotated[tuple[Mark, ...], msgspec.Meta(max_length=LIMIT_MAX)] = ()
    shape: Annotated[str, msgspec.Meta(max_length=400)] | None = None


_decoder = msgspec.json.Decoder(Have)


def send_changes(
    socket: Server, reader: Reader, *, go_on: Callable[[], bool], settle: Callable[[], None], at_once: bool
) -> None:
    """Send frames until the view, the right or the connection ends. Raise what `go_on` raises.

    `go_on` is asked before anything is sent, and is False when the view is no longer the one that is watched; `settle`
    waits until it knows what the reader may know before it. With `at_once` the first frame does not wait for the page
    to say what it has.
    """
    if at_once:
        send_shared(socket, reader.catch_up())
    reason = ""
    while not reason:
        socket.event.wait(LOOK_S)
        socket.event.clear()  # before looking: what comes from now on sets it again
        reason = "" if go_on() else "changed"
        _answer(socket, reader)
        if not socket.connected:
            raise ConnectionClosed(socket.close_reason, socket.close_message)
        reason = reader.ended or reason
    if reader.ended == "changed":  # its service was changed, or is gone
        settle()
        go_on()
    send_frame(socket, {"reason": reason, "sentence": SENTENCES[reason]})


def _answer(socket: Server, reader: Reader) -> None:
    have = _heard(socket)
    if have is not None:
        send_shared(socket, reader.catch_up(have.have, have.shape))
    while (frame := reader.take()) is not None:
        send_shared(socket, RELOAD if frame is MISSED else frame)


def _heard(socket: Server) -> Have | None:
    """Read the last message of the page, if it has sent any. Raise BadRequest for one that means nothing."""
    message = None
    while socket.input_buffer:
        message = socket.input_buffer.pop(0)
    if message is None:
        return None
    try:
        return _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        sentence = "The message is not what a page has to say here."
        raise BadRequest(sentence, hint='It looks like {"have": [], "shape": null}.') from error


make_ready(globals())
