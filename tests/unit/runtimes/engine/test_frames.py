from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.engine.frames import NotFrames, Records, frames, split_records, terminal_records
from runtimes.records import LINE_MAX_BYTES, parsed, written

STAMP = b"2026-11-21T03:13:06.699793655Z "
LATER = b"2026-11-21T03:13:07.100000000Z "


def frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


def flat(batches: Iterable[Records]) -> Records:
    """Put batches together; none of them may be empty."""
    given_batches = list(batches)
    assert all(given_batches)
    return list(chain.from_iterable(given_batches))


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=50)), max_size=20),
    st.integers(1, 40),
)
def test_frames_are_the_same_however_the_body_is_chunked(sent: list[tuple[int, bytes]], size: int) -> None:
    body = b"".join(frame(stream, payload) for stream, payload in sent)
    names = {1: "stdout", 2: "stderr"}
    assert flat(frames(chunked(body, size))) == [(names[stream], payload) for stream, payload in sent]


@pytest.mark.parametrize("body", [b"<html><body>no engine</body>", b"\x01\x00\x00\x00\xff\xff\xff\xffx", b"\x07" * 9])
def test_a_body_of_something_else_is_not_taken_for_frames(body: bytes) -> None:
    with pytest.raises(NotFrames):
        flat(frames([body]))


def test_a_frame_that_was_cut_off_is_left_for_the_one_who_resumes() -> None:
    body = frame(1, STAMP + b"one\n") + frame(1, STAMP + b"two\n")[:-2]
    assert flat(split_records([body])) == [("stdout", STAMP + b"one\n")]


def test_a_line_in_pieces_is_one_line_with_one_stamp() -> None:
    pieces = [b"x" * 16384, b"y" * 16384, b"z" * 100 + b"\n"]
    body = b"".join(frame(1, STAMP + piece) for piece in pieces) + frame(1, LATER + b"next\n")
    assert flat(split_records([body])) == [
        ("stdout", STAMP + b"x" * 16384 + b"y" * 16384 + b"z" * 100 + b"\n"),
        ("stdout", LATER + b"next\n"),
    ]


def test_pieces_of_one_stream_do_not_swallow_lines_of_the_other() -> None:
    body = frame(1, STAMP + b"x" * 16384) + frame(2, LATER + b"error\n") + frame(1, STAMP + b"end\n")
    assert flat(split_records([body])) == [
        ("stderr", LATER + b"error\n"),
        ("stdout", STAMP + b"x" * 16384 + b"end\n"),
    ]


def test_a_last_line_without_an_end_is_given() -> None:
    assert flat(split_records([frame(1, STAMP + b"no end")])) == [("stdout", STAMP + b"no end")]


def test_a_megabyte_in_one_line_comes_in_stamped_pieces_and_loses_nothing() -> None:
    sent = bytes(range(97, 123)) * 40000
    body = b"".join(frame(2, STAMP + piece) for piece in chunked(sent + b"\n", 16384))
    given_records = flat(split_records(chunked(body, 5000)))
    assert {stream for stream, _ in given_records} == {"stderr"}
    assert all(len(record) <= LINE_MAX_BYTES + 1 and record.startswith(STAMP) for _, record in given_records)
    assert b"".join(record.removeprefix(STAMP) for _, record in given_records) == sent + b"\n"


def test_pieces_that_podman_stamped_in_different_seconds_are_one_line() -> None:
    body = frame(1, STAMP + b"slow") + frame(1, LATER + b" and") + frame(1, LATER + b" steady\n")
    assert flat(split_records([body])) == [("stdout", STAMP + b"slow and steady\n")]


written_pieces = st.lists(
    st.one_of(st.binary(min_size=1, max_size=40), st.sampled_from([b"\n", b"\r\n", STAMP, b"x" * 16384])), max_size=30
)


@given(written_pieces, st.integers(1, 5000), st.booleans())
def test_any_bytes_of_a_stream_come_out_as_they_were(pieces: list[bytes], size: int, framed: bool) -> None:
    sent = b"".join(pieces)
    if framed:
        given_records = split_records(chunked(b"".join(frame(1, piece) for piece in pieces), size), stamped=False)
    else:
        given_records = terminal_records(chunked(sent, size), stamped=False)
    lines = [
        parsed(record, instance="", container="", stamped=False) for _, record in chain.from_iterable(given_records)
    ]
    assert b"".join(map(written, lines)) == sent


def test_a_terminal_has_one_stream_and_no_frames() -> None:
    body = STAMP + b"$ ls\r\n" + LATER + b"file\r\n"
    assert flat(terminal_records([body])) == [("unknown", STAMP + b"$ ls\r\n"), ("unknown", LATER + b"file\r\n")]


def test_stamps_that_docker_writes_into_a_long_terminal_line_are_taken_out() -> None:
    body = STAMP + b"x" * 16384 + STAMP + b"y" * 16384 + STAMP + b"end\r\n"
    assert flat(terminal_records([body])) == [("unknown", STAMP + b"x" * 16384 + b"y" * 16384 + b"end\r\n")]
