"""Who there is, and what is done to them by administrators: users, their flags, passwords, sessions and tokens.

It never lets the last administrator out of office, nobody disable himself, and no token renew itself: an
administrator's own password and tokens are changed on the account page, in a session. A token that is narrowed to
services or permissions does nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.errors import NotThere
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.operations.carried import SessionRow, TokenRow, session_row, token_row
from opsmodal.operations.door import Door
from opsmodal.operations.grants import GrantRow, Grants
from opsmodal.people import People, User
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry

SORTS: Mapping[str, SortKey] = {
    "name": lambda row: row.name.lower(),
    "added": lambda row: row.created_at,
    "used": lambda row: row.last_used_at,
    "sessions": lambda row: row.sessions,
    "tokens": lambda row: row.tokens,
}
KINDS = ("admin", "auditor", "disabled")
"""What the list is narrowed to by `kind`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """One user. `last_used_at` is the last use of a session that has not ended, or of a token."""

    name: str
    admin: bool
    auditor: bool
    disabled: bool
    has_password: bool
    created_at: datetime
    groups: tuple[str, ...]
    sessions: int
    tokens: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAnswer:
    """Everything about one user. `grants` are also those of the registry's groups; `is_you`: it is who asks."""

    row: UserRow
    grants: tuple[GrantRow, ...]
    sessions: tuple[SessionRow, ...]
    tokens: tuple[TokenRow, ...]
    is_you: bool


class PeopleReading:
    """Read who there is. For administrators."""

    def __init__(self, door: Door, people: People, registry: Registry, grants: Grants) -> None:
        self._door = door
        self._people = people
        self._registry = registry
        self._grants = grants

    def list(self, actor: Actor, query: ListQuery) -> Page[UserRow]:
        """List the users, by name unless sorted otherwise. Filters: kind, group."""
        self._door.administer(actor, actions.PEOPLE_VIEW)
        rows = self._rows(self._people.users())
        found = [row for row in rows if _matches(row, query)]
        ordered = sorted_by(sorted(found, key=SORTS["name"]), query.sort or "name", SORTS)
        items, following = cut(ordered, query)
        counts = {kind: sum(1 for row in rows if getattr(row, kind)) for kind in KINDS}
        counts["all"] = len(rows)
        return Page(items=items, total=len(ordered), next=following, as_of=datetime.now(UTC), counts=counts)

    def one(self, actor: Actor, name: str) -> UserAnswer:
        """Read one user. Raise NotThere."""
        self._door.administer(actor, actions.PEOPLE_VIEW)
        user, now = self._people.user(name), datetime.now(UTC)
        if user is None:
            raise NotThere(f"There is no user {name[:80]!r}.", hint="The page of people lists everybody.")
        return UserAnswer(
            row=self._rows([user])[0],
            grants=self._grants.of_user(actor, name),
            sessions=tuple(session_row(each, via=actor.via) for each in self._people.sessions(name)),
            tokens=tuple(token_row(each, now) for each in self._people.tokens(name)),
            is_you=actor.name == name,
        )

    def _rows(self, users: Sequence[User]) -> Sequence[UserRow]:
        sessions, tokens = self._people.session_use(), self._people.token_use()
        groups = _groups_by_user(self._registry)
        none: tuple[int, None] = (0, None)
        return [
            _row(user, groups.get(user.name, ()), sessions.get(user.name, none), tokens.get(user.name, none))
            for user in users
        ]


def _row(
    user: User,
    groups: Collection[str],
    sessions: tuple[int, datetime | None],
    tokens: tuple[int, datetime | None],
) -> UserRow:
    used = [at for at in (sessions[1], tokens[1]) if at is not None]
    return UserRow(
        name=user.name,
        admin=user.admin,
        auditor=user.auditor,
        disabled=user.disabled,
        has_password=user.has_password,
        created_at=user.created_at,
        groups=tuple(sorted(groups)),
        sessions=sessions[0],
        tokens=tokens[0],
        last_used_at=max(used, default=None),
    )


def _groups_by_user(registry: Registry) -> Mapping[str, Sequence[str]]:
    by_user: dict[str, list[str]] = {}
    for group in registry.groups():
        for user in group.users:
            by_user.setdefault(user, []).append(group.name)
    return by_user


def _matches(row: UserRow, query: ListQuery) -> bool:
    text = f"{row.name} {' '.join(row.groups)}"
    if not has_words(text, query.search):
        return False
    kind, group = query.filters.get("kind", ""), query.filters.get("group", "")
    return (not kind or (kind in KINDS and bool(getattr(row, kind)))) and (not group or group in row.groups)
