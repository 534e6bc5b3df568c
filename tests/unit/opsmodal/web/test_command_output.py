"""The sender of a command's output: what was written, once and in order, with colours that carry on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simple_websocket import ConnectionClosed, Server

from opsmodal.access import Access
from opsmodal.commands.ending import Ending
from opsmodal.commands.job import Closed, Readable
from opsmodal.commands.kept import Frame, KeptCommand
from opsmodal.errors import AccessEnded, NotThere
from opsmodal.spool import Gone
from opsmodal.web.command_output import FRAME_MAX_CHARS, Drawing, joined, send_output
from tests.unit.opsmodal.commands.streams import access_of

ENDING = Ending(exit_code=0, reason="exited", sentence="The command has ended.", duration_ms=5, bytes=10)
LAST = {
    "exit_code": 0,
    "reason": "exited",
    "sentence": "The command has ended.",
    "duration_ms": 5,
    "bytes": 10,
}
SOURCES = st.sampled_from(["stdout", "stderr"])
PARTS = st.sampled_from(
    [
        "\x1b[31m",
        "\x1b[0m",
        "\x1b",
        "[1",
        ";32m",
        "m",
        "\r\n",
        "\r",
        "\n",
        "red",
        "é",
        "\x07",
        "\x1b]0;x\x07",
        "\t",
        " ",
    ]
)
FRAMES = st.lists(st.tuples(SOURCES, st.lists(PARTS, max_size=6).map("".join)), max_size=15)


class Socket:
    """The near end of a socket: remembers what was sent, and goes away after so many frames."""

    def __init__(self, *, leaves_after: int = 10**9) -> None:
        self.frames: list[dict[str, Any]] = []
        self.connected = True
        self.closed_with = 0
        self._leaves_after = leaves_after

    def send(self, text: str) -> None:
        self.frames.append(json.loads(text))
        if len(self.frames) >= self._leaves_after:
            self.connected = False

    def close(self, reason: int, message: str) -> None:
        self.closed_with = reason


def past(frames: Sequence[Frame]) -> KeptCommand:
    return KeptCommand(id="a", began_at=datetime.now(UTC), ending=ENDING, frames=frames)


def sent(command: Readable, offset: int = 0, *, with_spans: bool = False, leaves_after: int = 10**9) -> list[Any]:
    socket = Socket(leaves_after=leaves_after)
    access: Access = access_of("eve")
    try:
        send_output(cast(Server, socket), lambda: command, offset, access=access, with_spans=with_spans)
    except ConnectionClosed:
        assert not socket.connected
    return socket.frames


def texts(frames: Sequence[Any]) -> dict[str, str]:
    """Give the text of each stream in raw frames."""
    found = {"stdout": "", "stderr": ""}
    for frame in frames:
        if "data" in frame:
            found[frame["stream"]] += frame["data"]
    return found


def looks(frames: Sequence[Any]) -> dict[str, list[tuple[str, str]]]:
    """Give each character of each stream in frames with spans, with its classes."""
    found: dict[str, list[tuple[str, str]]] = {"stdout": [], "stderr": []}
    for frame in frames:
        for text, classes in frame.get("spans", ()):
            found[frame["stream"]] += [(letter, "" if letter == "\n" else classes) for letter in text]
    return found


@given(FRAMES)
def test_a_program_gets_the_text_as_it_is_and_the_end_last(frames: list[Frame]) -> None:
    got = sent(past(frames))
    assert got[-1] == LAST
    for name in ("stdout", "stderr"):
        assert texts(got)[name] == "".join(text for source, text in frames if source == name)


@given(FRAMES, st.integers(1, 20), st.booleans())
def test_who_is_cut_and_comes_back_loses_and_repeats_nothing(
    frames: list[Frame], leaves_after: int, with_spans: bool
) -> None:
    whole = sent(past(frames), with_spans=with_spans)
    first = sent(past(frames), with_spans=with_spans, leaves_after=leaves_after)
    if first[-1] != LAST:
        first += sent(past(frames), first[-1]["offset"], with_spans=with_spans)
    assert first[-1] == LAST
    assert (texts(first), looks(first)) == (texts(whole), looks(whole))


@given(FRAMES)
def test_colours_go_on_where_a_stream_was_cut_and_never_into_the_other(frames: list[Frame]) -> None:
    """Cut anywhere, it looks as it does in one piece."""
    got = looks(sent(past(frames), with_spans=True))
    for name in ("stdout", "stderr"):
        whole: Frame = (name, "".join(text for source, text in frames if source == name))  # type: ignore[assignment]
        assert got[name] == looks(sent(past([whole]), with_spans=True))[name]


@given(FRAMES)
def test_no_control_character_reaches_a_page(frames: list[Frame]) -> None:
    for letters in looks(sent(past(frames), with_spans=True)).values():
        assert all(letter.isprintable() or letter in "\t\n" for letter, _ in letters)


def test_colours_are_classes() -> None:
    frames: list[Frame] = [("stdout", "a\x1b[3"), ("stderr", "E"), ("stdout", "1mb\r"), ("stdout", "\nc\x1b[0md")]
    assert [frame["spans"] for frame in sent(past(frames), with_spans=True)[:-1]] == [
        [["a", ""]],
        [["E", ""]],
        [["b\nc", "fg-red"], ["d", ""]],
    ]


def test_what_was_begun_and_never_went_on_is_shown_at_last() -> None:
    assert looks(sent(past([("stdout", "a\x1b[3")]), with_spans=True))["stdout"] == [(each, "") for each in "a␛[3"]


def test_pieces_of_one_stream_go_together_as_far_as_a_frame_may_be_long() -> None:
    assert list(joined([(1, "stdout", "a"), (2, "stdout", "b"), (3, "stderr", "c")])) == [
        (2, "stdout", "ab"),
        (3, "stderr", "c"),
    ]
    long = "x" * FRAME_MAX_CHARS
    assert [(at, len(text)) for at, _, text in joined([(1, "stdout", long), (2, "stdout", "b")])] == [
        (1, FRAME_MAX_CHARS),
        (2, 1),
    ]
    cut = list(joined([(5, "stdout", long * 2 + "b")]))
    assert [(at, len(text)) for at, _, text in cut] == [(4, FRAME_MAX_CHARS), (4, FRAME_MAX_CHARS), (5, 1)]


class Broken:
    """A command that answers once and then says why it does no more."""

    def __init__(self, error: Exception) -> None:
        self.id, self.began_at, self.ending = "a", datetime.now(UTC), None
        self._error: Exception | None = error

    def read(self, offset: int, *, limit: int, wait_s: float) -> Sequence[tuple[int, bytes]]:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        self.ending = ENDING  # type: ignore[assignment]  # told from now on
        return [(offset, b"omore")] if offset < 8 else []


def test_pieces_that_are_gone_are_said_to_be() -> None:
    got = sent(Broken(Gone(7)))
    assert got == [{"offset": 7, "lost": True}, {"offset": 8, "stream": "stdout", "data": "more"}, LAST]


def test_a_command_that_cannot_be_read_there_any_more_lets_the_page_come_back() -> None:
    socket = Socket()
    with pytest.raises(ConnectionClosed):
        send_output(cast(Server, socket), lambda: Broken(Closed()), 0, access=access_of("eve"), with_spans=False)
    assert socket.closed_with == 1001
    assert socket.frames == []


def test_nothing_is_sent_to_somebody_who_may_no_longer_see_it() -> None:
    class Over(Access):
        def demand(self) -> None:
            raise AccessEnded("Your access to shop has ended.", word="role-lowered")

    basis = access_of("eve")
    socket = Socket()
    with pytest.raises(AccessEnded):
        send_output(
            cast(Server, socket),
            lambda: past([("stdout", "secret")]),
            0,
            access=Over(basis.basis, basis.action),
            with_spans=False,
        )
    assert socket.frames == []


def test_who_may_read_it_is_asked_again_when_rights_have_changed_and_before_anything_is_sent() -> None:
    access, asked = access_of("eve"), list[int]()

    def find() -> Readable:
        asked.append(access.changes)
        if access.changes:
            raise NotThere("There is no such command of yours here.")
        access.changes = 1
        return past([("stdout", "secret")])

    socket = Socket()
    with pytest.raises(NotThere):
        send_output(cast(Server, socket), find, 0, access=access, with_spans=False)
    assert (socket.frames, asked) == ([], [0, 1])


def test_many_colour_changes_stay_bounded_on_each_line() -> None:
    frame = Drawing().draw((1, "stdout", "".join(f"\x1b[{30 + number % 8}mx" for number in range(10_000))))
    assert len(frame["spans"]) <= 2000
