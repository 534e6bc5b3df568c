"""What somebody may do and who gave it to them; and, for administrators, who can do what on a service.

It only explains: every answer is made of `opsmodal.explaining`, which a test holds to the resolver. Nobody but an
administrator is told of others, and a grant is shown to those only to whom it gives something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from opsmodal import actions
from opsmodal.access.index import Index
from opsmodal.explaining import Explanation, Granted, Source
from opsmodal.fleet import Fleet
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.operations.door import Door, Pass
from opsmodal.permissions import Action, Actor, Permission, who_can_grant
from opsmodal.registry.registry import Registry
from opsmodal.registry.rights import as_permission, name_of

SORTS: Mapping[str, SortKey] = {
    "name": lambda row: row.service,
    "runtime": lambda row: row.runtime,
    "environment": lambda row: row.environment,
    "permissions": lambda row: len(row.permissions),
}
FILTERS = ("environment", "runtime")


class TabLike(Protocol):
    """What is known of a tab: it is on the page of who has its permission."""

    @property
    def name(self) -> str: ...

    @property
    def permission(self) -> Permission: ...

    def label(self, kind: str) -> str: ...


PLAIN = {
    actions.FAVORITE: "mark it as a favourite",
    actions.COMMAND_RUN: "run commands that read",
    actions.COMMAND_EXEC: "run programs in its containers",
    actions.COMMAND_CHANGE: "run commands that change something",
    actions.COMMAND_DESTROY: "run commands that delete, stop or restart something",
    actions.COMMAND_RUNBOOK: "run the runbooks of its runtime",
    actions.COMMAND_STOP: "stop commands of one's own",
    actions.TIMELINE_VIEW: "read its timeline",
    actions.USAGE_VIEW: "see what it uses",
}
"""What the name of an action does not say in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBy:
    """What gives a permission: being an administrator (all else is empty then), or a grant of a role to a holder.

    `from_registry` and `from_sign_in` tell where the membership of a group comes from.
    """

    kind: str
    role: str = ""
    holder_kind: str = ""
    holder: str = ""
    from_registry: bool = False
    from_sign_in: bool = False
    target_kind: str = ""
    target: str = ""
    updated_by: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionAnswer:
    """One permission: whether one has it, what it lets one do here, and what gives it.

    `kept_back`: one's user has it, the token in use has not.
    """

    permission: Permission
    allowed: bool
    kept_back: bool
    tabs: tuple[str, ...]
    lets: tuple[str, ...]
    given_by: tuple[GivenBy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsAnswer:
    """What one may do on one service.

    `hint` says who can grant what is missing, `token` what the token in use is narrowed to.
    """

    service: str
    permissions: tuple[PermissionAnswer, ...]
    hint: str
    token: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRow:
    """What one may do on one of the services that one sees, and by what."""

    service: str
    runtime: str
    environment: str
    permissions: tuple[Permission, ...]
    given_by: tuple[GivenBy, ...]


class Rights:
    """Explain one's own rights."""

    def __init__(self, door: Door, registry: Registry, fleet: Fleet, tabs: Sequence[TabLike]) -> None:
        self._door = door
        self._registry = registry
        self._fleet = fleet
        self._tabs = tabs

    def here(self, actor: Actor, name: str) -> RightsAnswer:
        """Say what the actor may do on one service, what that lets them do, and who gave it to them."""
        leave = self._door.enter(actor, actions.RIGHTS_VIEW, name)
        explained = explained_index(self._registry).basis(actor, leave.service.name).explanation
        own = self._registry.groups_of(actor.name)
        return RightsAnswer(
            service=leave.service.name,
            permissions=tuple(self._permission(leave, each, explained, own) for each in Permission),
            hint=who_can_grant(self._registry.admins()),
            token=narrowing(actor),
            read_only=not self._door.open_to(actions.REGISTRY_CHANGE),
        )

    def list(self, actor: Actor, query: ListQuery) -> Page[RightsRow]:
        """List the services that the actor sees, each with what they may do there. Filters: environment, runtime."""
        visible = self._door.visible(actor)
        index, own = explained_index(self._registry), self._registry.groups_of(actor.name)
        rows = [
            RightsRow(
                service=service.name,
                runtime=service.runtime,
                environment=service.environment,
                permissions=tuple(each for each in Permission if each in given),
                given_by=tuple(given_by(one, own) for one in index.basis(actor, service.name).explanation.sources),
            )
            for service, given in visible
        ]
        found = [row for row in rows if _matches(row, query)]
        ordered = sorted_by(sorted(found, key=SORTS["name"]), query.sort or "name", SORTS)
        items, following = cut(ordered, query)
        told = narrowing(actor)
        return Page(
            items=items,
            total=len(ordered),
            next=following,
            as_of=datetime.now(UTC),
            counts={each.value: sum(1 for row in rows if each in row.permissions) for each in Permission},
            notes=(told,) if told else (),
        )

    def _permission(
        self, leave: Pass, permission: Permission, explained: Explanation, own: frozenset[str]
    ) -> PermissionAnswer:
        opened = self._fleet.opened(leave.service.runtime, over=leave.over)
        kind, facets = self._fleet.kind(leave.service.runtime), opened.facets if opened else None
        verbs = opened.runtime.instances.verbs if opened else None
        tabs = [tab for tab in self._tabs if tab.permission == permission and (facets is None or tab.name in facets)]
        noun = next((tab.label(kind).lower() for tab in self._tabs if tab.name == "instances"), "instances")
        return PermissionAnswer(
            permission=permission,
            allowed=permission in explained.permissions,
            kept_back=permission in explained.kept_back,
            tabs=tuple(tab.label(kind) for tab in tabs),
            lets=tuple(things(permission, noun, {tab.name for tab in self._tabs}, verbs)),
            given_by=tuple(given_by(source, own) for source in explained.of(permission)),
        )


def explained_index(registry: Registry) -> Index:
    """Lay the rights of the registry out, each grant with who gave it and when."""
    granted = [
        Granted(grant=as_permission(one.spec), name=name_of(one.spec), by=one.updated_by, at=one.updated_at)
        for one in registry.granted()
    ]
    return Index(registry.state(), granted)


def given_by(source: Source, own_groups: frozenset[str]) -> GivenBy:
    """Say what a source is. `own_groups` are the groups of the registry that its holder is in."""
    if source.granted is None:
        return GivenBy(kind="administrator")
    grant = source.granted.grant
    target_kind = "all" if grant.everything else "service" if grant.services else "runtime"
    return GivenBy(
        kind="grant",
        role=grant.role.value,
        holder_kind="group" if grant.group else "user",
        holder=grant.group or grant.user,
        from_registry=bool(grant.group) and grant.group in own_groups,
        from_sign_in=bool(grant.group) and grant.group not in own_groups,
        target_kind=target_kind,
        target="" if grant.everything else next(iter(grant.services or grant.runtimes)),
        updated_by=source.granted.by,
        updated_at=source.granted.at,
    )


def narrowing(actor: Actor) -> str:
    """Say what the token in use is narrowed to; empty where it is as wide as its owner."""
    parts = []
    if actor.services is not None:
        parts.append(f"for {', '.join(sorted(actor.services)) or 'no service'} only")
    if actor.permissions is not None:
        named = [each.value for each in Permission if each in actor.permissions]
        parts.append(f"for {', '.join(named) or 'nothing'} only")
    return f"You use an API token that is {' and '.join(parts)}." if parts else ""


def things(permission: Permission, noun: str, tabs: set[str], verbs: frozenset[str] | None) -> list[str]:
    """Name what a permission lets one do beside opening tabs, out of the table of actions: `delete pods`.

    `verbs` are what the runtime offers on instances, None while it does not answer; `noun` is what these are called.
    """
    return [
        _thing(action, noun)
        for action in actions.KNOWN.values()
        if action.permission == permission and _is_shown(action, tabs, verbs)
    ]


def _is_shown(action: Action, tabs: set[str], verbs: frozenset[str] | None) -> bool:
    noun, _, verb = action.name.partition(".")
    if noun in ("instance", "instances") and action.changes:
        return verbs is None or verb in verbs
    return not (verb in ("view", "read") and noun in {*tabs, "service", "rights"})  # that is the tab, or this very page


def _thing(action: Action, instances: str) -> str:
    if action in PLAIN:
        return PLAIN[action]
    noun, _, verb = action.name.partition(".")
    called = instances if noun in ("instance", "instances") else noun
    return f"{verb.replace('-', ' ')} {called}"


def _matches(row: RightsRow, query: ListQuery) -> bool:
    text = " ".join((row.service, row.runtime, row.environment, *(f"{one.role} {one.holder}" for one in row.given_by)))
    if not has_words(text, query.search):
        return False
    return all(getattr(row, name) == wanted for name, wanted in query.filters.items())
