"""Send the output of a command over a socket: frames with offsets, checked rights, one last frame with how it ended.

A program gets the text as it is. A page gets pieces with colour classes, in which nothing acts any more: what an escape
sequence has begun in one frame goes on in the next one of its stream, also for a page that attaches in the middle. It
refuses to wait for a reader with more than a few pieces in hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from simple_websocket import ConnectionClosed, Server

from opsmodal.access import Access
from opsmodal.commands.ending import Ending
from opsmodal.commands.job import Closed, Readable
from opsmodal.commands.pieces import PIECE_MAX_BYTES, Source, unpacked
from opsmodal.spool import Gone
from opsmodal.web.ansi import PLAIN, Style, styled
from opsmodal.web.held import GOING_AWAY
from opsmodal.web.sockets import send_frame

READ_PIECES = 16
"""A megabyte at most, which is what a reader costs who does not read on."""
WAIT_S = 1.0
FRAME_MAX_CHARS = PIECE_MAX_BYTES

Piece = tuple[int, Source, str]
"""A piece of output: where to attach again after it, its stream, its text."""
Drawn = Mapping[str, Any]
Find = Callable[[], Readable]

_BEGUN = re.compile(r"(?:\x1b(?:\[[0-9;:]{0,100})?|\r)\Z")
"""The beginning of what only the next piece tells: of a colour, or of a line's end in two characters."""


def send_output(socket: Server, find: Find, offset: int, *, access: Access, with_spans: bool) -> None:
    """Send frames `{offset, stream, data}` from an offset on, then the ending. Raise what `access` says to going on.

    `find` gives the command, and raises what it does when this person may not read it; it is asked again whenever
    their rights have changed, since another person's command takes more than the right that `access` is held on.
    With `with_spans` they are `{offset, stream, spans}`, each span `[text, classes]`. Pieces that are gone are told of
    by `{offset, lost: true}`, where offset is where it goes on.
    """
    changes = access.changes
    command = find()
    drawing = Drawing(_before(command, offset)) if with_spans else None
    draw = drawing.draw if drawing else _plain
    while True:
        ending = command.ending
        pieces, gone = _read(socket, command, offset)
        access.demand()
        if access.changes != changes:
            changes = access.changes
            find()
        if gone is not None:
            offset = gone
            send_frame(socket, {"offset": offset, "lost": True})
        for piece in joined(pieces):
            offset = piece[0]
            send_frame(socket, draw(piece))
        if ending is not None and not pieces and gone is None:
            break
    for frame in drawing.rest(offset) if drawing else ():
        send_frame(socket, frame)
    send_frame(socket, last_frame(ending))


def last_frame(ending: Ending) -> Mapping[str, Any]:
    """Give the last frame: how the command ended."""
    return msgspec.structs.asdict(ending)


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Put pieces of one stream together that follow each other, as far as a frame may be long; cut longer ones.

    Where one is cut, who attaches again in the middle of it gets all of it.
    """
    held: Piece | None = None
    for offset, source, text in cut(pieces):
        if held is not None and held[1] == source and len(held[2]) + len(text) <= FRAME_MAX_CHARS:
            held = (offset, source, held[2] + text)
            continue
        if held is not None:
            yield held
        held = (offset, source, text)
    if held is not None:
        yield held


def cut(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Cut pieces that are longer than a frame: those of a record in which a secret stood across many."""
    for offset, source, text in pieces:
        at = 0
        for at in range(FRAME_MAX_CHARS, len(text), FRAME_MAX_CHARS):
            yield offset - 1, source, text[at - FRAME_MAX_CHARS : at]
        yield offset, source, text[at:]


class Drawing:
    """The output as spans. What a stream looks like at a place depends on all that came before it."""

    def __init__(self, before: Iterable[Piece] = ()) -> None:
        self._styles: dict[str, Style] = {}
        self._begun: dict[str, str] = {}
        for piece in before:
            self.draw(piece)

    def draw(self, piece: Piece) -> Drawn:
        """Give the frame of a piece."""
        offset, source, text = piece
        text = self._begun.pop(source, "") + text
        begun = _BEGUN.search(text)
        if begun:
            self._begun[source], text = begun[0], text[: begun.start()]
        return {"offset": offset, "stream": source, "spans": self._spans(source, text)}

    def rest(self, offset: int) -> Iterator[Drawn]:
        """Give what was begun and never went on, once nothing follows."""
        for source, text in self._begun.items():
            yield {"offset": offset, "stream": source, "spans": self._spans(source, text)}

    def _spans(self, source: str, text: str) -> list[tuple[str, str]]:
        """Cut a text into (text, classes); the only control characters in it are tabs and ends of lines."""
        drawn: list[tuple[str, str]] = []
        style = self._styles.get(source, PLAIN)
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
            if number:
                _add(drawn, "\n", "")
            if style == PLAIN and line.isprintable():
                _add(drawn, line, "")
                continue
            pieces, style = styled(line, style)
            for span in pieces:
                _add(drawn, span.text, " ".join(span.classes))
        self._styles[source] = style
        return drawn


def _add(drawn: list[tuple[str, str]], text: str, classes: str) -> None:
    if drawn and (drawn[-1][1] == classes or text == "\n"):
        drawn[-1] = (drawn[-1][0] + text, drawn[-1][1])
    elif text:
        drawn.append((text, classes))


def _plain(piece: Piece) -> Drawn:
    offset, source, text = piece
    return {"offset": offset, "stream": source, "data": text}


def _before(command: Readable, offset: int) -> Iterator[Piece]:
    """Read what came before an offset, as far as it is there."""
    at = 0
    while at < offset:
        try:
            records = command.read(at, limit=min(READ_PIECES, offset - at), wait_s=0)
        except Gone as gone:
            at = gone.first_offset
            continue
        except Closed:
            return
        if not records:
            return
        at = records[-1][0] + 1
        yield from _pieces(records)


def _read(socket: Server, command: Readable, offset: int) -> tuple[list[Piece], int | None]:
    """Read on; where pieces are gone, give where it goes on instead."""
    try:
        records = command.read(offset, limit=READ_PIECES, wait_s=WAIT_S)
    except Gone as gone:
        return [], gone.first_offset
    except Closed as closed:  # the page comes back, and finds the command's record
        socket.close(GOING_AWAY, "The process that ran the command has ended.")
        raise ConnectionClosed from closed
    if not socket.connected:
        raise ConnectionClosed
    return list(_pieces(records)), None


def _pieces(records: Sequence[tuple[int, bytes]]) -> Iterator[Piece]:
    for at, record in records:
        source, text = unpacked(record)
        yield at + 1, source, text
