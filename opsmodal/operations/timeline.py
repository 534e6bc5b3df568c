"""The timeline of a service: what its runtime reported, what restarted, what runs since when, and what people did."""

from __future__ import annotations

from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.errors import BadRequest
from opsmodal.history.answers import KINDS, NOT_COLLECTED, TimelineEntry
from opsmodal.history.changes import changes
from opsmodal.history.happened import KEPT_DAYS, ROWS_MAX, Happened
from opsmodal.history.timeline import counted, entry, joined, searched
from opsmodal.listing import ListQuery, Page, cut
from opsmodal.operations.door import Door
from opsmodal.permissions import Actor, Permission
from opsmodal.store.store import Store

FULL = f"So much happened that only the latest {ROWS_MAX:,} reports are kept."


class TimelineOperations:
    """Read timelines."""

    def __init__(self, door: Door, store: Store, *, collecting: bool) -> None:
        self._door = door
        self._store = store
        self._happened = Happened(store)
        self._collecting = collecting

    def read(
        self, actor: Actor, name: str, query: ListQuery, *, since: datetime | None, until: datetime | None
    ) -> Page[TimelineEntry]:
        """Read what happened to a service from `since` on and before `until`, newest first. Filter: kind."""
        leave = self._door.enter(actor, actions.TIMELINE_VIEW, name)
        wanted = _kinds(query.filters.get("kind", ""))
        reports = self._happened.read(name, since=since, until=until)
        done = changes(
            self._store,
            name,
            since=since,
            until=until,
            reader=actor.name,
            manages=Permission.MANAGE in leave.permissions,
        )
        found = searched(joined(done, map(entry, reports)), query.search)
        chosen = [each for each in found if each.kind in wanted]
        items, following = cut(chosen, query)
        notes = (() if self._collecting else (NOT_COLLECTED,)) + ((FULL,) if len(reports) >= ROWS_MAX else ())
        return Page(
            items=items,
            total=len(chosen),
            next=following,
            as_of=datetime.now(UTC),
            counts=counted(found),
            notes=notes,
        )

    @property
    def kept_days(self) -> int:
        """How far back reports go."""
        return KEPT_DAYS


def _kinds(text: str) -> frozenset[str]:
    chosen = frozenset(word for word in text.split(",") if word)
    for word in chosen - set(KINDS):
        raise BadRequest(f"There is no kind {word[:40]!r}.", hint=f"There are: {', '.join(KINDS)}.")
    return chosen or frozenset(KINDS)
