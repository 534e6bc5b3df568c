"""A clock for tests of what lasts: it stands until it is told to move."""

from __future__ import annotations

from datetime import UTC, datetime


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at
