"""Who may do what where. Pure: one resolver answers for lists, reads, pages, the API and sockets alike.

It knows grants and roles, not how somebody signed in and not what an action does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a grant gives on a service or a runtime."""

    VIEW = "view"
    LOGS = "logs"
    EXEC = "exec"
    MANAGE = "manage"


class Role(StrEnum):
    """The four names under which permissions are granted."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    OPERATOR = "operator"
    MANAGER = "manager"


GIVES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.DEVELOPER: frozenset({Permission.VIEW, Permission.LOGS}),
    Role.OPERATOR: frozenset({Permission.VIEW, Permission.LOGS, Permission.EXEC}),
    Role.MANAGER: frozenset(Permission),
}
EVERYTHING = frozenset(Permission)
NOTHING: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks. A token narrows its owner: `services` and `permissions` are None where it does not.

    `via` names the session or token for the audit log without being usable as one. `address` is the peer's.
    `request_id` is that of the request that this actor makes. `brought` are those of the groups that the request
    itself names, which no store knows of.
    """

    name: str
    admin: bool = False
    auditor: bool = False
    groups: frozenset[str] = frozenset()
    brought: frozenset[str] = frozenset()
    services: frozenset[str] | None = None
    permissions: frozenset[Permission] | None = None
    via: str = ""
    address: str = ""
    request_id: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether a token is used that is for some services or some permissions only."""
        return self.services is not None or self.permissions is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role for a `user` or a `group` on services, on all services of runtimes, or on `everything`."""

    role: Role
    user: str = ""
    group: str = ""
    services: frozenset[str] = frozenset()
    runtimes: frozenset[str] = frozenset()
    everything: bool = False

    def is_for(self, actor: Actor) -> bool:
        """Tell whether this grant is the actor's."""
        return (bool(self.user) and self.user == actor.name) or (bool(self.group) and self.group in actor.groups)

    def covers(self, service: str, runtime: str) -> bool:
        """Tell whether this grant reaches a service of a runtime."""
        return self.everything or service in self.services or runtime in self.runtimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that can be done. `dangerous` asks for a confirmation; `changes` is what read-only mode removes.

    `label` is what a button says. `audited` is what changes nothing and is written down all the same.
    """

    name: str
    permission: Permission | None
    label: str = ""
    dangerous: bool = False
    changes: bool = False
    audited: bool = False

    @property
    def recorded(self) -> bool:
        """Whether it is written down before it runs and after it ended; if it cannot be, it does not run."""
        return self.changes or self.audited


def permissions_on(actor: Actor, grants: Iterable[Grant], *, service: str, runtime: str) -> frozenset[Permission]:
    """Give what an actor may do on one service: what the grants give, narrowed by the token that is used."""
    if actor.services is not None and service not in actor.services:
        return NOTHING
    given = EVERYTHING if actor.admin else _granted(actor, grants, service, runtime)
    return given if actor.permissions is None else given & actor.permissions


def permissions_on_runtime(actor: Actor, grants: Iterable[Grant], *, runtime: str) -> frozenset[Permission]:
    """Give what an actor may do on a runtime as a whole, beyond its services: commands on its host need that.

    A token for some services is for none of the rest.
    """
    if actor.services is not None:
        return NOTHING
    whole = [grant for grant in grants if grant.everything or runtime in grant.runtimes]
    given = EVERYTHING if actor.admin else _granted(actor, whole, "", runtime)
    return given if actor.permissions is None else given & actor.permissions


def who_can_grant(admins: Iterable[str]) -> str:
    """Say whom to ask for a permission that is missing."""
    names = sorted(admins)
    if not names:
        return "Ask an administrator of this installation."
    return f"Ask {', '.join(names[:3])}{' or another administrator' if len(names) > 3 else ''}."


def _granted(actor: Actor, grants: Iterable[Grant], service: str, runtime: str) -> frozenset[Permission]:
    given: set[Permission] = set()
    for grant in grants:
        if grant.is_for(actor) and grant.covers(service, runtime):
            given |= GIVES[grant.role]
    return frozenset(given)
