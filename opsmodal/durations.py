"""Spans of time as people type them: `90`, `10m`, `1h30m`, `2d`, or a full moment. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from opsmodal.errors import BadRequest

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SPAN_MAX_S = 366 * UNITS_S["d"]
_PART = re.compile(r"([0-9]{1,9})([smhdw])")
_SPAN = re.compile(r"(?:[0-9]{1,9}[smhdw])+")


def span_s(text: str) -> int:
    """Give the seconds of `90`, `10m` or `1h30m`. Raise BadRequest for anything else, and for over a year."""
    trimmed = text.strip().lower()
    if trimmed.isascii() and trimmed.isdigit() and len(trimmed) < 10:
        seconds = int(trimmed)
    elif _SPAN.fullmatch(trimmed):
        seconds = sum(int(count) * UNITS_S[unit] for count, unit in _PART.findall(trimmed))
    else:
        raise BadRequest(f"{text[:40]!r} is no span of time.", hint="Write 90s, 10m, 1h30m or 2d.")
    if seconds > SPAN_MAX_S:
        raise BadRequest("A span of time is at most a year.")
    return seconds


def moment(text: str, *, now: datetime) -> datetime | None:
    """Read "since": a span before `now`, or a moment in RFC 3339; None for nothing. Raise BadRequest."""
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return now - timedelta(seconds=span_s(text))
    if text.strip().isdigit():
        return now - timedelta(seconds=span_s(text))
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # year 1 east of Greenwich, year 9999 west of it
        raise BadRequest(f"{text[:40]!r} lies beyond the calendar.") from None
