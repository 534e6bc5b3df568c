"""Cutting, parsing, merging and resuming log lines: whatever the bytes, nothing is lost, repeated or raised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.base import LogLine
from runtimes.lines import Position, merged
from runtimes.records import LINE_MAX_BYTES, parsed, records, written

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STAMP = b"2024-03-01T10:00:00.123456789Z "


def line(nanoseconds: int | None, text: str, instance: str = "web-0") -> LogLine:
    at = None if nanoseconds is None else EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return LogLine(at=at, nanoseconds=nanoseconds or 0, instance=instance, container="app", stream="unknown", text=text)


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


logs = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([b"\n", b"\r\n", b"\r", STAMP, b"\x00", "€".encode(), b"\xff\xfe"]),
        st.integers(0, 300).map(lambda n: b"x" * n),
        st.integers(0, 100).map(lambda n: "é€😀".encode() * n),
    ),
    max_size=30,
).map(b"".join)
cuts = st.lists(st.integers(0, 10_000), max_size=20)


@given(logs, cuts)
def test_the_same_records_come_out_however_the_bytes_are_chunked(data: bytes, places: list[int]) -> None:
    assert list(records(chunked(data, places), max_bytes=64)) == list(records([data], max_bytes=64))


@given(logs, cuts)
def test_short_lines_come_out_as_they_were_written(data: bytes, places: list[int]) -> None:
    expected = [part + b"\n" for part in data.split(b"\n")[:-1]]
    rest = data.rpartition(b"\n")[2]
    assert list(records(chunked(data, places), max_bytes=100_000)) == expected + ([rest] if rest else [])


@given(logs.map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")), st.booleans())
def test_pieces_of_a_long_line_each_carry_its_stamp_and_lose_nothing(text: bytes, stamped: bool) -> None:
    stamp = STAMP if stamped else b"no stamp here "
    pieces = list(records([stamp + text + b"\r\n"], max_bytes=64))
    assert all(len(piece.removesuffix(b"\r\n")) <= 64 for piece in pieces)
    assert [piece.endswith(b"\n") for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    if stamped:
        assert all(piece.startswith(STAMP) for piece in pieces)
        assert b"".join(piece.removeprefix(STAMP) for piece in pieces) == text + b"\r\n"
    else:
        assert b"".join(pieces) == stamp + text + b"\r\n"


@given(logs, cuts)
def test_any_bytes_in_are_the_same_bytes_out(data: bytes, places: list[int]) -> None:
    pieces = records(chunked(data, places), max_bytes=64, stamped=False)
    assert b"".join(written(parsed(p, instance="", container="", stamped=False)) for p in pieces) == data


@given(logs, cuts)
def test_only_the_stamps_of_lines_are_taken_out(data: bytes, places: list[int]) -> None:
    with_stamps = b"".join(STAMP + part + b"\n" for part in data.split(b"\n")[:-1])
    pieces = records(chunked(with_stamps, places), max_bytes=64)
    told = b"".join(written(parsed(p, instance="", container="")) for p in pieces)
    assert told == data[: data.rfind(b"\n") + 1]


@given(st.binary(max_size=200))
def test_text_is_for_reading_and_never_fails_to_be_written(data: bytes) -> None:
    line = parsed(data, instance="", container="", stamped=False)
    line.text.encode()
    assert (line.raw is None) == (line.text.encode() + line.end.encode() == data)


@given(st.text(alphabet="aé€😀", max_size=400))
def test_a_long_line_is_cut_between_characters(text: str) -> None:
    pieces = records([STAMP + text.encode() + b"\n"], max_bytes=64)
    assert "".join(parsed(piece, instance="", container="").text for piece in pieces) == text


def test_a_megabyte_in_one_line_comes_in_bounded_pieces() -> None:
    pieces = list(records(b"x" * 1000 for _ in range(1000)))
    assert b"".join(pieces) == b"x" * 1_000_000
    assert max(map(len, pieces)) <= LINE_MAX_BYTES


def test_half_a_line_before_a_cut_is_not_given() -> None:
    def broken() -> Iterator[bytes]:
        yield b"whole\nhal"
        raise OSError("the line was cut")

    given_records = records(broken())
    assert next(given_records) == b"whole\n"
    with pytest.raises(OSError, match="cut"):
        next(given_records)


@pytest.mark.parametrize(
    ("record", "nanoseconds", "text"),
    [
        (b"1970-01-01T00:00:01Z hello", 1_000_000_000, "hello"),
        (b"1970-01-01T00:00:00.000000001Z x", 1, "x"),
        (b"1970-01-01T00:00:00.5Z x", 500_000_000, "x"),
        (b"1970-01-01T01:00:00.25+01:00 x", 250_000_000, "x"),
        (b"1969-12-31T18:30:00-05:30 x", 0, "x"),
        (b"1969-12-31T23:59:59.75Z x", -250_000_000, "x"),
        (b"1970-01-01T00:00:01Z ", 1_000_000_000, ""),
        (b"1970-01-01T00:00:01Z", 1_000_000_000, ""),
        (b"1970-01-01T00:00:01Z  two spaces", 1_000_000_000, " two spaces"),
        (b"1970-01-01T00:00:01Z 1970-01-01T00:00:02Z own", 1_000_000_000, "1970-01-01T00:00:02Z own"),
        (b"1970-01-01T00:00:01Z \xff\x00", 1_000_000_000, "\ufffd\x00"),
    ],
)
def test_a_stamp_is_read_to_the_nanosecond(record: bytes, nanoseconds: int, text: str) -> None:
    result = parsed(record, instance="web-0", container="app", stream="stderr")
    assert (result.nanoseconds, result.text) == (nanoseconds, text)
    assert result.at == EPOCH + timedelta(microseconds=nanoseconds // 1000)
    assert (result.instance, result.container, result.stream) == ("web-0", "app", "stderr")


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"plain",
        b"2024-13-01T00:00:00Z x",
        b"2024-01-01T25:00:00Z x",
        b"0001-01-01T00:00:00+14:00 x",
        b"2024-01-01T00:00:00Zx",
        b"2024-01-01 00:00:00Z x",
        "٢٠٢٤-01-01T00:00:00Z x".encode(),
    ],
)
def test_what_is_not_a_stamp_stays_in_the_text(record: bytes) -> None:
    result = parsed(record, instance="", container="")
    assert (result.at, result.nanoseconds, result.text) == (None, 0, record.decode())


@given(st.one_of(st.binary(), st.binary().map(lambda data: STAMP + data)))
def test_no_record_is_unreadable(record: bytes) -> None:
    parsed(record, instance="", container="")


stamps = st.one_of(st.none(), st.integers(0, 20).map(lambda n: n * 300_000_000))


@given(st.lists(st.lists(stamps, max_size=12), max_size=5))
def test_a_merge_keeps_the_order_of_each_source_and_loses_nothing(sources: list[list[int | None]]) -> None:
    named = [[line(n, str(i), str(s)) for i, n in enumerate(source)] for s, source in enumerate(sources)]
    result = list(merged(map(iter, named)))
    assert Counter(result) == Counter(one for source in named for one in source)
    for s, source in enumerate(named):
        assert [one for one in result if one.instance == str(s)] == source


@given(st.lists(st.lists(st.integers(0, 9), max_size=12).map(sorted), max_size=5))
def test_a_merge_of_ordered_sources_is_ordered_and_stable(sources: list[list[int]]) -> None:
    named = [[line(n, str(i), str(s)) for i, n in enumerate(source)] for s, source in enumerate(sources)]
    expected = sorted((one for source in named for one in source), key=lambda one: one.nanoseconds)
    assert list(merged(map(iter, named))) == expected


def test_closing_a_merge_closes_its_sources() -> None:
    closed: list[int] = []

    def source(number: int) -> Iterator[LogLine]:
        try:
            yield from (line(n, "") for n in range(10))
        finally:
            closed.append(number)

    merge = merged([source(1), source(2)])
    next(merge)
    merge.close()  # type: ignore[attr-defined]
    assert closed == [1, 2]


def since_filtered(log: list[LogLine], since: datetime | None) -> list[LogLine]:
    """What an engine sends: every line not before `since`, in the order of the log."""
    return [one for one in log if since is None or one.at is None or one.at >= since]


def read_with_cuts(log: list[LogLine], visible: list[int], first: int = 0, *, elsewhere: bool = False) -> list[LogLine]:
    """Read a growing log; at each cut `visible` says how many lines were given since the source was opened.

    With `elsewhere` another process goes on after each cut: all it has is the mark of the position.
    """
    position, result = Position(), []
    for count in [*visible, len(log)]:
        fresh = 0
        source = since_filtered(log, position.since)
        for one in source if position.since or result else log[first:]:
            if fresh == count:
                break
            if position.fresh(one):
                result.append(one)
                fresh += 1
        if elsewhere and position.mark:
            position = Position.at(position.mark)
        position.resume()
    return result


@given(
    st.lists(st.integers(0, 6).map(lambda n: n * 900_000_000), max_size=30),
    st.lists(st.integers(0, 9), max_size=6),
    st.booleans(),
)
def test_cuts_at_any_line_lose_and_repeat_nothing(times: list[int], visible: list[int], elsewhere: bool) -> None:
    log = [line(n, f"{i % 3}") for i, n in enumerate(sorted(times))]
    assert read_with_cuts(log, visible, elsewhere=elsewhere) == log


@given(
    st.lists(st.integers(0, 20).map(lambda n: n * 100_000_000), min_size=1, max_size=30),
    st.lists(st.integers(0, 9), max_size=6),
    st.booleans(),
)
def test_stamps_out_of_order_within_the_overlap_lose_and_repeat_nothing(
    times: list[int], visible: list[int], elsewhere: bool
) -> None:
    log = [line(n, f"unique {i}") for i, n in enumerate(times)]
    assert read_with_cuts(log, visible, elsewhere=elsewhere) == log


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 30), st.integers(0, 30))
def test_a_clock_that_was_set_back_an_hour_loses_and_repeats_nothing(
    visible: list[int], before: int, after: int
) -> None:
    hour = 3_600_000_000_000
    log = [line(hour + i * 1_000_000_000, f"before {i}") for i in range(before)]
    log += [line(i * 1_000_000_000, f"after {i}") for i in range(after)]
    given_count = Counter(read_with_cuts(log, [before + 1, *visible]))
    assert given_count == Counter(log)


@given(st.lists(st.sampled_from("abc"), max_size=20), st.lists(st.integers(0, 5), max_size=5))
def test_a_source_without_stamps_is_resumed_by_count(texts: list[str], visible: list[int]) -> None:
    log = [line(None, text) for text in texts]
    assert read_with_cuts(log, visible) == log


def test_lines_before_the_tail_are_not_given_after_a_cut() -> None:
    log = [line(5, f"line {i}") for i in range(10)]
    assert read_with_cuts(log, [1, 2], first=6) == log[6:]


def test_when_the_last_given_line_was_rotated_away_the_next_one_is_given() -> None:
    position = Position()
    assert position.fresh(line(1_000, "gone"))
    position.resume()
    assert position.fresh(line(1_001, "new"))
    assert position.fresh(line(900, "stamped by the other thread"))


def test_a_source_that_lost_its_end_and_its_clock_is_not_silent_for_ever() -> None:
    position = Position()
    for nanoseconds in (10**12, 10):
        assert position.fresh(line(nanoseconds, "gone"))
    position.resume()
    assert any(position.fresh(line(1_000, "new")) for _ in range(200_000))


def test_nothing_given_means_the_source_is_asked_as_the_first_time() -> None:
    position = Position()
    assert position.since is None
    position.resume()
    assert position.fresh(line(1, "first"))
    assert position.since == EPOCH


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1.2.3.zz", "-1.2.3.0123456789abcdef", "1.2.3.0123456789abcdef ", "٣" * 9]
)
def test_a_text_that_is_no_mark_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        Position.at(text)


def test_a_resumed_source_starts_a_little_before_the_last_line() -> None:
    position = Position()
    position.fresh(line(100_500_000_000, "last"))
    assert position.since == EPOCH + timedelta(seconds=98)
