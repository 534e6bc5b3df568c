"""A channel's close is the last thing that it says, whoever else is about to say something."""

from __future__ import annotations

import threading
from collections.abc import Callable

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_DATA, MSG_CHANNEL_EOF, MSG_CHANNEL_WINDOW_ADJUST
from paramiko.message import Message

from connectors.ssh.orderly import Orderly

SAY_S = 5.0


class Wire:
    """Where messages go; the first one lies at the door until it is let in, as behind a busy machine's lock."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.waiting, self.let_in = threading.Event(), threading.Event()

    def _send_user_message(self, message: Message) -> None:
        if not self.waiting.is_set():
            self.waiting.set()
            self.let_in.wait(SAY_S)
        self.sent.append(message.asbytes()[0])

    def _unlink_channel(self, number: int) -> None: ...

    def _sanitize_packet_size(self, size: int) -> int:
        return size

    def get_log_channel(self) -> str:
        return "connectors.ssh.wire"


def _channel(wire: Wire) -> Orderly:
    channel = Orderly(1)
    channel._set_transport(wire)
    channel._set_window(1000, 32768)
    channel._set_remote_channel(7, 1 << 20, 32768)
    return channel


def _adjusts(channel: Orderly) -> None:
    channel.in_buffer.feed(bytes(900))
    channel.recv(900)


CLOSES: dict[str, Callable[[Orderly], None]] = {
    "we": lambda channel: channel.close(),
    "the far side": lambda channel: channel._handle_close(Message()),
}


@pytest.mark.parametrize("closes", CLOSES)
@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (lambda channel: channel.sendall(b"data"), [MSG_CHANNEL_DATA, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]),
        (lambda channel: channel.shutdown_write(), [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]),
        (_adjusts, [MSG_CHANNEL_WINDOW_ADJUST, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]),
    ],
    ids=["data", "an end", "an acknowledgement"],
)
def test_a_close_comes_after_what_was_about_to_be_sent(
    says: Callable[[Orderly], None], expected: list[int], closes: str
) -> None:
    wire = Wire()
    channel = _channel(wire)
    saying = threading.Thread(target=says, args=(channel,))
    saying.start()
    assert wire.waiting.wait(SAY_S)
    CLOSES[closes](channel)
    wire.let_in.set()
    saying.join(SAY_S)
    assert wire.sent == expected


@pytest.mark.parametrize("wait", [lambda channel: channel.recv(1), lambda channel: channel.sendall(bytes(2 << 20))])
def test_a_close_wakes_whoever_waits_and_is_sent(wait: Callable[[paramiko.Channel], None]) -> None:
    wire = Wire()
    wire.waiting.set()
    channel = _channel(wire)

    def waits() -> None:
        try:
            wait(channel)
        except OSError:
            ended.set()
        ended.set()

    ended = threading.Event()
    waiting = threading.Thread(target=waits)
    waiting.start()
    channel.close()
    assert ended.wait(SAY_S)
    waiting.join(SAY_S)
    assert wire.sent[-2:] == [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]
