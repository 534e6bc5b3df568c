"""However a stream is cut into reads and in time, its pieces are the stream: nothing torn, lost, doubled or moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opsmodal.commands.pieces import GATHER_S, PIECE_MAX_BYTES, TURNS_MAX, Gathering, Source, unpacked

SOURCES: tuple[Source, ...] = ("stdout", "stderr")
TEXTS = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=40),
    st.lists(st.sampled_from([b"\xe2", b"\x82", b"\xac", b"\xf0\x9f", b"\x98\x80", b"\xed\xa0", b"a", b"\xff"])).map(
        b"".join
    ),
)


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@st.composite
def writes(draw: st.DrawFn) -> list[tuple[Source, bytes, float]]:
    """Draw writes with pauses after them: a text of each stream, cut anywhere, the streams in any turn."""
    found: list[tuple[Source, bytes, float]] = []
    for _ in range(draw(st.integers(0, 6))):
        data = draw(TEXTS)
        cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
        source = draw(st.sampled_from(SOURCES))
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            pause = draw(st.sampled_from([0.0, GATHER_S / 3, GATHER_S * 2]))
            found.append((source, data[start:end], pause))
    return found


def gathered(written: list[tuple[Source, bytes, float]]) -> list[bytes]:
    clock, records = Clock(), list[bytes]()
    gathering = Gathering(records.extend, clock=clock)
    for source, data, pause in written:
        gathering.add(source, data)
        clock.at += pause
        gathering.flush_due()
    gathering.finish()
    return records


@given(writes())
def test_pieces_read_one_by_one_are_the_whole_stream_read_at_once(written: list[tuple[Source, bytes, float]]) -> None:
    pieces = [unpacked(record) for record in gathered(written)]
    for source in SOURCES:
        whole = b"".join(data for of, data, _ in written if of == source)
        assert "".join(text for of, text in pieces if of == source) == whole.decode(errors="replace")


@given(writes())
def test_no_byte_is_lost_or_added(written: list[tuple[Source, bytes, float]]) -> None:
    records = gathered(written)
    assert sum(len(record) - 1 for record in records) == sum(len(data) for _, data, _ in written)
    assert all(len(record) > 1 for record in records)


@given(writes())
def test_whole_characters_keep_the_order_in_which_the_streams_took_turns(
    written: list[tuple[Source, bytes, float]],
) -> None:
    plain = [(source, b"x" * len(data), pause) for source, data, pause in written][:TURNS_MAX]
    letters = "".join(source[3] * len(text) for source, text in map(unpacked, gathered(plain)))
    assert letters == "".join(source[3] * len(data) for source, data, _ in plain)


def test_a_character_in_two_reads_comes_out_whole() -> None:
    euro = "€".encode()
    records = gathered([("stdout", b"10 " + euro[:1], 1.0), ("stderr", b"!", 1.0), ("stdout", euro[1:] + b"\n", 1.0)])
    assert [unpacked(record) for record in records] == [("stdout", "10 "), ("stderr", "!"), ("stdout", "€\n")]


def test_a_character_that_never_goes_on_is_shown_as_none() -> None:
    assert [unpacked(record)[1] for record in gathered([("stdout", b"10 \xe2\x82", 1.0)])] == ["10 ", "\ufffd"]


def test_writes_of_single_bytes_do_not_cost_a_record_each() -> None:
    assert len(gathered([("stdout", b"x", 0.0)] * 10_000)) == 2
    in_turn: list[tuple[Source, bytes, float]] = [(SOURCES[number % 2], b"x", 0.0) for number in range(10_000)]
    assert len(gathered(in_turn)) <= TURNS_MAX + 2


def test_a_large_write_is_cut_into_pieces_that_a_frame_takes() -> None:
    records = gathered([("stdout", "€".encode() * PIECE_MAX_BYTES, 0.0)])
    assert max(map(len, records)) <= PIECE_MAX_BYTES + 4
    assert "".join(unpacked(record)[1] for record in records) == "€" * PIECE_MAX_BYTES
