"""A kept connection that dies just as something is asked over it: a read is asked again, once; a write is not."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from connectors.base import Phase, Standing
from runtimes.engine.answers import Version
from runtimes.engine.api import Api
from runtimes.engine.problems import Place
from runtimes.engine.unix import SocketAdapter
from runtimes.errors import Unavailable

BODY = b'{"Version": "1", "ApiVersion": "1.41"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
GIVE_UP_S = 10.0
DOWN = Standing(phase=Phase.DOWN, sentence="The bastion hung up.", hint="Look at it.")


class Server:
    """Answers the first request of each connection and hangs up at the second, which it has read by then."""

    def __init__(self, listener: socket.socket, *, answered: int) -> None:
        self.heard: list[bytes] = []
        self._listener = listener
        self._answered = answered

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                near.settimeout(GIVE_UP_S)
                with near, contextlib.suppress(OSError):
                    for number in range(2):
                        if not (heard := near.recv(65536)):
                            break
                        self.heard.append(heard.split(b" ")[0])
                        if number or self._answered == 0:
                            break
                        self._answered -= 1
                        near.sendall(ANSWER)


@contextlib.contextmanager
def serving(path: Path, *, answered: int, standing: Standing | None = None) -> Iterator[tuple[Api, Server]]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)
        server = Server(listener, answered=answered)
        thread = threading.Thread(target=server.serve, name="hangs-up")
        thread.start()
        client = docker.APIClient(base_url=f"unix://{path}", version="1.41", timeout=3)
        client.mount(client.base_url, SocketAdapter(str(path), kept=1))
        place = Place(
            kind="docker",
            address=f"unix://{path}",
            socket=str(path),
            standing=lambda: standing or Standing(phase=Phase.UP),
        )
        api = Api(client, place=place, timeout_s=3, released=lambda: None)
        try:
            yield api, server
        finally:
            api.close()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_read_over_a_connection_that_died_is_asked_again(tmp_path: Path) -> None:
    with serving(tmp_path / "s", answered=2) as (api, server):
        for _ in range(2):
            assert api.get("/version", Version).version == "1"
    assert server.heard == [b"GET"] * 3


def test_a_read_is_asked_twice_at_most(tmp_path: Path) -> None:
    with serving(tmp_path / "s", answered=0) as (api, server), pytest.raises(Unavailable):
        api.get("/version", Version)
    assert server.heard == [b"GET"] * 2


def test_a_write_is_never_asked_again(tmp_path: Path) -> None:
    with serving(tmp_path / "s", answered=1) as (api, server):
        api.get("/version", Version)
        with pytest.raises(Unavailable):
            api.post("/containers/x/restart")
    assert server.heard == [b"GET", b"POST"]


def test_a_way_that_is_down_is_told_of_in_its_own_words(tmp_path: Path) -> None:
    with serving(tmp_path / "s", answered=0, standing=DOWN) as (api, _), pytest.raises(Unavailable) as caught:
        api.get("/version", Version)
    assert (caught.value.sentence, caught.value.hint) == (DOWN.sentence, DOWN.hint)
    assert "the connection was closed" in caught.value.detail
