"""What a change of a route would do: drafted against what was read, and told before it is done. Pure.

Which container a route may lead to is the wall's to say (`scope`), and where it leads is worked out here, never typed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runtimes.base import Scope
from runtimes.caddy import conflicts, drafts, servers, wishes
from runtimes.caddy.config import Entry
from runtimes.caddy.drafts import Draft
from runtimes.caddy.marks import CONTAINER
from runtimes.caddy.routes import Route, understood, with_tls
from runtimes.causes.words import quoted
from runtimes.domains import DomainChange, DomainRow
from runtimes.engine.domains import rows
from runtimes.engine.domains.doubts import doubts
from runtimes.engine.domains.surroundings import Around
from runtimes.errors import Conflict, Invalid, Missing, Stale
from runtimes.planning import Plan

SHOWN_NAMES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A change: its requests, what is told of it, and what it was drafted against."""

    draft: Draft
    plan: Plan
    around: Around


def saving(scope: Scope, around: Around, wanted: DomainChange) -> Drafted:
    """Draft a new route, or one as it is to be. Raise Missing, Stale, Conflict or Invalid."""
    change = wishes.normal(wanted)
    entry, old = _changed(scope, around, change)
    wishes.demand_possible(change)
    tls = change.proxying.tls
    name = change.class_name or (old.server if old and _fits(around, old.server, tls) else "")
    chosen = servers.chosen(around.known, name, tls)
    route = _route(scope, around, change, chosen.server.name, old)
    told = conflicts.demand_free(route, around.known, chosen.server, itself=entry, shared=change.shared_host)
    if entry is None:
        draft = drafts.creation(around.known, chosen, route)
    else:
        draft = drafts.alteration(around.known, chosen, entry, old, route)
    shown = with_tls(route, tls or around.known.tls_of(chosen.server, route.host))
    warnings = (*told, *doubts(around, chosen, shown, is_new=entry is None))
    verb, revision = ("Add", "") if entry is None else ("Change", _revision(around, entry))
    return _told(draft, around, old, shown, verb, revision, warnings)


def removal(scope: Scope, around: Around, domain: str, revision: str = "") -> Drafted:
    """Draft the end of a route. Raise Missing, Stale, or Conflict for one that was not made here."""
    row, entry = found(around, scope, domain)
    if entry.mark is None:
        raise Conflict(f"{row.host}{row.path} is not removed here.", hint=row.fixed)
    _demand_current(row, revision)
    old = understood(entry)
    return _told(drafts.removal(around.known, entry, old), around, old, None, "Remove", row.revision)


def renewal(scope: Scope, around: Around, domain: str, revision: str = "") -> Drafted:
    """Draft a route as it was, leading to where its container is now. Raise Missing, Stale or Conflict."""
    row, entry = found(around, scope, domain)
    old = understood(entry)
    if old is None or not old.container:
        raise Conflict(f"{row.host}{row.path} is not changed here.", hint=row.fixed or "It leads to no container.")
    _demand_current(row, revision)
    now, why = around.now(old)
    if not now:
        raise Conflict(why, hint="Look at the Containers tab.")
    server = servers.Chosen(server=around.known.servers[entry.server])
    new = replace(old, dial=now)
    draft = drafts.alteration(around.known, server, entry, old, new)
    return _told(draft, around, old, new, "Repair", row.revision)


def found(around: Around, scope: Scope, domain: str) -> tuple[DomainRow, Entry]:
    """Give a row of the service by its id. Raise Missing."""
    for row, entry in rows.rows(around, scope.service):
        if row.id == domain:
            return row, entry
    hint = "It may have been changed or removed since; go back to the list."
    raise Missing(f'There is no domain "{quoted(domain[:100])}" in service {scope.service}.', hint=hint)


def _changed(scope: Scope, around: Around, change: DomainChange) -> tuple[Entry | None, Route | None]:
    """Find the route that is changed, with what holds for its host; none for a new one."""
    if change.object and not change.id:
        raise Invalid("A route stands in no object of its own.", hint="Choose a server instead.", field="object")
    if not change.id:
        return None, None
    row, entry = found(around, scope, change.id)
    old = understood(entry)
    if old is None:
        raise Conflict(f"{row.host}{row.path} is not changed here.", hint=row.fixed)
    _demand_current(row, change.revision)
    return entry, with_tls(old, row.proxying.tls)


def _route(scope: Scope, around: Around, change: DomainChange, server: str, old: Route | None) -> Route:
    """Make the route that is wanted; where it leads is worked out from the engine's own words."""
    leads = "" if change.proxying.redirect else change.backend
    if not leads and not change.proxying.redirect:
        raise Invalid("Choose what it leads to.", hint="A container and its port, or a redirect.", field="target")
    if leads and not CONTAINER.fullmatch(leads):  # its name would not be read back out of the route's own
        raise Invalid("The name of this container is too long for a route.", hint="Rename it.", field="target")
    return Route(
        service=scope.service,
        server=server,
        host=change.host,
        path=change.path,
        path_type=change.path_type,
        container=leads,
        port=str(int(change.port)) if leads else "",
        dial=_dial(scope, around, leads, change.port, old) if leads else "",
        proxying=change.proxying,
    )


def _dial(scope: Scope, around: Around, name: str, port: str, old: Route | None) -> str:
    """Find where a container is. One that is stopped stays where it was, as long as only something else changes."""
    container = around.containers.get(name)
    if container is None:
        there = ", ".join(sorted(around.containers)[:SHOWN_NAMES])
        sentence = f'There is no container "{quoted(name[:100])}" in service {scope.service}.'
        raise Invalid(sentence, hint=f"There are: {there}." if there else "Start one first.", field="target")
    if old is not None and (old.container, old.port) == (name, str(int(port))) and not container.state.running:
        return old.dial
    return around.address(name, port)


def _fits(around: Around, server: str, tls: str) -> bool:
    there = around.known.servers[server]
    return not there.fixed and (not tls or (tls != "none") == there.secure)


def _demand_current(row: DomainRow, revision: str) -> None:
    if revision and revision != row.revision:
        hint = "Nothing was changed. Read it again, then repeat what you wanted to do."
        raise Stale(f"The route {row.host}{row.path} changed since you looked at it.", hint=hint)


def _revision(around: Around, entry: Entry) -> str:
    server = around.known.servers[entry.server]
    return drafts.revision(entry.raw, around.known.tls_of(server, next(iter(entry.hosts), "")))


def _told(
    draft: Draft,
    around: Around,
    old: Route | None,
    new: Route | None,
    verb: str,
    revision: str,
    warnings: tuple[str, ...] = (),
) -> Drafted:
    plan = drafts.told(draft, around.known, around.admin, old, new, verb=verb, revision=revision, warnings=warnings)
    return Drafted(draft=draft, plan=plan, around=around)
