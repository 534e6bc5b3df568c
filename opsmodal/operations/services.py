"""The services a person sees, each with its status at a glance, and their favourites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.answers import Done, ServiceRow, Status, status_of
from opsmodal.choices import AUTO
from opsmodal.favorites import Favorites
from opsmodal.fleet import Fleet, Glance
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.operations.door import Door
from opsmodal.permissions import Action, Actor, Permission
from opsmodal.registry.schema import ServiceSpec
from runtimes.base import RANK

GLANCE_FRESH_S = 3.0
"""How old a status on the services page may be without asking again."""
GLANCE_WAIT_S = 1.2
"""How long the services page waits for runtimes that are slow: the rest is shown at once."""

UNKNOWN = "unknown"
_STATUS_RANK: Mapping[str, int] = {**{severity.value: rank for severity, rank in RANK.items()}, UNKNOWN: 1}
SORTS: Mapping[str, SortKey] = {
    "name": lambda row: row.name,
    "runtime": lambda row: row.runtime,
    "environment": lambda row: row.environment,
    "status": lambda row: _STATUS_RANK[row.status],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands over every tab of a service: who it is, how it is, what this actor may do and what exists there.

    `facets` are the tabs that its runtime offers; empty while the runtime does not answer.
    """

    row: ServiceRow
    status: Status
    facets: frozenset[str]
    simulated: bool
    program: str
    problem: str
    hint: str


class Services:
    """Read the services page and the header of a service's page."""

    def __init__(self, door: Door, fleet: Fleet, favorites: Favorites) -> None:
        self._door = door
        self._fleet = fleet
        self._favorites = favorites

    def list(self, actor: Actor, query: ListQuery) -> Page[ServiceRow]:
        """List what the actor may see: favourites first, then as sorted. Filters: environment, status, runtime."""
        visible, overs = self._door.visible(actor), self._door.overs(actor)
        statuses = self._statuses([service for service, _ in visible], overs)
        stars = self._favorites.of(actor.name)
        rows = [
            self._row(service, given, statuses[service.name], stars, over=overs.get(service.name, AUTO))
            for service, given in visible
        ]
        found = [row for row in rows if _matches(row, query)]
        ordered = sorted_by(sorted(found, key=lambda row: row.name), query.sort or "status", SORTS)
        ordered.sort(key=lambda row: not row.favorite)
        items, following = cut(ordered, query)
        counts = {word: sum(1 for row in rows if row.status == word) for word in _STATUS_RANK}
        return Page(items=items, total=len(ordered), next=following, as_of=datetime.now(UTC), counts=counts)

    def header(self, actor: Actor, name: str) -> Header:
        """Read what stands over the tabs of one service; never raises because its runtime is silent."""
        leave = self._door.enter(actor, actions.SERVICE_VIEW, name)
        runtime, over = leave.service.runtime, leave.over
        status = self._statuses([leave.service], {name: over}, wait_s=GLANCE_WAIT_S * 2)[name]
        row = self._row(leave.service, leave.permissions, status, self._favorites.of(actor.name), over=over)
        opened = self._fleet.opened(runtime, over=over)
        problem = self._fleet.problem(runtime, over=over) if opened is None else None
        return Header(
            row=row,
            status=status,
            facets=opened.facets if opened else frozenset(),
            simulated=opened.runtime.identity.simulated if opened else False,
            program=f"{opened.runtime.identity.program} {opened.runtime.identity.version}" if opened else "",
            problem=problem.sentence if problem else status.problem,
            hint=problem.hint if problem else "",
        )

    def demand(self, actor: Actor, action: Action, name: str) -> None:
        """Raise what the door says to this action on this service."""
        self._door.enter(actor, action, name)

    def favorite(self, actor: Actor, name: str, *, wanted: bool) -> Done:
        """Star or unstar a service for this actor."""
        leave = self._door.enter(actor, actions.FAVORITE, name)
        self._favorites.set(actor.name, leave.service.name, wanted=wanted)
        words = "is a favourite" if wanted else "is no longer a favourite"
        return Done(sentence=f"{name} {words}.", targets=(name,))

    def _statuses(
        self, services: Sequence[ServiceSpec], overs: Mapping[str, str], *, wait_s: float = GLANCE_WAIT_S
    ) -> dict[str, Status]:
        asked = self._fleet.glances(services, fresh_s=GLANCE_FRESH_S, wait_s=wait_s, overs=overs)
        return {name: _status(glance) for name, glance in asked.items()}

    def _row(
        self, service: ServiceSpec, given: frozenset[Permission], status: Status, stars: frozenset[str], *, over: str
    ) -> ServiceRow:
        return ServiceRow(
            name=service.name,
            runtime=service.runtime,
            kind=self._fleet.kind(service.runtime),
            namespace=service.namespace,
            environment=service.environment,
            connection=self._fleet.connection_in_use(service.runtime, over),
            chosen=self._fleet.meant(service.runtime, over),
            status=status.severity.value if status.severity else UNKNOWN,
            status_text=status.text,
            favorite=service.name in stars,
            permissions=tuple(sorted(given)),
            ready=status.ready,
            total=status.total,
            stale=status.stale,
            as_of=status.as_of,
        )


def _matches(row: ServiceRow, query: ListQuery) -> bool:
    text = f"{row.name} {row.runtime} {row.namespace} {row.environment} {row.status_text}"
    if not has_words(text, query.search):
        return False
    return all(getattr(row, name) == wanted for name, wanted in query.filters.items())


def _status(glance: Glance | Exception | None) -> Status:
    if isinstance(glance, Glance):
        kept = glance.instances
        severity, text, ready, total = status_of(kept.value.items, glance.desired)
        return Status(
            severity=severity,
            text=text,
            ready=ready,
            total=total,
            as_of=kept.as_of,
            stale=kept.stale,
            problem=kept.problem,
        )
    if glance is None:
        return Status(severity=None, text="not answered yet")
    problem = getattr(glance, "sentence", "The runtime did not answer.")
    return Status(severity=None, text="not reachable", problem=problem)
