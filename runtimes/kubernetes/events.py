"""Turns Kubernetes events into ours, newest first, and says which belong to a service. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from runtimes.base import Event
from runtimes.kubernetes.objects.neighbours import EventObject, ObjectReference

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def event(known: EventObject) -> Event:
    """Give an event; `at` is when it was last seen, whichever of its four time fields says so."""
    subject = known.involved_object
    count = known.series.count if known.series is not None and known.series.count else known.count
    return Event(
        at=_last_seen(known),
        kind=known.type,
        reason=known.reason,
        subject=f"{subject.kind.lower()}/{subject.name}",
        message=known.message,
        count=count or 1,
    )


def newest_first(known: Iterable[EventObject], *, only: Callable[[ObjectReference], bool]) -> tuple[Event, ...]:
    """Give the events about the objects that `only` accepts, the last seen first."""
    mine = [found for found in known if only(found.involved_object)]
    return tuple(event(found) for found in sorted(mine, key=_order, reverse=True))


def _order(known: EventObject) -> datetime:
    return _last_seen(known) or _LONG_AGO


def _last_seen(known: EventObject) -> datetime | None:
    series = known.series.last_observed_time if known.series is not None else None
    return series or known.last_timestamp or known.event_time or known.metadata.creation_timestamp
