"""The first step through the door: may this actor do this here? One resolver answers for lists, pages, API and sockets.

Whoever is let through carries a Pass; nothing but a Pass opens the rest of the door. A denied attempt is audited. A
service that an actor may not see is denied like one that does not exist, in the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from opsmodal.audit import Audit, Row
from opsmodal.choices import AUTO, Choices
from opsmodal.errors import NotPermitted, NotThere, ReadOnly
from opsmodal.permissions import (
    Action,
    Actor,
    Grant,
    Permission,
    permissions_on,
    permissions_on_runtime,
    who_can_grant,
)
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec

PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Leave to do one action, on the installation itself or on what is one's own."""

    actor: Actor
    action: Action

    @property
    def place(self) -> str:
        """The name of the service that the action is on; empty where it is on none."""
        return ""

    @property
    def is_production(self) -> bool:
        """Whether a mistake here hits what others rely on."""
        return False

    def on(self, service: ServiceSpec) -> Pass:
        """Give the same leave, as it is on one service: an administrator's, who may do everything there."""
        return Pass(actor=self.actor, action=self.action, service=service, permissions=frozenset(Permission))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(Leave):
    """Leave to do one action on one service. `over` is the connection that the actor chose for it, or "auto"."""

    service: ServiceSpec
    permissions: frozenset[Permission]
    over: str = AUTO

    @property
    def place(self) -> str:
        return self.service.name

    @property
    def is_production(self) -> bool:
        return self.service.environment == PRODUCTION


class Permits:
    """Let an actor through to an action, or say why not."""

    def __init__(
        self, *, registry: Registry, audit: Audit, read_only: bool = False, choices: Choices | None = None
    ) -> None:
        self._choices = choices
        self._registry = registry
        self._audit = audit
        self._read_only = read_only

    def visible(self, actor: Actor) -> list[tuple[ServiceSpec, frozenset[Permission]]]:
        """List the services that an actor may see, with what may be done on each."""
        grants = self._registry.grants()
        pairs = ((service, self._permissions(actor, grants, service)) for service in self._registry.services())
        return [(service, given) for service, given in pairs if Permission.VIEW in given]

    def neighbours(self, leave: Pass) -> list[tuple[ServiceSpec, bool]]:
        """List the other services on the same runtime and in the same namespace, and whether the actor may see each."""
        grants, mine = self._registry.grants(), leave.service
        return [
            (service, Permission.VIEW in self._permissions(leave.actor, grants, service))
            for service in self._registry.services()
            if service.name != mine.name and (service.runtime, service.namespace) == (mine.runtime, mine.namespace)
        ]

    def on_runtime(self, leave: Pass) -> frozenset[Permission]:
        """Give what the actor may do on the whole runtime of a service, beyond its services."""
        return permissions_on_runtime(leave.actor, self._registry.grants(), runtime=leave.service.runtime)

    def whom_to_ask(self) -> str:
        """Say who can grant what is missing."""
        return who_can_grant(self._registry.admins())

    def enter(self, actor: Actor, action: Action, name: str, *, target: str = "") -> Pass:
        """Let an actor through to one service. Raise NotThere, NotPermitted or ReadOnly; both last are audited.

        `target` is what of the service is meant, as it was sent: it stands in the row of a denied attempt.
        """
        # Both are read in any case: a service of others must take no longer to deny than one that is not there.
        service, grants = self._registry.standing(name)
        given = self._permissions(actor, grants, service) if service else frozenset()
        if service is None or Permission.VIEW not in given:
            raise NotThere(f"There is no service {name[:80]!r} for you.", hint="The services page lists those you see.")
        row = Row(actor=actor, action=action.name, service=service.name, target=target)
        if action.permission is not None and action.permission not in given:
            words = f"This needs the permission “{action.permission}” on {name}."
            self._deny(row, f"needs {action.permission}", words)
        self._demand_writable(row, action)
        return Pass(actor=actor, action=action, service=service, permissions=given, over=self._over(actor, service))

    def administer(self, actor: Actor, action: Action, target: str = "", *, service: str = "") -> Leave:
        """Let an administrator through to an action on the installation itself. Raise NotPermitted or ReadOnly.

        `service` is the one that it is about, for the row of a refusal.
        """
        row = Row(actor=actor, action=action.name, service=service, target=target)
        if not actor.admin or actor.is_narrowed:
            self._deny(row, "needs an administrator", "This needs an administrator.")
        self._demand_writable(row, action)
        return Leave(actor=actor, action=action)

    def audit(self, actor: Actor, action: Action) -> Leave:
        """Let an administrator or an auditor through to the audit log; a narrowed token reads what it is for only."""
        row = Row(actor=actor, action=action.name)
        if not (actor.admin or actor.auditor) or actor.is_narrowed:
            self._deny(row, "needs an auditor", "The audit log is for auditors and administrators.")
        return Leave(actor=actor, action=action)

    def overs(self, actor: Actor) -> Mapping[str, str]:
        """Give the connections that an actor chose, by service."""
        return self._choices.of(actor.name) if self._choices else {}

    def own(self, actor: Actor, action: Action, target: str = "") -> Leave:
        """Let somebody through to what is their own: sessions, tokens, password. A narrowed token is let to none."""
        row = Row(actor=actor, action=action.name, target=target)
        if actor.is_narrowed:
            self._deny(row, "narrowed token", "This token is for some services or permissions only, not for accounts.")
        self._demand_writable(row, action)
        return Leave(actor=actor, action=action)

    def may(self, permissions: frozenset[Permission], action: Action) -> bool:
        """Tell whether a button for this action is shown to somebody with these permissions."""
        return (action.permission is None or action.permission in permissions) and self.open_to(action)

    def open_to(self, action: Action) -> bool:
        """Tell whether this installation takes an action at all: read-only mode removes what changes something."""
        return not (action.changes and self._read_only)

    def _over(self, actor: Actor, service: ServiceSpec) -> str:
        """Look up what was chosen, where there is anything to choose: most runtimes have one connection."""
        if self._choices is None or not self._registry.is_choosable(service.runtime):
            return AUTO
        return self._choices.get(actor.name, service.name) or AUTO

    def _permissions(self, actor: Actor, grants: Sequence[Grant], service: ServiceSpec) -> frozenset[Permission]:
        return permissions_on(actor, grants, service=service.name, runtime=service.runtime)

    def _deny(self, row: Row, rule: str, sentence: str) -> NoReturn:
        self._audit.refused(row, rule=rule)
        raise NotPermitted(sentence, hint=who_can_grant(self._registry.admins()))

    def _demand_writable(self, row: Row, action: Action) -> None:
        if not self.open_to(action):
            self._audit.refused(row, rule="read-only")
            raise ReadOnly(
                "Changes are switched off for this installation.",
                hint="An administrator can switch them on with OPSMODAL_READ_ONLY=false.",
            )
