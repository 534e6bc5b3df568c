"""The Domains tab: the names under which a service is reached, every change to one, and how they look from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.egress import Egress
from opsmodal.fleet import Fleet
from opsmodal.listing import ListQuery
from opsmodal.networks import networks
from opsmodal.operations.domain_answers import DomainAnswer, DomainsAnswer, domain_answer, page_of
from opsmodal.operations.domain_checks import CHECKS, DomainCheckAnswer, Lanes, checked
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.facets import Facets
from opsmodal.operations.guards import Consent
from opsmodal.operations.previews import Preview, confirmation, previewed
from opsmodal.permissions import Action, Actor
from opsmodal.recent import Kept
from opsmodal.registry.registry import Registry
from runtimes.base import Domains, Runtime
from runtimes.domains import Answering, DomainChange, DomainChoices, DomainList
from runtimes.errors import Missing, Unsupported
from runtimes.planning import Plan

DOMAINS = "domains"
SHARED = " That the host may be shared with others was confirmed."


class DomainOperations:
    """Read, change and check the domains of a service. `outside` makes the client that checks go by."""

    def __init__(
        self, door: Door, fleet: Fleet, registry: Registry, *, outside: Callable[..., Egress] = Egress
    ) -> None:
        self._door = door
        self._fleet = fleet
        self._registry = registry
        self._facets = Facets(fleet, _facet)
        self._lanes = Lanes()
        self.outside = outside

    def list(self, actor: Actor, name: str, query: ListQuery) -> DomainsAnswer:
        """List the domains, those in trouble first; the last that were known while the runtime is silent."""
        leave = self._door.enter(actor, actions.DOMAINS_VIEW, name)
        return page_of(self._kept(leave), query, datetime.now(UTC), may_change=self._may(leave))

    def get(self, actor: Actor, name: str, domain: str) -> DomainAnswer:
        """Read one domain. Raise Missing when it is not the service's."""
        leave = self._door.enter(actor, actions.DOMAINS_VIEW, name)
        return _row(leave, self._kept(leave).value, domain)

    def may_change(self, actor: Actor, name: str) -> bool:
        """Tell whether this person has the buttons."""
        return self._may(self._door.enter(actor, actions.DOMAINS_VIEW, name))

    def form(self, actor: Actor, name: str, domain: str = "") -> tuple[DomainAnswer | None, DomainChoices]:
        """Read what a form starts from: the row that is changed, none for a new one, and what can be chosen."""
        action = actions.DOMAIN_CHANGE if domain else actions.DOMAIN_ADD
        leave = self._door.enter(actor, action, name, target=domain)
        found = self._listed(leave)
        return _row(leave, found, domain) if domain else None, found.choices

    def plan(self, actor: Actor, name: str, change: DomainChange) -> Preview:
        """Say what saving a row would do, and what it takes to do it."""
        leave = self._let(actor, name, change)
        plan = self._facets.read(leave, lambda domains, scope: domains.plan(scope, change))
        return previewed(self._door, leave, plan)

    def save(self, actor: Actor, name: str, change: DomainChange, *, consent: Consent) -> Done:
        """Add a row or change one, once. Raise Stale when it moved, Conflict for a host and path that is taken."""
        leave = self._let(actor, name, change)
        with self._door.act(leave, target=_target(change), consent=consent) as outcome:
            applied = self._facets.changing(leave).save(leave.service.scope(), change)
            shared = SHARED if change.shared_host else ""
            outcome.detail = f"{applied.sentence} {_leads(change)}{shared}"
        self._fleet.forget(leave.service)
        return Done(sentence=applied.sentence, targets=(applied.target,))

    def plan_delete(self, actor: Actor, name: str, domain: str) -> Preview:
        """Say what goes with a row."""
        leave = self._door.enter(actor, actions.DOMAIN_REMOVE, name, target=domain)
        return previewed(self._door, leave, self._removal(leave, domain))

    def delete(self, actor: Actor, name: str, domain: str, *, consent: Consent, revision: str = "") -> Done:
        """Remove a row. Raise Stale when its object moved."""
        leave = self._door.enter(actor, actions.DOMAIN_REMOVE, name, target=domain)
        row = _row(leave, self._listed(leave), domain)
        asked = confirmation(lambda: self._removal(leave, domain))
        target = f"{row.kind.lower()}/{row.object} {row.host}{row.path}"
        with self._door.act(leave, target=target, consent=consent, guards=(asked,)) as outcome:
            applied = self._facets.changing(leave).delete(leave.service.scope(), domain, revision=revision)
            outcome.detail = applied.sentence
        self._fleet.forget(leave.service)
        return Done(sentence=applied.sentence, targets=(applied.target,))

    def plan_renew(self, actor: Actor, name: str, domain: str) -> Preview:
        """Say what leading a row to where its target is now would do."""
        leave = self._door.enter(actor, actions.DOMAIN_CHANGE, name, target=domain)
        plan = self._facets.read(leave, lambda domains, scope: domains.plan_renew(scope, domain))
        return previewed(self._door, leave, plan)

    def renew(self, actor: Actor, name: str, domain: str, *, consent: Consent, revision: str = "") -> Done:
        """Lead a row to where its target is now. Raise Stale when it moved meanwhile."""
        leave = self._door.enter(actor, actions.DOMAIN_CHANGE, name, target=domain)
        row = _row(leave, self._listed(leave), domain)
        with self._door.act(leave, target=f"{row.host}{row.path}", consent=consent) as outcome:
            applied = self._facets.changing(leave).renew(leave.service.scope(), domain, revision=revision)
            outcome.detail = applied.sentence
        self._fleet.forget(leave.service)
        return Done(sentence=applied.sentence, targets=(applied.target,))

    def check(self, actor: Actor, name: str, domain: str, names: Sequence[str] = CHECKS) -> DomainCheckAnswer:
        """Look at a domain from outside. Raise TooMany while too many others are being looked at."""
        leave = self._door.enter(actor, actions.DOMAIN_CHECK, name)
        row = _row(leave, self._kept(leave).value, domain)
        spec = self._registry.runtime(leave.service.runtime)
        allowed = networks(spec.egress_allow) if spec else ()
        with self._door.act(leave, target=f"{row.host}{row.path}", slot=self._lanes.slot()):
            answering = self._answering(leave, row) if "backend" in names else None
            return checked(row, self.outside(allowed=allowed), names, answering=answering)

    def _answering(self, leave: Pass, row: DomainAnswer) -> Answering:
        return self._facets.read(leave, lambda domains, scope: domains.answering(scope, row.id))

    def _let(self, actor: Actor, name: str, change: DomainChange) -> Pass:
        action: Action = actions.DOMAIN_CHANGE if change.id else actions.DOMAIN_ADD
        return self._door.enter(actor, action, name, target=_target(change))

    def _may(self, leave: Pass) -> bool:
        return self._door.may(leave.permissions, actions.DOMAIN_ADD)

    def _kept(self, leave: Pass) -> Kept[DomainList]:
        """Give the list that all who look share; four checks of one row are one reading."""
        return self._facets.kept(leave, DOMAINS, lambda domains, scope: domains.list(scope))

    def _listed(self, leave: Pass) -> DomainList:
        return self._facets.read(leave, lambda domains, scope: domains.list(scope))

    def _removal(self, leave: Pass, domain: str) -> Plan:
        return self._facets.read(leave, lambda domains, scope: domains.plan_delete(scope, domain))


def _facet(runtime: Runtime) -> Domains:
    if runtime.domains is None:
        raise Unsupported(f"{runtime.kind.capitalize()} offers no Domains tab here.")
    return runtime.domains


def _row(leave: Pass, found: DomainList, domain: str) -> DomainAnswer:
    for row in found.items:
        if row.id == domain:
            return domain_answer(row, datetime.now(UTC))
    hint = "It may have been changed or removed since; go back to the list."
    raise Missing(f'There is no domain "{domain[:100]}" in service {leave.service.name}.', hint=hint)


def _leads(change: DomainChange) -> str:
    if change.proxying.redirect:
        return f"It sends visitors to {change.proxying.redirect}."
    return f"It leads to {change.backend}:{change.port}."


def _target(change: DomainChange) -> str:
    return f"{change.host}{change.path}"[:200]
