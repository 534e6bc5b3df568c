"""The Pods or Containers tab: list them, explain them, delete, restart, stop and start them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from opsmodal import actions
from opsmodal.access import Access
from opsmodal.answers import (
    CauseAnswer,
    Done,
    InstanceAnswer,
    InstanceRow,
    cause_answer,
    instance_answer,
)
from opsmodal.errors import BadRequest
from opsmodal.fleet import Fleet
from opsmodal.listing import ListQuery, Page
from opsmodal.live import Dress, Live, Reader
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.finding import looked_up
from opsmodal.operations.guards import Confirmation, Consent
from opsmodal.operations.hits import HITS_MAX, Hits
from opsmodal.permissions import Action, Actor, Permission
from opsmodal.rows import page_of
from runtimes.base import Explanation, Instance, Runtime, Severity, Snapshot
from runtimes.errors import Conflict, Unsupported

T = TypeVar("T")

Verb = Literal["restart", "stop", "start"]
VERBS: Mapping[Verb, Action] = {
    "restart": actions.INSTANCE_RESTART,
    "stop": actions.INSTANCE_STOP,
    "start": actions.INSTANCE_START,
}
DONE: Mapping[Verb, str] = {"restart": "restarted", "stop": "stopped", "start": "started"}

FRESH_S = 1.0
"""People who open the same list within this time share one reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How somebody sees the rows of a service: which links and buttons they have."""

    service: str
    scope: tuple[object, ...]
    runtime: str
    kind: str
    may_log: bool
    may_change: bool
    verbs: frozenset[str]
    over: str


class InstanceOperations:
    """Read, watch and change the instances of a service."""

    def __init__(self, door: Door, fleet: Fleet, live: Live) -> None:
        self._door = door
        self._fleet = fleet
        self.live = live
        self._hits = Hits(door, fleet)

    def list(self, actor: Actor, name: str, query: ListQuery) -> Page[InstanceRow]:
        """List instances, worst first unless sorted otherwise. Filter: severity."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        _demand_severities(query.filters.get("severity", ""))
        kept = self._fleet.instances(leave.service, fresh_s=FRESH_S, over=leave.over)
        return page_of(kept, query, datetime.now(UTC))

    def watch(self, actor: Actor, name: str, query: ListQuery, dress: Dress, *, wake: Callable[[], None]) -> Reader:
        """Watch what `list` gives; `wake` is called when there is something to take. The reader must be closed."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        _demand_severities(query.filters.get("severity", ""))
        return self.live.reader(leave.service, query, dress, wake=wake, over=leave.over)

    def look(self, actor: Actor, name: str, *, opening: bool = False) -> Look:
        """Say how this actor sees the rows: what may be done is what the runtime offers and the permission gives.

        A runtime that is not open yet offers nothing; with `opening` it is opened first.
        """
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        if opening:
            self._runtime(leave)
        runtime, allowed = leave.service.runtime, self._door.may(leave.permissions, actions.INSTANCE_DELETE)
        return Look(
            service=leave.service.name,
            runtime=runtime,
            scope=leave.service.scope_key(),
            kind=self._fleet.kind(runtime),
            may_log=Permission.LOGS in leave.permissions,
            may_change=allowed,
            verbs=self._verbs(runtime, leave.over) if allowed else frozenset(),
            over=leave.over,
        )

    def looking(self, look: Look, access: Access) -> Callable[[], bool]:
        """Give a question that tells whether somebody still sees rows as in `look`; it raises AccessEnded.

        It is asked for every frame of every page, and asks the store only after something has changed there.
        """
        changes = access.changes

        def is_same() -> bool:
            nonlocal changes
            access.demand()
            if access.changes != changes:
                changes = access.changes
                return self.look(access.basis.actor, look.service) == look
            return not look.may_change or self._verbs(look.runtime, look.over) == look.verbs

        return is_same

    def get(self, actor: Actor, name: str, instance: str) -> InstanceAnswer:
        """Read everything about one instance; environment values only for those who may manage."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        detail = self._read(leave, lambda runtime: runtime.instances.get(leave.service.scope(), instance))
        return instance_answer(detail, datetime.now(UTC), reveal=Permission.MANAGE in leave.permissions)

    def cause(self, actor: Actor, name: str, instance: str) -> CauseAnswer:
        """Explain why an instance is not ok. Last log lines are quoted only to those who may read logs."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        scope, quote_logs = leave.service.scope(), Permission.LOGS in leave.permissions

        def ask(runtime: Runtime) -> tuple[Instance, Explanation]:
            found = runtime.instances.get(scope, instance).instance
            return found, runtime.instances.cause(scope, found.id, quote_logs=quote_logs)

        found, explanation = self._read(leave, ask)
        return cause_answer(found, explanation, datetime.now(UTC))

    def delete(self, actor: Actor, name: str, instance: str, *, consent: Consent, force: bool, uid: str) -> Done:
        """Delete one instance, by `force` without grace.

        `uid` says which one was looked at: another that has its name by now is left alone. Raise Conflict then.
        """
        action = actions.INSTANCE_FORCE_DELETE if force else actions.INSTANCE_DELETE
        leave, found = self._found(actor, action, name, instance, "force-delete" if force else "delete")
        if uid and uid != found.uid:
            raise Conflict(
                f"{found.name} was recreated since you looked at it.",
                hint="Nothing was deleted. Look at the new one first.",
            )
        scope = leave.service.scope()
        by_hand = f"kubectl -n {scope.namespace} delete pod {found.name}{' --grace-period=0 --force' if force else ''}"
        guards = (self._asked(leave, found, by_hand, verb="delete"),)
        with self._door.act(leave, target=_target(found), consent=consent, guards=guards):
            self._runtime(leave).instances.delete(scope, found.id, force=force, uid=found.uid)
        self._fleet.forget(leave.service)
        return Done(sentence=f"{found.name} is being deleted.", targets=(found.name,))

    def change(self, actor: Actor, name: str, instance: str, verb: Verb, *, consent: Consent) -> Done:
        """Restart, stop or start one container, by its engine or by what looks after it there."""
        leave, found = self._found(actor, VERBS[verb], name, instance, verb)
        by_hand = (
            found.through.replace("{verb}", verb) or f"{self._fleet.kind(leave.service.runtime)} {verb} {found.name}"
        )
        guards = (self._asked(leave, found, by_hand, verb=verb),)
        with self._door.act(leave, target=_target(found), consent=consent, guards=guards) as outcome:
            outcome.detail = f"by {by_hand}" if found.through else ""
            own = self._runtime(leave).instances
            does = {"restart": own.restart, "stop": own.stop, "start": own.start}[verb]
            does(leave.service.scope(), found.id)
        self._fleet.forget(leave.service)
        return Done(sentence=f"{found.name} was {DONE[verb]}{_by(found)}.", targets=(found.name,))

    def delete_pending(self, actor: Actor, name: str, *, consent: Consent) -> Done:
        """Delete every Pending pod of a service."""
        leave = self._door.enter(actor, actions.INSTANCES_DELETE_PENDING, name)
        scope = leave.service.scope()

        def ask(runtime: Runtime) -> Snapshot[Instance]:
            _demand(runtime, "delete-pending")
            return runtime.instances.list(scope)

        pending = [row for row in self._read(leave, ask).items if row.phase == "Pending"]
        if not pending:
            return Done(sentence="No pod is pending.")
        label = f"Delete {len(pending)} pending {'pod' if len(pending) == 1 else 'pods'}"
        asked = Confirmation(hits=lambda: self._hits.of(leave, pending, verb="delete"), label=label)
        with self._door.act(leave, target="pods in Pending", consent=consent, guards=(asked,)) as outcome:
            deleted = tuple(self._runtime(leave).instances.delete_pending(scope))
            outcome.detail = ", ".join(deleted[:HITS_MAX])
        self._fleet.forget(leave.service)
        words = f"{len(deleted)} pending pods are being deleted." if deleted else "No pod was pending."
        return Done(sentence=words, targets=deleted)

    def _found(self, actor: Actor, action: Action, name: str, instance: str, verb: str) -> tuple[Pass, Instance]:
        leave = self._door.enter(actor, action, name, target=instance)

        def ask(runtime: Runtime) -> Instance:
            _demand(runtime, verb)
            found = runtime.instances.get(leave.service.scope(), instance).instance
            if found.lock:
                raise Conflict(found.lock, hint=found.lock_hint)
            return found

        with looked_up(self._door, leave, instance):
            return leave, self._read(leave, ask)

    def _verbs(self, runtime: str, over: str) -> frozenset[str]:
        opened = self._fleet.opened(runtime, over=over)
        return opened.runtime.instances.verbs if opened else frozenset()

    def _asked(self, leave: Pass, found: Instance, by_hand: str, *, verb: str) -> Confirmation:
        label = f"{leave.action.label} {found.kind}"
        return Confirmation(hits=lambda: self._hits.of(leave, [found], verb=verb), label=label, command=by_hand)

    def _read(self, leave: Pass, ask: Callable[[Runtime], T]) -> T:
        return self._fleet.read(leave.service.runtime, ask, over=leave.over)

    def _runtime(self, leave: Pass) -> Runtime:
        """Give the runtime for what changes something: that is sent once, whatever becomes of its way."""
        return self._fleet.runtime(leave.service.runtime, over=leave.over)


def _demand(runtime: Runtime, verb: str) -> None:
    if verb not in runtime.instances.verbs:
        raise Unsupported(
            f"{runtime.kind.capitalize()} offers no “{verb}” here.",
            hint="A pod is made again by its workload when it is deleted; a container is restarted, stopped, started.",
        )


def _demand_severities(wanted: str) -> None:
    known = [severity.value for severity in Severity]
    for word in wanted.split(","):
        if word and word not in known:
            raise BadRequest(f"There is no severity {word[:40]!r}.", hint=f"There are: {', '.join(known)}.")


def _by(instance: Instance) -> str:
    return f" by its {instance.managed_by}" if instance.through else ""


def _target(instance: Instance) -> str:
    return f"{instance.kind}/{instance.name}"
