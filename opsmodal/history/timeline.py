"""Joins what happened to a service, whoever tells it, into one line of time, newest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opsmodal.history.answers import KINDS, Kind, TimelineEntry
from opsmodal.listing import has_words
from runtimes.history import Report

TITLES = {
    "NewVersion": "New version",
    "NotCollected": "Not collected",
    "EventsRefused": "Events refused",
    "ConnectionSwitched": "Connection switched",
}
_KIND_OF: dict[str, Kind] = {"event": "event", "restart": "restart", "version": "rollout"}


def entry(report: Report) -> TimelineEntry:
    """Give a report as an entry."""
    return TimelineEntry(
        at=report.last_at,
        first_at=report.first_at,
        kind=_KIND_OF[report.about],
        warning=report.kind == "Warning",
        title=TITLES.get(report.reason, report.reason),
        subject=report.subject,
        message=report.message,
        count=report.count,
    )


def joined(*sources: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """Put entries in order, newest first; of one moment, in the order in which they are given."""
    return sorted((each for source in sources for each in source), key=lambda each: each.at, reverse=True)


def searched(entries: Iterable[TimelineEntry], search: str) -> list[TimelineEntry]:
    """Keep the entries that contain every word."""
    return [each for each in entries if has_words(_text(each), search)]


def counted(entries: Sequence[TimelineEntry]) -> dict[str, int]:
    """Count entries by kind; every kind is there."""
    return {kind: sum(1 for each in entries if each.kind == kind) for kind in KINDS}


def _text(each: TimelineEntry) -> str:
    warning = "warning" if each.warning else ""
    return f"{each.title} {each.subject} {each.message} {each.actor} {each.reason} {warning}"
