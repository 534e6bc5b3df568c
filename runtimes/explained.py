"""What a runtime reported, and why an instance is as it is. Part of `runtimes.base`: import it from there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something the runtime reported. `kind` is "Normal" or "Warning"; `subject` is e.g. `pod/web-0`."""

    at: datetime | None
    kind: str
    reason: str
    subject: str
    message: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why an instance is not what it should be. `kind` is a short stable word: `image-not-found`."""

    kind: str
    detail: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an instance is not ok: one sentence, the causes with a hint each, and what the runtime reported."""

    sentence: str
    causes: tuple[Cause, ...] = ()
    events: tuple[Event, ...] = ()
