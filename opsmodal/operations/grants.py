"""Grants, for administrators: which user or group has which role on what, and since whose change.

They are entries of the registry, checked and stored as those of a document: one row is one role of one user or group
on one target. What a grant comes to for somebody is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import NotThere
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.operations.door import Door
from opsmodal.operations.guards import Confirmation, Consent
from opsmodal.people import People
from opsmodal.permissions import Actor, Role
from opsmodal.registry.entries import Granted
from opsmodal.registry.reading import plain
from opsmodal.registry.registry import Registry
from opsmodal.registry.rights import name_of
from opsmodal.registry.schema import GrantSpec

Entry = Mapping[str, Any]
TARGET_MAX_CHARS = 200
OFFERED_MAX = 500
"""Names of users that a form offers; any other can be typed."""
_RANK = {role: number for number, role in enumerate(Role)}
SORTS: Mapping[str, SortKey] = {
    "holder": lambda row: (row.holder.lower(), row.holder_kind),
    "role": lambda row: _RANK[row.role],
    "target": lambda row: (row.target_kind, row.target),
    "changed": lambda row: row.updated_at,
}
FILTERS = ("user", "group", "role", "service", "runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """One role of one user or group on one target. `name` names the grant; `target` is empty for all services.

    `is_known` is False where no user or group has the holder's name.
    """

    name: str
    holder_kind: str
    holder: str
    role: Role
    target_kind: str
    target: str
    updated_by: str
    updated_at: datetime
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a grant can name: for the forms."""

    users: tuple[str, ...]
    groups: tuple[str, ...]
    services: tuple[str, ...]
    runtimes: tuple[str, ...]
    roles: tuple[Role, ...] = tuple(Role)


class Grants:
    """Read and change grants."""

    def __init__(self, door: Door, people: People, registry: Registry) -> None:
        self._door = door
        self._people = people
        self._registry = registry

    def list(self, actor: Actor, query: ListQuery) -> Page[GrantRow]:
        """List the grants, by holder unless sorted otherwise. Filters: user, group, role, service, runtime."""
        self._door.administer(actor, actions.PEOPLE_VIEW)
        found = [row for row in self._rows() if _matches(row, query)]
        ordered = sorted_by(sorted(found, key=lambda row: row.name), query.sort or "holder", SORTS)
        items, following = cut(ordered, query)
        return Page(items=items, total=len(ordered), next=following, as_of=datetime.now(UTC))

    def of_user(self, actor: Actor, name: str) -> tuple[GrantRow, ...]:
        """List what is granted to a user, by name or by one of the registry's groups."""
        self._door.administer(actor, actions.PEOPLE_VIEW)
        groups = self._registry.groups_of(name)
        return tuple(
            row for row in self._rows() if (row.holder in groups if row.holder_kind == "group" else row.holder == name)
        )

    def choices(self, actor: Actor) -> Choices:
        """Name what a grant can name."""
        self._door.administer(actor, actions.PEOPLE_VIEW)
        return Choices(
            users=self._people.names()[:OFFERED_MAX],
            groups=tuple(group.name for group in self._registry.groups()),
            services=tuple(service.name for service in self._registry.services()),
            runtimes=tuple(runtime.name for runtime in self._registry.runtimes()),
        )

    def put(self, actor: Actor, entry: Entry, *, consent: Consent) -> Done:
        """Grant a role, given as in the document; one on the same target is replaced. Raise Rejected."""
        target = _described(entry)
        leave = self._door.administer(actor, actions.GRANT_CHANGE, target)
        with self._door.act(leave, target=target, consent=consent):
            change = self._registry.put("grants", entry, by=actor.name)
        return Done(sentence=f"The grant to {change.name} was {change.action}.", targets=(change.name,))

    def change(self, actor: Actor, name: str, role: str, *, consent: Consent) -> Done:
        """Give a grant another role. Raise NotThere or Rejected."""
        leave = self._door.administer(actor, actions.GRANT_CHANGE, name[:TARGET_MAX_CHARS])
        entry = {**plain(self._known(name)), "role": role}
        with self._door.act(leave, target=f"{name}: {role}"[:TARGET_MAX_CHARS], consent=consent):
            self._registry.put("grants", {key: value for key, value in entry.items() if value}, by=actor.name)
        return Done(sentence=f"The grant to {name} gives the role {role} now.", targets=(name,))

    def remove(self, actor: Actor, name: str, *, consent: Consent) -> Done:
        """Remove a grant. Raise NotThere."""
        leave = self._door.administer(actor, actions.GRANT_REMOVE, name[:TARGET_MAX_CHARS])
        spec = self._known(name)
        hits = [f"the role {spec.role} of {name}; what it gave ends within seconds, open logs included"]
        asked = Confirmation(hits=hits, label="Remove grant")
        with self._door.act(leave, target=f"{name}: {spec.role}", consent=consent, guards=(asked,)):
            self._registry.remove("grants", name)
        return Done(sentence=f"The grant to {name} was removed.", targets=(name,))

    def _known(self, name: str) -> GrantSpec:
        spec = self._registry.state().grants.get(name)
        if spec is None:
            raise NotThere(f"There is no grant to {name[:120]!r}.", hint="The page of grants lists those that are.")
        return spec

    def _rows(self) -> Sequence[GrantRow]:
        users = set(self._people.names())
        groups = {group.name for group in self._registry.groups()}
        return [_row(one, users if one.spec.user else groups) for one in self._registry.granted()]


def _row(one: Granted, known: set[str]) -> GrantRow:
    spec = one.spec
    kind = "all" if spec.everything else "service" if spec.services else "runtime"
    holder = spec.user or spec.group
    return GrantRow(
        name=name_of(spec),
        holder_kind="user" if spec.user else "group",
        holder=holder,
        role=spec.role,
        target_kind=kind,
        target="".join(spec.services or spec.runtimes),
        updated_by=one.updated_by,
        updated_at=one.updated_at,
        is_known=holder in known,
    )


def _matches(row: GrantRow, query: ListQuery) -> bool:
    text = f"{row.name} {row.role} {row.updated_by}"
    if not has_words(text, query.search):
        return False
    for name, wanted in query.filters.items():
        if name == "role":
            fits = row.role == wanted
        elif name in ("user", "group"):
            fits = row.holder_kind == name and row.holder == wanted
        else:
            fits = row.target_kind == name and row.target == wanted
        if not fits:
            return False
    return True


def _described(entry: Entry) -> str:
    """Say what somebody wants to grant, whatever they sent, for the audit log."""
    holder = f"user {entry['user']}" if entry.get("user") else f"group {entry.get('group', '')}"
    on = "all" if entry.get("all") else entry.get("services") or entry.get("runtimes") or "nothing"
    where = ", ".join(map(str, on)) if isinstance(on, (list, tuple)) else str(on)
    return f"{holder} on {where}: {entry.get('role', '')}"[:TARGET_MAX_CHARS]
