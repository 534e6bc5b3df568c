"""Why somebody may do what they may, and why no longer. Pure, and beside the resolver: the two never disagree (a test).

It explains and decides nothing: whether something is allowed is asked of `permissions.permissions_on`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from opsmodal.permissions import EVERYTHING, GIVES, NOTHING, Actor, Grant, Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A grant as the registry keeps it: `name` says whose and on what, `by` who gave it last ("" where unknown)."""

    grant: Grant
    name: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One thing that gives permissions on a service: a grant, or being an administrator (`granted` is None)."""

    gives: frozenset[Permission]
    granted: Granted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What somebody may do on one service, by which sources, and what the token in use keeps back of it."""

    permissions: frozenset[Permission]
    sources: tuple[Source, ...]
    kept_back: frozenset[Permission]

    def of(self, permission: Permission) -> tuple[Source, ...]:
        """Give the sources of one permission, whether or not a token keeps it back."""
        return tuple(source for source in self.sources if permission in source.gives)


class Lost(StrEnum):
    """In which way a permission was lost."""

    TOKEN_NARROWED = "token-narrowed"  # noqa: S105  (a word for people, no secret)
    SERVICE_REMOVED = "service-removed"
    SERVICE_MOVED = "service-moved"
    GRANT_REMOVED = "grant-removed"
    ROLE_LOWERED = "role-lowered"
    GROUP_LEFT = "group-left"
    ADMIN_LOST = "administrator-lost"
    AUDITOR_LOST = "auditor-lost"
    OTHER = "right-lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What rights stand on at one moment. `runtime` is None where the service is not there; `service` "" for none.

    `scope` tells what the service is made of from what it was made of before.
    """

    actor: Actor
    service: str
    runtime: str | None
    explanation: Explanation
    granted: Mapping[str, Granted]
    scope: Hashable = ()


def explain(actor: Actor, granted: Iterable[Granted], *, service: str, runtime: str) -> Explanation:
    """Say what an actor may do on one service and what gives it, in the order of the grants."""
    sources = tuple(_sources(actor, granted, service, runtime))
    given = frozenset[Permission]().union(*(source.gives for source in sources))
    left = given
    if actor.services is not None and service not in actor.services:
        left = NOTHING
    if actor.permissions is not None:
        left &= actor.permissions
    return Explanation(permissions=left, sources=sources, kept_back=given - left)


def why_lost(before: Basis, after: Basis, permission: Permission) -> tuple[Lost, str]:
    """Say in which way a permission on a service was lost between two moments, as a word and as a clause."""
    if after.runtime is None:
        return Lost.SERVICE_REMOVED, f"the service {before.service} was removed"
    if permission in after.explanation.kept_back:
        return Lost.TOKEN_NARROWED, "the API token was narrowed"
    told = [_why_gone(source, before, after, permission) for source in before.explanation.of(permission)]
    if not told:
        return Lost.OTHER, f"the permission {permission} was taken away"
    return told[0][0], " and ".join(dict.fromkeys(clause for _, clause in told))


def why_lost_here(before: Actor, after: Actor) -> tuple[Lost, str] | None:
    """Say what of somebody's rights on the installation itself was lost; None when nothing was."""
    if (after.services, after.permissions) != (None, None) and (before.services, before.permissions) == (None, None):
        return Lost.TOKEN_NARROWED, "the API token was narrowed"
    if before.admin and not after.admin:
        return Lost.ADMIN_LOST, f"{after.name} is no longer an administrator"
    if before.auditor and not after.auditor:
        return Lost.AUDITOR_LOST, f"{after.name} is no longer an auditor"
    return None


def _sources(actor: Actor, granted: Iterable[Granted], service: str, runtime: str) -> Iterator[Source]:
    if actor.admin:
        yield Source(gives=EVERYTHING)
    for one in granted:
        if one.grant.is_for(actor) and one.grant.covers(service, runtime):
            yield Source(gives=GIVES[one.grant.role], granted=one)


def _why_gone(source: Source, before: Basis, after: Basis, permission: Permission) -> tuple[Lost, str]:
    if source.granted is None:
        return Lost.ADMIN_LOST, f"{before.actor.name} is no longer an administrator"
    was, now = source.granted, after.granted.get(source.granted.name)
    if now is None:
        return Lost.GRANT_REMOVED, f"the grant to {was.name} was removed"
    if permission not in GIVES[now.grant.role]:
        return Lost.ROLE_LOWERED, f"the grant to {was.name} was lowered to {now.grant.role}"
    if not now.grant.is_for(after.actor):
        return Lost.GROUP_LEFT, f"{after.actor.name} is no longer in the group {now.grant.group}"
    if not now.grant.covers(after.service, after.runtime or ""):
        return Lost.SERVICE_MOVED, f"the service {after.service} moved to the runtime {after.runtime}"
    return Lost.OTHER, f"the permission {permission} was taken away"
