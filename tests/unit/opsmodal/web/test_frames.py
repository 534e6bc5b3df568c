"""Frames are what a WebSocket client reads, compressed or not, each by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage
from wsproto.extensions import PerMessageDeflate

from opsmodal.web.frames import AGREED, OFFERED, Frame, offer_shared


def read(*frames: bytes, compressed: bool) -> list[Any]:
    """Read frames as a browser does."""
    deflate = PerMessageDeflate(server_no_context_takeover=True, client_no_context_takeover=True)
    deflate.finalize(AGREED)
    client = Connection(ConnectionType.CLIENT, [deflate] if compressed else [])
    client.receive_data(b"".join(frames))
    parts: list[Any] = []
    text = ""
    for event in client.events():
        assert isinstance(event, TextMessage)
        text += event.data
        if event.message_finished:
            parts.append(json.loads(text))
            text = ""
    return parts


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("length", [0, 1, 110, 115, 116, 1000, 1100, 65_520, 65_536, 300_000])
def test_a_client_reads_what_was_sent(length: int, compressed: bool) -> None:
    said = {"text": "ä" * length}
    frame = Frame(said)
    sent = frame.deflated if compressed else frame.plain
    assert read(sent, sent, compressed=compressed) == [said, said]


def test_long_frames_are_sent_short() -> None:
    frame = Frame({"rows": "<tr><td>Running</td></tr>" * 1000})
    assert len(frame.deflated) < len(frame.plain) / 20
    assert frame.deflated is frame.deflated, "compressed once"


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ("permessage-deflate; client_max_window_bits", AGREED),
        ("permessage-deflate", AGREED),
        ("x-other", None),
        ("", None),
    ],
)
def test_only_shareable_compression_is_agreed_on(offered: str, agreed: str | None) -> None:
    environ = {OFFERED: offered} if offered else {}
    offer_shared(environ)
    assert environ.get(OFFERED) == agreed
