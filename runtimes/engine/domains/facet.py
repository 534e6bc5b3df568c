"""The Domains facet of an engine: routes of the host's Caddy that lead to a service's containers, and every change.

Each change is drafted against what is there just now and sent with the ETag it was drafted against. The service's own
are those whose name says so; what others wrote is never sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from connectors.base import Connection
from runtimes.base import Domain, Scope
from runtimes.caddy import problems
from runtimes.caddy.address import AdminAddress, address
from runtimes.caddy.admin import GLANCE_S, Admin
from runtimes.caddy.config import known
from runtimes.caddy.routes import understood
from runtimes.causes.words import quoted
from runtimes.domains import Answering, DomainChange, DomainChoices, DomainList, Setup
from runtimes.engine.containers import Containers
from runtimes.engine.domains import drafting, rows, setup
from runtimes.engine.domains.drafting import Drafted
from runtimes.engine.domains.sending import send
from runtimes.engine.domains.surroundings import Around, Surroundings
from runtimes.engine.pods import Pods
from runtimes.engine.problems import Kind
from runtimes.errors import Invalid, Lacking, RuntimeProblem, Stale
from runtimes.planning import Applied, Plan

PROBE_S = 5.0
TRIES = 4
"""Of a repair that nobody waits for: it is drafted anew each time, so it may follow on somebody else's change."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy of a host: where its admin API is, what talks to it, and what reads all that a domain stands on."""

    address: AdminAddress
    admin: Admin
    surroundings: Surroundings


