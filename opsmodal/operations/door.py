"""The one door. Nothing reaches a runtime, the registry or the people without coming through here.

It decides who sees what (one resolver), asks for confirmation where an action is dangerous, and writes the intent of
every audited action before it runs and its outcome after. If the intent cannot be written, the action does not run.
It knows no runtime and no web.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opsmodal.audit import Audit, Row
from opsmodal.errors import ConfirmationRequired, NotPermitted, NotThere, ReadOnly
from opsmodal.permissions import Action, Actor, Grant, Permission, permissions_on, who_can_grant
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec

PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Leave to do one action on one service."""

    actor: Actor
    action: Action
    service: ServiceSpec
    permissions: frozenset[Permission]


@dataclass(slots=True)
class Outcome:
    """What an audited action reports of itself while it runs; written when it has ended."""

    target: str = ""
    detail: str = ""
    bytes_count: int | None = None


class Door:
    """Let an actor through to an action, or say why not."""

    def __init__(self, *, registry: Registry, audit: Audit, read_only: bool = False) -> None:
        self._registry = registry
        self._audit = audit
        self._read_only = read_only

    def visible(self, actor: Actor) -> list[tuple[ServiceSpec, frozenset[Permission]]]:
        """List the services that an actor may see, with what may be done on each."""
        grants = self._registry.grants()
        pairs = ((service, self._permissions(actor, grants, service)) for service in self._registry.services())
        return [(service, given) for service, given in pairs if Permission.VIEW in given]

    def enter(self, actor: Actor, action: Action, name: str) -> Pass:
        """Let an actor through to one service. Raise NotThere, NotPermitted or ReadOnly; both last are audited."""
        # Both are read in any case: a service of others must take no longer to deny than one that is not there.
        service, grants = self._registry.service(name), self._registry.grants()
        given = self._permissions(actor, grants, service) if service else frozenset()
        if service is None or Permission.VIEW not in given:
            raise NotThere(f"There is no service {name[:80]!r} for you.", hint="The services page lists those you see.")
        if action.permission is not None and action.permission not in given:
            self._refuse(actor, action, name, f"needs {action.permission}")
            raise NotPermitted(
                f"This needs the permission “{action.permission}” on {name}.",
                hint=who_can_grant(self._registry.admins()),
            )
        self._demand_writable(actor, action, name)
        return Pass(actor=actor, action=action, service=service, permissions=given)

    def administer(self, actor: Actor, action: Action, target: str = "") -> None:
        """Let an administrator through to an action on the installation itself."""
        if not actor.admin or actor.services is not None or actor.permissions is not None:
            self._refuse(actor, action, "", "needs an administrator", target)
            raise NotPermitted("This needs an administrator.", hint=who_can_grant(self._registry.admins()))
        self._demand_writable(actor, action, "")

    def audit(self, actor: Actor, action: Action) -> None:
        """Let an administrator or an auditor through to the audit log; a narrowed token reads what it is for only."""
        if not (actor.admin or actor.auditor) or actor.services is not None or actor.permissions is not None:
            self._refuse(actor, action, "", "needs an auditor")
            raise NotPermitted(
                "The audit log is for auditors and administrators.", hint=who_can_grant(self._registry.admins())
            )

    def may(self, permissions: frozenset[Permission], action: Action) -> bool:
        """Tell whether a button for this action is shown to somebody with these permissions."""
        return (action.permission is None or action.permission in permissions) and not (
            action.changes and self._read_only
        )

    def confirm(self, leave: Pass, sent: str, *, hits: Sequence[str], label: str = "", command: str = "") -> None:
        """Ask for a confirmation unless the right word was sent: the service's name in production, else `true`.

        `label` is what the button says: what is done, and to how many of what.
        """
        word = leave.service.name if leave.service.environment == PRODUCTION else "true"
        self.confirm_word(sent, word, label=label or leave.action.label, hits=hits, command=command)

    def confirm_word(self, sent: str, word: str, *, label: str, hits: Sequence[str], command: str = "") -> None:
        """Raise ConfirmationRequired unless the word was sent."""
        if sent != word:
            sentence = f"{label} wants to be confirmed."
            raise ConfirmationRequired(sentence, hits=hits, confirm=word, label=label, command=command)

    @contextmanager
    def recorded(self, actor: Actor, action: Action, *, service: str = "", target: str = "") -> Iterator[Outcome]:
        """Run an audited action between its intent and its outcome. Raise NotRecorded before anything has happened."""
        intent = self._audit.intend(Row(actor=actor, action=action.name, service=service, target=target))
        started, outcome, word = time.monotonic(), Outcome(target=target), "failed"
        try:
            yield outcome
            word = "done"
        except GeneratorExit:
            word = "stopped"
            raise
        except Exception as error:
            outcome.detail = getattr(error, "sentence", type(error).__name__)
            raise
        finally:
            self._audit.close(
                intent,
                outcome=word,
                duration_ms=int((time.monotonic() - started) * 1000),
                detail=outcome.detail,
                bytes_count=outcome.bytes_count,
            )

    def _permissions(self, actor: Actor, grants: Sequence[Grant], service: ServiceSpec) -> frozenset[Permission]:
        return permissions_on(actor, grants, service=service.name, runtime=service.runtime)

    def _demand_writable(self, actor: Actor, action: Action, service: str) -> None:
        if self._read_only and action.changes:
            self._refuse(actor, action, service, "read-only")
            raise ReadOnly(
                "Changes are switched off for this installation.",
                hint="An administrator can switch them on with OPSMODAL_READ_ONLY=false.",
            )

    def _refuse(self, actor: Actor, action: Action, service: str, rule: str, target: str = "") -> None:
        self._audit.refused(Row(actor=actor, action=action.name, service=service, target=target), rule=rule)
