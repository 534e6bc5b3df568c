"""Who can do what on a service, for administrators: every user, group and API token that reaches it, and by what.

A sign-in with a provider brings groups along that no registry lists: those of open sessions are counted in, and a group
that only a sign-in brings is shown by itself, because who is in it is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.access.index import Index
from opsmodal.explaining import Explanation
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.operations.door import Door
from opsmodal.operations.rights import GivenBy, explained_index, given_by
from opsmodal.people import People, Token, User
from opsmodal.people.standing import Standing, Stands
from opsmodal.permissions import Actor, Permission
from opsmodal.registry.registry import Registry

USER, GROUP, TOKEN = "user", "group", "token"
KINDS = (USER, GROUP, TOKEN)
_RANK = {kind: number for number, kind in enumerate(KINDS)}
SORTS: Mapping[str, SortKey] = {
    "name": lambda row: row.name.lower(),
    "kind": lambda row: _RANK[row.kind],
    "permissions": lambda row: len(row.permissions),
}
FILTERS = ("kind",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachRow:
    """One user, group or API token with what it may do on a service, and by what.

    `owner` is the user of a token, `members` are those of a group as far as the registry knows them.
    """

    kind: str
    id: str
    name: str
    owner: str
    permissions: tuple[Permission, ...]
    given_by: tuple[GivenBy, ...]
    admin: bool = False
    auditor: bool = False
    disabled: bool = False
    members: tuple[str, ...] = ()
    in_registry: bool = True
    expires_at: datetime | None = None


class Reach:
    """List who reaches a service."""

    def __init__(self, door: Door, registry: Registry, people: People, standing: Standing) -> None:
        self._door = door
        self._registry = registry
        self._people = people
        self._standing = standing

    def list(self, actor: Actor, name: str, query: ListQuery) -> Page[ReachRow]:
        """List users, groups and tokens, the most powerful first. Filter: kind. Raise NotThere or NotPermitted."""
        service = self._door.enter(actor, actions.RIGHTS_VIEW, name).service
        self._door.administer(actor, actions.RIGHTS_PEOPLE, service=service.name)
        rows = list(self._rows(service.name, service.runtime))
        found = [row for row in rows if _matches(row, query)]
        by_name = sorted(sorted(found, key=SORTS["name"]), key=SORTS["kind"])
        ordered = sorted_by(by_name, query.sort or "-permissions", SORTS)
        items, following = cut(ordered, query)
        return Page(
            items=items,
            total=len(ordered),
            next=following,
            as_of=datetime.now(UTC),
            counts={kind: sum(1 for row in rows if row.kind == kind) for kind in KINDS},
        )

    def _rows(self, service: str, runtime: str) -> Iterator[ReachRow]:
        index, brought = explained_index(self._registry), self._standing.groups_brought()
        groups = {group.name: group.users for group in self._registry.groups()}
        users = {user.name: user for user in self._people.users()}
        actors = {name: _actor(index, user, brought.get(name, frozenset())) for name, user in users.items()}
        for name, user in users.items():
            explained = index.basis(actors[name], service).explanation
            if explained.sources:
                yield _user_row(user, actors[name], explained, index.groups_of(name))
        yield from _group_rows(index, service, runtime, groups)
        now = datetime.now(UTC)
        for token in self._people.tokens():
            if token.expires_at is None or token.expires_at > now:
                yield from _token_rows(index, service, token, actors.get(token.user.name))


def _actor(index: Index, user: User, brought: frozenset[str]) -> Actor:
    return index.actor(Actor(name=user.name), Stands(admin=user.admin, auditor=user.auditor, groups=brought))


def _user_row(user: User, actor: Actor, explained: Explanation, own: frozenset[str]) -> ReachRow:
    return ReachRow(
        kind=USER,
        id=user.name,
        name=user.name,
        owner="",
        permissions=_ordered(explained.permissions),
        given_by=tuple(given_by(source, own) for source in explained.sources),
        admin=actor.admin,
        auditor=actor.auditor,
        disabled=user.disabled,
    )


def _group_rows(index: Index, service: str, runtime: str, groups: Mapping[str, tuple[str, ...]]) -> Iterator[ReachRow]:
    granted = {one.grant.group for one in index.granted if one.grant.group and one.grant.covers(service, runtime)}
    for name in sorted(granted):
        explained = index.basis(Actor(name="", groups=frozenset({name})), service).explanation
        yield ReachRow(
            kind=GROUP,
            id=name,
            name=name,
            owner="",
            permissions=_ordered(frozenset().union(*(source.gives for source in explained.sources))),
            given_by=tuple(given_by(source, frozenset(groups)) for source in explained.sources),
            members=groups.get(name, ()),
            in_registry=name in groups,
        )


def _token_rows(index: Index, service: str, token: Token, owner: Actor | None) -> Iterator[ReachRow]:
    if owner is None:
        return
    # Groups that a sign-in brings are the session's: a token has those of the registry.
    using = Actor(
        name=owner.name,
        admin=owner.admin,
        groups=index.groups_of(owner.name),
        services=token.services,
        permissions=token.permissions,
    )
    explained = index.basis(using, service).explanation
    if explained.permissions:
        yield ReachRow(
            kind=TOKEN,
            id=token.id,
            name=token.label or token.id,
            owner=owner.name,
            permissions=_ordered(explained.permissions),
            given_by=tuple(given_by(source, using.groups) for source in explained.sources),
            disabled=token.user.disabled,
            expires_at=token.expires_at,
        )


def _ordered(permissions: frozenset[Permission]) -> tuple[Permission, ...]:
    return tuple(each for each in Permission if each in permissions)


def _matches(row: ReachRow, query: ListQuery) -> bool:
    roles = (f"{one.role} {one.holder} {one.kind}" for one in row.given_by)
    flags = ("disabled" if row.disabled else "", "auditor" if row.auditor else "")
    text = " ".join((row.kind, row.name, row.owner, *row.members, *roles, *flags))
    if not has_words(text, query.search):
        return False
    return query.filters.get("kind", row.kind) == row.kind