class EngineDomains:
    """Reads and changes the domains of services of one engine. `proxy_admin` "" is a host without a proxy."""

    def __init__(
        self,
        kind: Kind,
        containers: Containers,
        pods: Pods,
        connection: Connection,
        *,
        proxy_admin: str,
        rootless: bool,
    ) -> None:
        self._kind: Kind = kind
        self._connection = connection
        self._missing = setup.missing(kind)
        self._proxy: Proxy | None = None
        try:
            if proxy_admin:
                admin = Admin(address(proxy_admin), connection)
                self._proxy = Proxy(admin.address, admin, Surroundings(containers, pods, admin, rootless=rootless))
        except Invalid as problem:  # registered before there was a rule for it: the engine is not to be lost by that
            self._missing = replace(self._missing, sentence=problem.sentence, hint=problem.hint, broken=True)

    def list(self, scope: Scope) -> DomainList:
        """Give the routes of a service and what new ones can be made of; `setup` where no proxy answers."""
        try:
            around = self._read(scope)
        except Lacking as problem:
            told = self._setup(problem)
            return DomainList(items=(), choices=DomainChoices(kinds=("route",)), as_of=datetime.now(UTC), setup=told)
        return DomainList(
            items=tuple(row for row, _ in rows.rows(around, scope.service)),
            choices=rows.choices(around),
            as_of=datetime.now(UTC),
            notes=tuple(setup.exposed(around.admin, around.proxy)),
            others=rows.others(around),
        )

    def setup(self) -> Setup | None:
        """Ask the proxy whether it is there; say what is missing when it is not."""
        try:
            self._there().admin.read(GLANCE_S)
        except Lacking as problem:
            return self._setup(problem)
        return None

    def glance(self, scope: Scope) -> tuple[tuple[Domain, ...], Setup | None]:
        """Give hosts and paths of a service by one short question to the proxy alone, and what is missing for that."""
        try:
            told = self._there().admin.read(GLANCE_S)
        except Lacking as problem:
            return (), self._setup(problem)
        return tuple(rows.glances(known(told.root, told.etag), scope.service)), None

    def plan(self, scope: Scope, change: DomainChange) -> Plan:
        """Say what saving a route would do. Caddy has no dry run: it judges when it is done, and keeps what it had."""
        return drafting.saving(scope, self._read(scope), change).plan

    def save(self, scope: Scope, change: DomainChange) -> Applied:
        """Write a route, once. Raise Stale when the configuration moved, Conflict for a host and path that is taken."""
        drafted = drafting.saving(scope, self._read(scope), change)
        plan, words = drafted.plan, drafted.draft.words
        if plan.unchanged:
            return Applied(target=plan.target, sentence=f"{words} is like this already.", revision=plan.revision)
        sentence = f"{words} was {'changed' if change.id else 'added'} in Caddy."
        return self._sent(drafted, sentence, made="" if change.id else plan.target)

    def plan_delete(self, scope: Scope, domain: str) -> Plan:
        """Say what goes with a route."""
        return drafting.removal(scope, self._read(scope), domain).plan

    def delete(self, scope: Scope, domain: str, *, revision: str = "") -> Applied:
        """Remove a route, and a server of ours with its last one. Raise Stale when it moved."""
        drafted = drafting.removal(scope, self._read(scope), domain, revision)
        return self._sent(drafted, f"{drafted.draft.words} was removed from Caddy.")

    def plan_renew(self, scope: Scope, domain: str) -> Plan:
        """Say what leading a route to where its container is now would do."""
        return drafting.renewal(scope, self._read(scope), domain).plan

    def renew(self, scope: Scope, domain: str = "", *, revision: str = "") -> Applied:
        """Lead a route, or all of the service that no longer fit, to where their containers are now."""
        if not domain:
            return self._renew_all(scope)
        drafted = drafting.renewal(scope, self._read(scope), domain, revision)
        return self._sent(drafted, f"{drafted.draft.words} leads to its container again.")

    def answering(self, scope: Scope, domain: str) -> Answering:
        """Connect to the port of a route's container, as Caddy would, and hang up."""
        around = self._read(scope)
        row, entry = drafting.found(around, scope, domain)
        if not row.backend:
            return Answering(ok=None, sentence="It sends visitors elsewhere: nothing is behind it.")
        route = understood(entry)
        now, why = around.now(route) if route else (row.address if not entry.mark else "", rows.BY_HAND)
        if not now:
            return Answering(ok=False, sentence=why, hint="Look at the Containers tab.")
        probe = self._connection.probe(f"tcp://{now}", timeout_s=PROBE_S)
        hint = "" if probe.ok else f"Look at what {row.backend} listens on, and at its log."
        return Answering(ok=probe.ok, sentence=quoted(probe.sentence), hint=hint)

    def _renew_all(self, scope: Scope) -> Applied:
        """Repair one after the other; what cannot be is told at the end, when the others are done."""
        target = f"service/{scope.service}"
        if self._proxy is None:
            return Applied(target=target, sentence="No proxy is registered for this host: no domain is to follow.")
        moved = [row for row, _ in rows.rows(self._read(scope), scope.service) if row.moved]
        failed: list[RuntimeProblem] = []
        for row in moved:
            try:
                _again(partial(self.renew, scope, row.id))
            except RuntimeProblem as problem:
                failed.append(problem)
        if failed:
            raise failed[0]
        said = ", ".join(f"{row.host}{row.path}" for row in moved)
        verb = "leads to its container again" if len(moved) == 1 else "lead to their containers again"
        return Applied(target=target, sentence=f"{said} {verb}." if moved else "Every domain leads to its container.")

    def _sent(self, drafted: Drafted, sentence: str, *, made: str = "") -> Applied:
        send(self._there().admin, drafted)
        return Applied(target=drafted.plan.target, sentence=sentence, made=made)

    def _setup(self, problem: Lacking) -> Setup:
        return setup.silent(self._kind, self._proxy.address, problem) if self._proxy else self._missing

    def _there(self) -> Proxy:
        if self._proxy is None:
            hint = f"{self._missing.hint} {self._missing.command}"
            raise Lacking(self._missing.sentence, hint=hint, what=problems.WHAT)
        return self._proxy

    def _read(self, scope: Scope) -> Around:
        return self._there().surroundings.read(scope)


def _again(repair: Callable[[], object]) -> None:
    for left in reversed(range(TRIES)):
        try:
            repair()
        except Stale:
            if not left:
                raise
        else:
            return
