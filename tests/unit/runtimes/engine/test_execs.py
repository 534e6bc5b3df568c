"""What an exec says is taken apart exactly, wherever the pieces were cut."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtimes.engine.execs import ExecSession, Trailer
from runtimes.engine.hijack import Hijacked

MARK = b"0123456789abcdef0123456789abcdef"


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut data into pieces of these sizes and a rest."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


@given(
    before=st.binary(max_size=60),
    said=st.one_of(st.binary(max_size=200), st.just(MARK[:31]), st.just(b"x" + MARK[:5])),
    code=st.integers(0, 255),
    sizes=st.lists(st.integers(0, 40), max_size=20),
)
@example(before=b"", said=b"", code=0, sizes=[1] * 20)
def test_the_last_word_is_taken_out_of_stderr_and_nothing_else(
    before: bytes, said: bytes, code: int, sizes: list[int]
) -> None:
    trailer = Trailer(MARK)
    whole = before + MARK + b"\n" + said + MARK + f"{code}\n".encode()
    got = b"".join(trailer.take(piece) for piece in cut(whole, sizes)) + trailer.rest()
    assert got == before + MARK + b"\n" + said
    assert trailer.code == code


@given(said=st.binary(max_size=200), sizes=st.lists(st.integers(0, 40), max_size=20), kept=st.integers(0, 33))
def test_without_a_whole_last_word_nothing_is_lost_and_nothing_claimed(
    said: bytes, sizes: list[int], kept: int
) -> None:
    trailer = Trailer(MARK)
    whole = MARK + b"\n" + said + (MARK + b"7")[:kept]
    got = b"".join(trailer.take(piece) for piece in cut(whole, sizes)) + trailer.rest()
    assert got == whole
    assert trailer.code is None


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Hijacked]]:
    far, near = socket.socketpair()
    line = Hijacked(near, b"")
    yield far, line
    far.close()
    line.close()


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def read(session: ExecSession) -> list[tuple[str, bytes]]:
    found = []
    while True:
        try:
            said = session.read(0.1)
        except EOFError:
            return found
        if said is not None:
            found.append(said)


def test_a_session_ends_with_the_last_word_though_somebody_holds_the_line(
    pair: tuple[socket.socket, Hijacked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtimes.engine.execs.HELD_S", 0.2)
    far, line = pair
    session = ExecSession(line, mark=MARK, kept=True, asked=lambda: 99)
    far.sendall(frame(2, MARK + b"\n") + frame(1, b"out") + frame(2, b"err" + MARK + b"4\n"))
    assert read(session) == [("stderr", MARK + b"\n"), ("stdout", b"out"), ("stderr", b"err")]
    assert session.status() == 4


def test_a_line_that_ends_without_the_last_word_says_no_status(pair: tuple[socket.socket, Hijacked]) -> None:
    far, line = pair
    session = ExecSession(line, mark=MARK, kept=True, asked=lambda: 0)
    far.sendall(frame(2, MARK + b"\n") + frame(2, b"err" + MARK[:4]) + frame(1, b"cut off")[:-2])
    far.close()
    assert read(session) == [("stderr", MARK + b"\nerr"), ("stderr", MARK[:4])]
    assert session.status() is None


def test_before_the_keeper_began_the_engine_is_asked(pair: tuple[socket.socket, Hijacked]) -> None:
    far, line = pair
    session = ExecSession(line, mark=MARK, kept=True, asked=lambda: 126)
    far.sendall(frame(1, b"OCI runtime exec failed: no /bin/sh\r\n"))
    far.close()
    read(session)
    assert session.status() == 126
    assert b"/bin/sh" in session.early


def test_what_is_no_frame_ends_it(pair: tuple[socket.socket, Hijacked]) -> None:
    far, line = pair
    session = ExecSession(line, mark=MARK, kept=True, asked=lambda: None)
    far.sendall(frame(1, b"fine") + b"HTTP/1.1 200 OK\r\n\r\n")
    assert read(session) == [("stdout", b"fine")]
    assert session.status() is None


def test_an_engine_that_speaks_for_a_program_without_a_keeper_does_so_on_stderr(
    pair: tuple[socket.socket, Hijacked],
) -> None:
    far, line = pair
    session = ExecSession(line, mark=b"bare", kept=False, asked=lambda: 126)
    far.sendall(frame(1, b"OCI runtime exec failed: nope\r\n"))
    far.close()
    said = read(session)
    assert said[:2] == [("stdout", b"bare\n"), ("stderr", b"bare\n")]
    assert said[2:] == [("stderr", b"OCI runtime exec failed: nope\r\n")]
    assert session.status() == 126
