"""Reports for the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runtimes.history import Report

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def report(key: str = "a", *, minute: int = 0, **values: Any) -> Report:
    """Make a report of something that happened so many minutes after noon."""
    at = NOON + timedelta(minutes=minute)
    plain: dict[str, Any] = {
        "service": "shop",
        "key": key,
        "kind": "Normal",
        "reason": "Started",
        "subject": "pod/web-0",
        "message": "Started container web",
        "first_at": at,
        "last_at": at,
    }
    return Report(**{**plain, **values})
