"""Whether a program has begun decides what is said of a lost line: what may have run is not offered for another try."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from connectors.base import Ended, Exit
from connectors.direct import Direct
from runtimes.commands import Command
from runtimes.engine.answers import Config, Inspected, State
from runtimes.engine.containers import Containers
from runtimes.engine.execs import Execs, ExecState
from runtimes.engine.hijack import Hijacked
from runtimes.engine.inside import Inside
from runtimes.engine.unkept import Unkept
from runtimes.errors import Conflict, Missing, Unavailable

WEB = Inspected(
    id="c" * 64, name="/web", image="sha256:1", state=State(status="running", running=True), config=Config()
)
COMMAND = Command(argv=("true",), limit_s=5, where="container", container=WEB.id)


class FarEnd:
    """An engine whose every exec is a socket, which `behave` is given."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        self._behave = behave
        self._threads: list[threading.Thread] = []
        self.now: Inspected | Exception = WEB
        self.made: list[tuple[str, ...]] = []

    def inspected(self, _id: str) -> Inspected:
        if isinstance(self.now, Exception):
            raise self.now
        return self.now

    def make(self, _container: str, argv: tuple[str, ...], **_more: object) -> str:
        self.made.append(argv)
        return "e"

    def start(self, _exec: str) -> Hijacked:
        near, far = socket.socketpair()
        self._threads.append(threading.Thread(target=self._behaved, args=(far,), name="far end"))
        self._threads[-1].start()
        return Hijacked(near, b"")

    def state(self, _exec: str) -> ExecState:
        raise Unavailable("The engine is gone.")

    def _behaved(self, far: socket.socket) -> None:
        with far:
            self._behave(far)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def made() -> Iterator[Callable[[Callable[[socket.socket], None]], tuple[FarEnd, Inside]]]:
    ends: list[tuple[FarEnd, Inside]] = []

    def make(behave: Callable[[socket.socket], None]) -> tuple[FarEnd, Inside]:
        end = FarEnd(behave)
        execs = cast(Execs, end)
        ends.append((end, Inside(cast(Containers, end), execs, Unkept(execs, Direct()))))
        return ends[-1]

    yield make
    for end, inside in ends:
        inside.close()
        end.join()


Made = Callable[[Callable[[socket.socket], None]], tuple[FarEnd, Inside]]


def take_the_line_and_go(far: socket.socket) -> None:
    taken = b""
    while not taken.endswith(b"\n"):
        taken += far.recv(65536)


def test_a_program_that_may_have_begun_is_lost_and_not_tried_again(made: Made) -> None:
    _, inside = made(take_the_line_and_go)
    (end,) = inside.run(WEB, COMMAND).stream
    assert isinstance(end, Exit)
    assert (end.code, end.reason) == (None, Ended.LOST)
    assert "not known" in end.sentence


def test_a_program_whose_line_was_not_taken_can_be_tried_again(made: Made) -> None:
    _, inside = made(lambda far: far.shutdown(socket.SHUT_RDWR))
    command = Command(argv=("echo", "x" * 250_000), limit_s=5, where="container", container=WEB.id)
    with pytest.raises(Unavailable, match="lost before the program began"):
        inside.run(WEB, command)


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (Missing("It is gone."), Missing),
        (Inspected(id=WEB.id, name="/web", state=State(status="exited", exit_code=1)), Conflict),
    ],
)
def test_a_container_that_ended_meanwhile_is_the_reason(
    made: Made, now: Inspected | Exception, kind: type[Exception]
) -> None:
    end, inside = made(take_the_line_and_go)
    end.now = now
    with pytest.raises(kind):
        inside.run(WEB, COMMAND)


def test_nothing_is_started_where_nothing_runs(made: Made) -> None:
    end, inside = made(take_the_line_and_go)
    for state, said in (
        (State(status="paused", running=True, paused=True), "is paused"),
        (State(status="restarting", running=True, restarting=True), "is restarting"),
        (State(status="exited", exit_code=3), "not running .exited with 3"),
        (State(status="created"), "not running .created"),
    ):
        with pytest.raises(Conflict, match=said):
            inside.run(Inspected(id=WEB.id, name="/web", state=state), COMMAND)
    assert end.made == []


def test_after_its_end_nothing_is_started(made: Made) -> None:
    _, inside = made(take_the_line_and_go)
    inside.close()
    with pytest.raises(Unavailable, match="closed"):
        inside.run(WEB, COMMAND)
