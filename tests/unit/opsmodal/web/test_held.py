"""How many sockets people may hold, and what they hear when the server goes away."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any, cast

import pytest
from simple_websocket import ConnectionClosed, Server

from opsmodal.errors import TooMany
from opsmodal.web import held as module
from opsmodal.web.held import Held


class Socket:
    """A socket that notes how it was closed; one that is `stuck` takes nothing until it is over."""

    def __init__(self, over: threading.Event | None = None) -> None:
        self.closed: list[tuple[int, str]] = []
        self._over = over

    def close(self, reason: int, message: str) -> None:
        if self.closed:
            raise ConnectionClosed
        if self._over is not None:
            self._over.wait(20)
        self.closed.append((reason, message))


def server(socket: Socket) -> Server:
    return cast(Any, socket)


def test_one_person_and_all_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PER_PERSON_MAX", 2)
    monkeypatch.setattr(module, "IN_TOTAL_MAX", 3)
    held = Held()
    with ExitStack() as stack:
        for name in ("eve", "eve", "bob"):
            stack.enter_context(held.by(name, server(Socket())))
        with pytest.raises(TooMany, match="all the live connections"), held.by("carol", server(Socket())):
            pass
        assert held.count == 3
    assert held.count == 0
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(held.by("eve", server(Socket())))
        with pytest.raises(TooMany, match="You hold 2"), held.by("eve", server(Socket())):
            pass


def test_everybody_is_told_at_once_also_beside_one_who_takes_nothing() -> None:
    held, over, told = Held(), threading.Event(), Socket()
    stuck, late = Socket(over), Socket()
    with held.by("eve", server(stuck)), held.by("bob", server(told)):
        leaving = threading.Thread(target=held.leave)
        leaving.start()
        deadline = threading.Event()
        for _ in range(200):
            if told.closed:
                break
            deadline.wait(0.05)
        assert told.closed == [(1001, "The server restarts.")]
        with held.by("carol", server(late)):
            assert late.closed == [(1001, "The server restarts.")]
        over.set()
        leaving.join(20)
    assert stuck.closed
