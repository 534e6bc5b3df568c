"""Spans of time as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.durations import moment, span_s
from opsmodal.errors import BadRequest

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172800), ("1W", 604800), (" 5m ", 300), ("0", 0)],
)
def test_a_span_is_read(text: str, seconds: int) -> None:
    assert span_s(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10 m", "-5m", "1.5h", "10x", "٣m", "9" * 30, "400d", "1h-30m"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        span_s(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("10m", NOW - timedelta(minutes=10)),
        ("600", NOW - timedelta(minutes=10)),
        ("2026-11-21T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-21T11:00:00", NOW - timedelta(hours=1)),
        ("2026-11-21T12:00:00+01:00", NOW - timedelta(hours=1)),
        ("20261120", NOW - timedelta(seconds=20261120)),
    ],
)
def test_since_is_a_span_or_a_moment(text: str, expected: datetime | None) -> None:
    assert moment(text, now=NOW) == expected


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        at = moment(text, now=NOW)
    except BadRequest:
        return
    assert at is None or at.tzinfo is not None
