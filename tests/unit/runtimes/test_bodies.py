"""Chunked bodies: the same bytes however they are chunked and arrive, and none that were cut off."""

from __future__ import annotations

from io import BytesIO

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from runtimes.bodies import _unchunked, taken

END = b"0\r\n\r\n"


class Arriving(BytesIO):
    """A socket's file that gives a few bytes at a time."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        super().__init__(data)
        self._sizes = sizes

    def read1(self, size: int | None = -1) -> bytes:
        return self.read(self._sizes.pop() if self._sizes else size)


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces if piece)


pieces = st.lists(st.binary(max_size=40), max_size=20)
sizes = st.lists(st.integers(1, 9), max_size=200)


@given(pieces, sizes)
def test_a_body_is_the_same_however_it_arrives(sent: list[bytes], parts: list[int]) -> None:
    file = Arriving(chunked(sent) + END, parts)
    assert b"".join(_unchunked(file)) == b"".join(sent)  # type: ignore[arg-type]
    assert file.read() == b"", "the next answer on the connection would begin with what is left"


@given(pieces.filter(any), sizes, st.data())
def test_a_body_that_was_cut_off_is_not_taken_for_a_whole_one(
    sent: list[bytes], parts: list[int], data: st.DataObject
) -> None:
    whole = chunked(sent) + END
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(urllib3.exceptions.ProtocolError):
        b"".join(_unchunked(Arriving(cut, parts)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body", [b"<html>\r\n", b"-5\r\nhello\r\n", b"5 5\r\n", b"\r\n", b"x" * 5000, b"f" * 17 + b"\r\n"]
)
def test_what_is_no_chunk_is_refused(body: bytes) -> None:
    with pytest.raises(urllib3.exceptions.ProtocolError):
        list(_unchunked(Arriving(body, [])))  # type: ignore[arg-type]


def test_fields_behind_the_last_chunk_are_read_away() -> None:
    file = Arriving(b"3\r\none\r\n0\r\nDigest: x\r\nOther: y\r\n\r\n", [])
    assert b"".join(_unchunked(file)) == b"one"  # type: ignore[arg-type]
    assert file.read() == b""


def test_bytes_are_given_before_their_chunk_is_whole() -> None:
    assert [taken(a, left) for a, left in ((b"5\r\nhe", 0), (b"llo\r", 5))] == [
        ([b"he"], b"", 5),
        ([b"llo"], b"", 1),
    ]
