"""Groups of people, for administrators: their members, and what hangs on them.

Groups that a sign-in brings along are not kept here: a member of those is whoever the provider says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.operations.door import Door
from opsmodal.operations.guards import Confirmation, Consent
from opsmodal.people import People
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry

TARGET_MAX_CHARS = 200
SORTS: Mapping[str, SortKey] = {
    "name": lambda row: row.name,
    "members": lambda row: len(row.users),
    "grants": lambda row: row.grants,
    "changed": lambda row: row.updated_at,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group. `strangers` are members that no user has the name of; `grants` counts those of the group."""

    name: str
    users: tuple[str, ...]
    strangers: tuple[str, ...]
    grants: int
    updated_by: str
    updated_at: datetime


class Groups:
    """Read and change groups."""

    def __init__(self, door: Door, people: People, registry: Registry) -> None:
        self._door = door
        self._people = people
        self._registry = registry

    def list(self, actor: Actor, query: ListQuery) -> Page[GroupRow]:
        """List the groups, by name unless sorted otherwise."""
        self._door.administer(actor, actions.PEOPLE_VIEW)
        found = [row for row in self._rows() if has_words(f"{row.name} {' '.join(row.users)}", query.search)]
        ordered = sorted_by(sorted(found, key=SORTS["name"]), query.sort or "name", SORTS)
        items, following = cut(ordered, query)
        return Page(items=items, total=len(ordered), next=following, as_of=datetime.now(UTC))

    def one(self, actor: Actor, name: str) -> GroupRow:
        """Read one group. Raise NotThere."""
        self._door.administer(actor, actions.PEOPLE_VIEW)
        return self._known(name)

    def put(self, actor: Actor, name: str, users: Sequence[str] | None, *, as_of: str = "", consent: Consent) -> Done:
        """Create a group or replace its members. Raise Rejected.

        `as_of` is when the group was changed last, as whoever asks saw it: what others changed since is not undone
        unseen. Empty for who does not mind.
        """
        target = name[:TARGET_MAX_CHARS]
        leave = self._door.administer(actor, actions.GROUP_CHANGE, target)
        with self._door.act(leave, target=target, consent=consent) as outcome:
            before = next((row for row in self._rows() if row.name == name), None)
            members = _members(users)
            if as_of and (before is None or before.updated_at.isoformat() != as_of):
                raise _rejected("Somebody else has changed this group meanwhile.", "Look at it again, then change it.")
            outcome.detail = _difference(before.users if before else (), members)
            change = self._registry.put("groups", {"name": name, "users": list(members)}, by=actor.name)
        return Done(sentence=f"The group {name} was {change.action}.", targets=(name,))

    def remove(self, actor: Actor, name: str, *, consent: Consent) -> Done:
        """Remove a group. Raise NotThere, or InUse while something is granted to it."""
        leave = self._door.administer(actor, actions.GROUP_REMOVE, name[:TARGET_MAX_CHARS])
        row = self._known(name)
        hits = [f"the group {name} with {len(row.users)} {'member' if len(row.users) == 1 else 'members'}"]
        asked = Confirmation(hits=hits, label=f"Remove group {name}")
        with self._door.act(leave, target=name, consent=consent, guards=(asked,)):
            self._registry.remove("groups", name)
        return Done(sentence=f"The group {name} was removed.", targets=(name,))

    def _known(self, name: str) -> GroupRow:
        row = next((row for row in self._rows() if row.name == name), None)
        if row is None:
            raise NotThere(f"There is no group {name[:80]!r}.", hint="The page of groups lists those that are.")
        return row

    def _rows(self) -> Sequence[GroupRow]:
        known = set(self._people.names())
        grants = [grant.group for grant in self._registry.grants()]
        return [
            GroupRow(
                name=one.spec.name,
                users=one.spec.users,
                strangers=tuple(user for user in one.spec.users if user not in known),
                grants=grants.count(one.spec.name),
                updated_by=one.updated_by,
                updated_at=one.updated_at,
            )
            for one in self._registry.grouped()
        ]


def _members(users: Sequence[str] | None) -> tuple[str, ...]:
    if users is None:
        raise _rejected("The members are missing.", "Give users: a list of names, which may be empty.")
    return tuple(dict.fromkeys(users))


def _difference(before: Sequence[str], after: Sequence[str]) -> str:
    """Say who came and who went, for the audit log."""
    came = [name for name in after if name not in before]
    went = [name for name in before if name not in after]
    told = [f"{words} {', '.join(names)}" for words, names in (("added", came), ("removed", went)) if names]
    return "; ".join(told)


def _rejected(sentence: str, hint: str) -> Rejected:
    return Rejected(sentence, [Problem(field="users", sentence=sentence, hint=hint)], hint=hint)
