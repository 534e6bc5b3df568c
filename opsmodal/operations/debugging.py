"""Debug pods: a copy of an instance that does nothing, or a pod of an image with tools, beside a service for an hour.

What is made is judged as if it were typed: by the guard's own rules of what a pod must not be given. What is made here
is taken away here after its hour, and by the cluster itself when this process is gone by then.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from connectors.errors import ConnectionProblem
from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import CommandRefused
from opsmodal.expiring import Later
from opsmodal.fleet import Fleet
from opsmodal.guard.kubectl.metadata import check_metadata
from opsmodal.guard.kubectl.privileges import check_privileges
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.kubectl.tokens import Tokens, check_tokens, secrets_of
from opsmodal.operations.command_world import commands_of
from opsmodal.operations.debug_places import Places
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.facets import Facets
from opsmodal.operations.guards import Asked, Consent, Verdict
from opsmodal.operations.previews import Preview, previewed
from opsmodal.permissions import Action, Actor
from runtimes.base import Debugging, Runtime
from runtimes.debugging import LASTS_S, CopyPod, DebugPod, DebugRequest, Drafted
from runtimes.errors import Denied, RuntimeProblem, Stale, Unsupported

log = logging.getLogger(__name__)

STYLE = "strategic"
"""A body whose lists are judged element by element."""
RULE = "debug-pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugPods:
    """The debug pods of a service, newest first, and how many may be alive at once: in all, and of one person."""

    items: tuple[DebugPod, ...]
    may_change: bool
    most: int
    most_of_one: int
    lasts_s: int = LASTS_S


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugOffers:
    """What of this is offered to somebody on one instance."""

    may_copy: bool = False
    may_fetch: bool = False


@dataclass(frozen=True, slots=True)
class Harmless:
    """The guard of debug pods: what a patch may not give a pod, none of them has; a token least of all."""

    drafted: Drafted
    tokens: Tokens

    def __call__(self, asked: Asked) -> Verdict:
        """Refuse what the guard of typed lines refuses in a pod."""
        del asked
        try:
            check_metadata(dict(self.drafted.metadata))
            check_privileges(dict(self.drafted.spec), style=STYLE)
            check_tokens(set(secrets_of(dict(self.drafted.spec))), self.tokens)
        except Refused as refused:
            refusal = CommandRefused(refused.reason, hint=refused.hint, rule=refused.rule)
            return Verdict(rule=refused.rule, refusal=refusal)
        return Verdict(rule=RULE)


class DebuggingOperations:
    """Make, list and remove debug pods."""

    def __init__(self, door: Door, fleet: Fleet, places: Places) -> None:
        self._door = door
        self._fleet = fleet
        self._facets = Facets(fleet, _facet)
        self._commands = Facets(fleet, commands_of)
        self._places = places
        self._later = Later("debug pods")

    def list(self, actor: Actor, name: str) -> DebugPods:
        """List the debug pods of a service."""
        leave = self._door.enter(actor, actions.DEBUG_VIEW, name)
        return DebugPods(
            items=self._known(leave),
            may_change=self._door.may(leave.permissions, actions.DEBUG_RUN),
            most=self._places.per_service,
            most_of_one=self._places.per_person,
        )

    def offers(self, actor: Actor, name: str) -> DebugOffers:
        """Say what is offered on an instance; nothing where a runtime that is open has none of it."""
        leave = self._door.enter(actor, actions.INSTANCES_VIEW, name)
        opened = self._fleet.opened(leave.service.runtime, over=leave.over)
        if opened is None or opened.runtime.debugging is None:
            return DebugOffers()
        return DebugOffers(
            may_copy=self._door.may(leave.permissions, actions.DEBUG_COPY),
            may_fetch=self._door.may(leave.permissions, actions.FILE_FETCH),
        )

    def preview(self, actor: Actor, name: str, wanted: DebugRequest) -> Preview:
        """Say what would be made. Nothing is."""
        leave = self._door.enter(actor, _action(wanted), name, target=_target(wanted))
        self._places.demand(self._known(leave), actor.name)
        return previewed(self._door, leave, self._drafted(leave, wanted, Consent()).plan)

    def make(self, actor: Actor, name: str, wanted: DebugRequest, *, consent: Consent, revision: str = "") -> DebugPod:
        """Make one. Raise TooMany, and Stale when the instance is not that of `revision`, where one is given."""
        leave = self._door.enter(actor, _action(wanted), name, target=_target(wanted))
        drafted = self._drafted(leave, wanted, consent)
        if revision and revision != drafted.plan.revision:
            raise Stale(f"{_target(wanted)} was recreated since you looked at it.", hint="Look at the new one first.")
        scope, guards = leave.service.scope(), (Harmless(drafted, lambda: self._tokens(leave)),)
        slot = self._places.place(name, actor.name, lambda: self._known(leave))
        with self._door.act(leave, target=_target(wanted), consent=consent, guards=guards, slot=slot) as outcome:
            made = self._facets.changing(leave).make(scope, drafted)
            outcome.detail = f"{made.pod or made.name}, for {LASTS_S // 60} minutes"
        self._later.at(LASTS_S, lambda: self._end(leave, made.name))
        self._fleet.forget(leave.service)
        return made

    def remove(self, actor: Actor, name: str, pod: str, *, consent: Consent) -> Done:
        """Take one away. Raise Missing for any other pod."""
        leave = self._door.enter(actor, actions.DEBUG_REMOVE, name, target=pod[:253])
        with self._door.act(leave, target=f"debug pod {pod[:253]}", consent=consent):
            self._facets.changing(leave).remove(leave.service.scope(), pod)
        self._fleet.forget(leave.service)
        return Done(sentence=f"{pod} is being removed.", targets=(pod,))

    def close(self) -> None:
        """Leave what is still there to the cluster, which ends it in time."""
        self._later.close()

    def _known(self, leave: Pass) -> tuple[DebugPod, ...]:
        return self._facets.read(leave, lambda debugging, scope: debugging.list(scope))

    def _tokens(self, leave: Pass) -> frozenset[str]:
        """Name the Secrets that hold tokens; none where they may not be listed: a copy has no more than its pod."""
        try:
            return self._commands.read(leave, lambda commands, scope: commands.tokens(scope))
        except Denied:
            return frozenset()

    def _end(self, leave: Pass, name: str) -> None:
        """Take one away whose hour is over; the cluster has most often done it by then."""
        try:
            self._facets.changing(leave).remove(leave.service.scope(), name)
        except (RuntimeProblem, ConnectionProblem) as problem:
            log.debug("debug pod left to the cluster", extra={"pod": name, "why": problem.sentence})

    def _drafted(self, leave: Pass, wanted: DebugRequest, consent: Consent) -> Drafted:
        scope, person, reason = leave.service.scope(), leave.actor.name, consent.reason
        return self._facets.changing(leave).draft(scope, wanted, person=person, reason=reason)


def _facet(runtime: Runtime) -> Debugging:
    if runtime.debugging is None:
        raise Unsupported(
            f"{runtime.kind.capitalize()} has no debug pods.", hint="Run programs in a container: the Commands tab."
        )
    return runtime.debugging


def _action(wanted: DebugRequest) -> Action:
    return actions.DEBUG_COPY if isinstance(wanted, CopyPod) else actions.DEBUG_RUN


def _target(wanted: DebugRequest) -> str:
    return f"pod/{wanted.instance[:253]}" if isinstance(wanted, CopyPod) else f"image {wanted.image[:255]}"
