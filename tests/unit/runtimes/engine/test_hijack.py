"""Taking a connection over: nothing is lost that came with the head, and every other answer is told in a sentence."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from runtimes.engine.dialled import Dialled
from runtimes.engine.hijack import hijacked
from runtimes.engine.problems import Place
from runtimes.errors import Conflict, Missing, RuntimeProblem, Unavailable

HEAD = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"


@contextmanager
def answering(path: Path, *pieces: bytes, then: bytes = b"") -> Iterator[Dialled]:
    """Let somebody answer one request at a socket, piece by piece, and say what it heard after that, if anything."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            near, _ = listener.accept()
            with near:
                heard.append(near.recv(65536))
                for piece in pieces:
                    near.sendall(piece)
                    time.sleep(0.02)
                if then:
                    with suppress(OSError):  # whoever asked may have gone
                        near.sendall(near.recv(100) + then)

        thread = threading.Thread(target=answer, name="answering")
        thread.start()
        place = Place(kind="docker", address=f"unix://{path}", socket=str(path))
        yield Dialled(address=f"unix://{path}", files=None, place=place, timeout_s=1)
        thread.join(5)
    assert heard[0].startswith(b"POST /v1.41/exec/x/start HTTP/1.1\r\n")
    assert b"\r\nUpgrade: tcp\r\n" in heard[0]


def begin(dialled: Dialled) -> Sequence[bytes | None]:
    with closing(hijacked(dialled, "/v1.41/exec/x/start", {})) as line:
        first = line.read(1)
        line.send(b"said ", timeout_s=1)
        return first, line.read(1), line.read(1)


@pytest.mark.parametrize("status", [b"101 UPGRADED", b"200 OK"])
def test_what_comes_with_the_head_is_kept(tmp_path: Path, status: bytes) -> None:
    head = HEAD.replace(b"101 UPGRADED", status)
    with answering(tmp_path / "s", head[:20], head[20:] + b"early", then=b"late") as dialled:
        assert begin(dialled) == (b"early", b"said late", b"")


def test_silence_is_neither_data_nor_an_end(tmp_path: Path) -> None:
    with (
        answering(tmp_path / "s", HEAD, then=b"!") as dialled,
        closing(hijacked(dialled, "/v1.41/exec/x/start", {})) as line,
    ):
        assert line.read(0.05) is None
        line.send(b"?", timeout_s=1)
        assert line.read(1) == b"?!"


def test_closing_wakes_who_reads(tmp_path: Path) -> None:
    with answering(tmp_path / "s", HEAD, then=b"!") as dialled:
        line = hijacked(dialled, "/v1.41/exec/x/start", {})
        threading.Timer(0.1, line.close).start()
        began = time.monotonic()
        assert line.read(10) == b""
        assert time.monotonic() - began < 5
        line.close()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (b'HTTP/1.1 409 Conflict\r\nContent-Length: 26\r\n\r\n{"message":"it is paused"}', Conflict, "it is paused"),
        (b'HTTP/1.1 404 Not Found\r\ncontent-length: 21\r\n\r\n{"message":"no exec"}', Missing, "no exec"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 900\r\n\r\n<html>", Conflict, "HTTP status 500"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Unavailable, "not a container engine"),
        (b"HTTP/1.1 abc\r\n\r\n", Unavailable, "not a container engine"),
        (b"x" * 70_000, Unavailable, "not a container engine"),
        (b"", Unavailable, "cannot be reached"),
    ],
)
def test_every_other_answer_is_a_sentence(tmp_path: Path, answer: bytes, kind: type[RuntimeProblem], said: str) -> None:
    with answering(tmp_path / "s", answer) as dialled, pytest.raises(kind, match=said):
        hijacked(dialled, "/v1.41/exec/x/start", {})


def test_an_engine_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    with answering(tmp_path / "s", HEAD[:10], then=b"x") as dialled, pytest.raises(Unavailable, match="within 1 s"):
        hijacked(dialled, "/v1.41/exec/x/start", {})
