"""The Domains facet of Kubernetes: rows of Ingresses and HTTPRoutes, and every change to one of them.

Each change is drafted against what is there just now, tried by a dry run of the API server, and sent once with the
revision it was drafted against. What belongs to others in the same object is sent back as it was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from runtimes.base import Scope
from runtimes.domains import Answering, DomainChange, DomainList
from runtimes.errors import Conflict, Invalid, Lacking, Missing, Stale, Unsupported
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import MERGE
from runtimes.kubernetes.domains import around as surroundings
from runtimes.kubernetes.domains import drafts, ingress, routes, rows
from runtimes.kubernetes.domains.conflicts import demand_free, demand_own
from runtimes.kubernetes.domains.drafts import Draft
from runtimes.kubernetes.domains.reading import Known, Reading
from runtimes.kubernetes.domains.rules import ANY_HOST, INGRESS, RESOURCES, ROUTE, Document, Holder, Rule
from runtimes.kubernetes.domains.wishes import demand_possible, normal
from runtimes.kubernetes.scoped import checked
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.together import Together
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods
from runtimes.planning import Applied, Plan

LISTED_MAX = 8
"""Names that a hint lists."""
DRY = {"dryRun": "All"}
Found = tuple[Holder | None, Rule | None]


class ClusterDomains:
    """Reads and changes the domains of services of one cluster."""

    def __init__(self, client: Client, together: Together, live: LivePods, kept: KeptLists) -> None:
        self._client = client
        self._reading = Reading(client, together, live, kept)

    def list(self, scope: Scope) -> DomainList:
        """Give the rows of a service and what new ones can be made of."""
        known = self._reading.read(checked(scope), now=False)
        accepts = matcher(scope.selector)
        found = surroundings.belonging(known.holders, known.around, accepts)
        items = tuple(rows.row(held, rule, known.around) for held, rule in found)
        return DomainList(
            items=items, choices=surroundings.choices(known.around, known.holders), as_of=known.as_of, notes=known.notes
        )

    def setup(self) -> None:
        """Miss nothing: whether something takes up an Ingress is said of each row."""

    def plan(self, scope: Scope, change: DomainChange) -> Plan:
        """Say what saving a row would do, as a dry run of the API server has taken it."""
        draft, plan = self._drafted(scope, change)
        if not plan.unchanged:
            self._send(scope, draft, dry=True)
        return plan

    def save(self, scope: Scope, change: DomainChange) -> Applied:
        """Write a row, once. Raise Stale when its object moved, Conflict for a host and path that is taken."""
        draft, plan = self._drafted(scope, change)
        if plan.unchanged:
            return Applied(target=plan.target, sentence=f"{draft.rule} is like this already.", revision=plan.revision)
        done = self._send(scope, draft)
        made = draft.holder if draft.method == "POST" else ""
        sentence = f"{draft.rule} was {'saved in' if change.id else 'added to'} {draft.kind} {draft.name}."
        revision = (ingress if draft.kind == INGRESS else routes).holder(done).revision
        return Applied(target=plan.target, sentence=sentence, revision=revision, made=made)

    def plan_delete(self, scope: Scope, domain: str) -> Plan:
        """Say what goes with a row."""
        return self._removal(scope, domain, "")[1]

    def delete(self, scope: Scope, domain: str, *, revision: str = "") -> Applied:
        """Remove a row, and its object when that was the last one. Raise Stale when it moved."""
        draft, plan = self._removal(scope, domain, revision)
        self._send(scope, draft)
        return Applied(target=plan.target, sentence=f"{draft.rule} was removed from {draft.kind} {draft.name}.")

    def plan_renew(self, scope: Scope, domain: str) -> Plan:  # noqa: ARG002 - the contract's shape
        """Raise Unsupported: a row leads to a Service, which finds its pods by itself."""
        raise Unsupported("An Ingress leads to a Service, which follows its pods by itself.")

    def renew(self, scope: Scope, domain: str = "", *, revision: str = "") -> Applied:  # noqa: ARG002 - the contract's shape
        """Raise Unsupported, as `plan_renew` does."""
        raise Unsupported("An Ingress leads to a Service, which follows its pods by itself.")

    def answering(self, scope: Scope, domain: str) -> Answering:  # noqa: ARG002 - the contract's shape
        """Ask nothing: the endpoints that are ready have been asked by the cluster."""
        return Answering(ok=None, sentence="The cluster asks its endpoints itself.")

    def _removal(self, scope: Scope, domain: str, revision: str) -> tuple[Draft, Plan]:
        held, rule = self._row(scope, self._reading.read(checked(scope)), domain)
        _demand_current(held, revision)
        if rule.place == (-1, -1) and rule.fixed:
            raise Conflict(f"{rule.words} is not removed here.", hint=rule.fixed)
        draft = drafts.removal(held, rule)
        return draft, drafts.told(draft, held, rule, None, scope.namespace)

    def _drafted(self, scope: Scope, wanted: DomainChange) -> tuple[Draft, Plan]:
        change, known = normal(wanted), self._reading.read(checked(scope))
        held, rule = self._place(scope, known, change)
        demand_possible(change, rule)
        _demand_known(scope, known, change)
        change = _with_class(change, held)
        holders, unseen = self._reading.everywhere(scope, known)
        space = scope.namespace
        doubled = (*demand_free(change, holders, space, itself=rule), *demand_own(change, holders, space))
        if held is None:
            taken = frozenset(each.name for each in known.holders if each.kind == change.kind)
            draft = drafts.creation(change, scope.namespace, taken)
        else:
            draft = drafts.alteration(held, rule, change)
        plan = drafts.told(draft, held, rule, change, scope.namespace)
        return draft, replace(plan, warnings=(*plan.warnings, *doubled, *unseen, *_doubts(known, change)))

    def _place(self, scope: Scope, known: Known, change: DomainChange) -> Found:
        """Find what a change is about: a row, an object that gets one more, or nothing yet."""
        if change.id:
            held, rule = self._row(scope, known, change.id)
            if rule.fixed:
                raise Conflict(f"{rule.words} is not changed here.", hint=rule.fixed)
            if change.kind != held.kind or change.object not in ("", held.name):
                raise Invalid("A row stays in its object.", hint="Add a new row there, then remove this one.")
        elif change.object:
            rule, held = None, self._object(scope, known, change)
        else:
            return None, None
        _demand_current(held, change.revision)
        return held, rule

    def _row(self, scope: Scope, known: Known, domain: str) -> tuple[Holder, Rule]:
        for held, rule in surroundings.belonging(known.holders, known.around, matcher(scope.selector)):
            if rule.id == domain:
                return held, rule
        hint = "It may have been changed or removed since; go back to the list."
        raise Missing(f'There is no domain "{domain[:100]}" in service {scope.service}.', hint=hint)

    def _object(self, scope: Scope, known: Known, change: DomainChange) -> Holder:
        for held, _ in surroundings.belonging(known.holders, known.around, matcher(scope.selector)):
            if (held.kind, held.name) == (change.kind, change.object):
                return held
        raise Missing(f'There is no {change.kind} "{change.object[:100]}" in service {scope.service}.')

    def _send(self, scope: Scope, draft: Draft, *, dry: bool = False) -> Document:
        resource, what = RESOURCES[draft.kind], f"{draft.kind} {draft.name}"
        if draft.method == "POST":
            path = paths.collection(scope.namespace, resource)
            return self._write("POST", path, draft, what, dry=dry)
        path = paths.single(scope.namespace, resource, draft.name)
        if draft.method == "PATCH":
            return self._write("PATCH", path, draft, what, dry=dry, media=MERGE)
        self._client.delete(path, what=what, uid=draft.uid, revision=draft.version)
        return {}

    def _write(self, method: Any, path: str, draft: Draft, what: str, *, dry: bool, **more: str) -> Document:
        query = DRY if dry else None
        return self._client.write(method, path, Document, draft.body, what=what, query=query, **more)


def _demand_current(held: Holder, revision: str) -> None:
    if revision and revision not in (held.revision, held.version):
        sentence = f"{held.kind} {held.name} changed since you looked at it."
        raise Stale(sentence, hint="Nothing was changed. Read it again, then repeat what you wanted to do.")


def _demand_known(scope: Scope, known: Known, change: DomainChange) -> None:
    """Raise for a kind that the cluster does not have, and for a backend that is none of the service's."""
    if change.kind == ROUTE and not known.around.has_routes:
        hint = "Take an Ingress, or ask who runs the cluster to install its resource definitions."
        raise Lacking("This cluster has no Gateway API.", hint=hint, what="gateway-api")
    backends = surroundings.choices(known.around).backends
    if known.around.services is None:
        return
    if change.backend not in backends:
        shown = ", ".join(list(backends)[:LISTED_MAX])
        hint = f"There are: {shown}." if shown else "Make a Service for its pods first."
        sentence = f'There is no Service "{change.backend[:100]}" in service {scope.service}.'
        raise Invalid(sentence, hint=hint, field="target")
    if change.port not in backends[change.backend]:
        hint = f"It has: {', '.join(backends[change.backend][:LISTED_MAX])}."
        raise Invalid(f'Service {change.backend} has no port "{change.port[:63]}".', hint=hint, field="target")


def _with_class(change: DomainChange, held: Holder | None) -> DomainChange:
    """A class that is not said is the object's own."""
    if held is None or change.class_name:
        return change
    return replace(change, class_name=next((each.class_name for each in held.rules), ""))


def _doubts(known: Known, change: DomainChange) -> Iterator[str]:
    around = known.around
    if change.tls_secret and around.certificates is not None:
        facts = around.certificates.get(change.tls_secret)
        if change.tls_secret not in around.certificates:
            yield f"There is no TLS Secret {change.tls_secret}: until there is, another certificate is shown."
        elif facts and facts.names and change.host != ANY_HOST and not rows.is_for(facts.names, change.host):
            yield f"The certificate in {change.tls_secret} is for {', '.join(facts.names[:3])}, not {change.host}."
    if change.kind == INGRESS and around.classes is not None and change.class_name not in ("", *around.classes):
        yield f"There is no ingress class {change.class_name}: no controller serves it."
    if around.ready is not None and around.ready.get(change.backend, 0) == 0:
        yield f"No endpoint of Service {change.backend} is ready: until one is, the ingress answers 503."
