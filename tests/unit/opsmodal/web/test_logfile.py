"""A log as a file: whatever was logged is in it, and a prefix stands once before each line."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from opsmodal.web.logfile import log_file
from runtimes.base import LogLine
from runtimes.records import parsed, records

AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def line(text: str, end: str = "\n", *, instance: str = "web-0", stream: str = "stdout") -> LogLine:
    return LogLine(at=AT, nanoseconds=0, instance=instance, container="app", stream=stream, text=text, end=end)  # type: ignore[arg-type]


@given(st.binary())
def test_any_bytes_are_written_as_they_were(data: bytes) -> None:
    lines = [parsed(each, instance="", container="", stamped=False) for each in records([data], stamped=False)]
    assert b"".join(log_file(lines, stamps=False, sources=False)) == data


def test_pieces_of_one_line_share_a_prefix() -> None:
    lines = [line("long ", ""), line("long ", ""), line("end"), line("next", "\r\n")]
    assert b"".join(log_file(lines, stamps=True, sources=True)) == (
        b"2026-03-01T03:00:00Z [web-0/app] long long end\n2026-03-01T03:00:00Z [web-0/app] next\r\n"
    )


def test_a_line_without_an_end_is_kept_apart_from_those_of_others() -> None:
    lines = [line("half", ""), line("whole", instance="web-1"), line("err", "", stream="stderr"), line("rest")]
    assert b"".join(log_file(lines, stamps=False, sources=True)).splitlines() == [
        b"[web-0/app] half",
        b"[web-1/app] whole",
        b"[web-0/app] err",
        b"[web-0/app] rest",
    ]
