"""The registry's rights at one of its versions, laid out so that one person's are found without reading all of them.

With a thousand people and a grant each, asking all grants for everybody is a million questions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from opsmodal.explaining import Basis, Explanation, Granted, explain
from opsmodal.oidc.person import brought
from opsmodal.people.standing import Stands
from opsmodal.permissions import NOTHING, Actor
from opsmodal.registry.rights import as_permission
from opsmodal.registry.state import State

NO_RIGHTS = Explanation(permissions=NOTHING, sources=(), kept_back=NOTHING)


class Index:
    """Give what somebody's rights on a service stand on. Frozen: another version of the registry has another index."""

    def __init__(self, state: State, granted: Iterable[Granted] | None = None) -> None:
        """Lay out a state; `granted` are its grants with who gave each, where somebody wants to know."""
        self.version = state.version
        self._services = dict(state.services)
        unsigned = (Granted(grant=as_permission(spec), name=name) for name, spec in state.grants.items())
        self._granted = {one.name: one for one in (unsigned if granted is None else granted)}
        self._of_user: dict[str, list[Granted]] = defaultdict(list)
        self._of_group: dict[str, list[Granted]] = defaultdict(list)
        for one in self._granted.values():
            (self._of_user if one.grant.user else self._of_group)[one.grant.user or one.grant.group].append(one)
        self._oidc = state.oidc
        self._groups: dict[str, set[str]] = defaultdict(set)
        for group in state.groups.values():
            for user in group.users:
                self._groups[user].add(group.name)

    @property
    def granted(self) -> Iterable[Granted]:
        """Give all grants."""
        return self._granted.values()

    def groups_of(self, user: str) -> frozenset[str]:
        """Name the groups of the registry that somebody is in."""
        return frozenset(self._groups.get(user, ()))

    def actor(self, known: Actor, stands: Stands) -> Actor:
        """Give somebody as they are now."""
        more = brought(stands.groups, self._oidc)
        return replace(
            known,
            admin=stands.admin or more.admin,
            auditor=stands.auditor or more.auditor,
            groups=self.groups_of(known.name) | more.groups | known.brought,
            services=stands.services,
            permissions=stands.permissions,
        )

    def basis(self, actor: Actor, service: str) -> Basis:
        """Give what an actor's rights on a service stand on; on no service, when it is ""."""
        spec = self._services.get(service)
        runtime = (spec.runtime if spec else None) if service else ""
        theirs = [*self._of_user.get(actor.name, ())]
        for group in sorted(actor.groups):
            theirs += self._of_group.get(group, ())
        explained = explain(actor, theirs, service=service, runtime=runtime) if runtime else NO_RIGHTS
        return Basis(
            actor=actor,
            service=service,
            runtime=runtime,
            explanation=explained,
            granted=self._granted,
            scope=spec.scope_key() if spec else (),
        )
