"""Register, test and remove runtimes and services; find services that are there already. For administrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import ConnectionProblem
from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.favorites import Favorites
from opsmodal.fleet import Fleet
from opsmodal.opening import Opening
from opsmodal.operations.contexts import Contexts
from opsmodal.operations.door import Door
from opsmodal.operations.guards import UNASKED, Confirmation, Consent
from opsmodal.operations.registered import ProposalRow, RuntimeAnswer, RuntimeRow, Tested, answered, proposed
from opsmodal.permissions import Actor
from opsmodal.registry.changes import Applied
from opsmodal.registry.files import Sent
from opsmodal.registry.reading import NOUNS, plain
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import RuntimeBase, RuntimeSpec, ServiceSpec, VpnProfile, scope_key
from runtimes.errors import RuntimeProblem

Entry = Mapping[str, Any]
TAKEN_MAX = 200
"""Services taken over in one go."""
DOCUMENT = "document"
"""What the audit log calls a registry that is applied as a whole."""


class Registration:
    """Read and change the registry."""

    def __init__(self, door: Door, registry: Registry, fleet: Fleet, opening: Opening, favorites: Favorites) -> None:
        self.contexts = Contexts(door)
        self._favorites = favorites
        self._door = door
        self._registry = registry
        self._fleet = fleet
        self._opening = opening

    def runtimes(self, actor: Actor) -> tuple[RuntimeRow, ...]:
        """List the registered runtimes."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        return tuple(self._row(spec) for spec in self._registry.runtimes())

    def runtime(self, actor: Actor, name: str) -> RuntimeAnswer:
        """Read one runtime."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        spec = self._runtime(name)
        services = tuple(service.name for service in self._registry.services() if service.runtime == name)
        return RuntimeAnswer(row=self._row(spec), entry=plain(spec), services=services)

    def services(self, actor: Actor) -> tuple[ServiceSpec, ...]:
        """List the registered services."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        return self._registry.services()

    def service(self, actor: Actor, name: str) -> dict[str, Any]:
        """Read the entry of one service."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        spec = self._registry.service(name)
        if spec is None:
            raise NotThere(f"There is no service {name[:80]!r}.")
        return plain(spec)

    def problems(self, actor: Actor, section: str, entry: Entry, sent: Mapping[str, str]) -> tuple[Problem, ...]:
        """List what is wrong with an entry that somebody means to write, without changing anything."""
        self._door.administer(actor, actions.REGISTRY_CHANGE, f"{section}/{entry.get('name', '')}"[:200])
        return self._registry.problems(section, entry, sent)

    def put(
        self, actor: Actor, section: str, entry: Entry, sent: Mapping[str, str], *, consent: Consent = UNASKED
    ) -> Done:
        """Create or replace one entry. Raise Rejected."""
        target = f"{section}/{entry.get('name', '')}"[:200]
        leave = self._door.administer(actor, actions.REGISTRY_CHANGE, target)
        with self._door.act(leave, target=target, consent=consent):
            change = self._registry.put(section, entry, sent, by=actor.name)
        self._fleet.refresh()
        return Done(sentence=f"The {change.noun} {change.name} was {change.action}.", targets=(change.name,))

    def remove(self, actor: Actor, section: str, name: str, *, consent: Consent) -> Done:
        """Remove one entry. Raise NotThere, InUse, ConfirmationRequired."""
        target = f"{section}/{name}"
        leave = self._door.administer(actor, actions.REGISTRY_REMOVE, target)
        known = self._registry.state().entries[section].get(name)
        if not isinstance(known, RuntimeBase | ServiceSpec | VpnProfile):
            raise NotThere(f"There is no {NOUNS[section]} {name[:80]!r}.")
        self._registry.demand_unused(section, name)
        if isinstance(known, ServiceSpec):
            leave = leave.on(known)
        asked = Confirmation(hits=lambda: self._hits(known), label=f"Remove {name}")
        with self._door.act(leave, target=target, consent=consent, guards=(asked,)):
            change = self._registry.remove(section, name)
        self._fleet.refresh()
        return Done(sentence=f"The {change.noun} {name} was removed.", targets=(name,))

    def _hits(self, known: ServiceSpec | RuntimeBase | VpnProfile) -> list[str]:
        """Say what goes with an entry; what refers to it has been refused before."""
        if isinstance(known, VpnProfile):
            return [f"the registration of the VPN profile {known.name}", "its stored files are deleted"]
        if not isinstance(known, ServiceSpec):
            registered = f"the registration of the runtime {known.name}; nothing on it is stopped or deleted"
            return [registered, "its stored credentials are deleted", "open pages and logs on it end"]
        stars = self._favorites.count(known.name)
        return [
            f"the registration of the service {known.name}; nothing of it is stopped or deleted",
            "its collected events and figures are deleted; its rows in the audit log stay",
            "open pages and logs of it end",
            *([f"{stars} {'person has' if stars == 1 else 'people have'} it as a favourite"] if stars else []),
        ]

    def export(self, actor: Actor) -> str:
        """Write the registry as YAML."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        return self._registry.export()

    def apply(self, actor: Actor, data: bytes, *, dry_run: bool, consent: Consent = UNASKED) -> Applied:
        """Take a document whole, or say what would change. Files are never read from the server's disk here."""
        if dry_run:
            self._door.administer(actor, actions.REGISTRY_VIEW)
            return self._registry.diff(data, Sent(None))
        leave = self._door.administer(actor, actions.REGISTRY_CHANGE, DOCUMENT)
        with self._door.act(leave, target=DOCUMENT, consent=consent):
            applied = self._registry.apply(data, Sent(None), by=actor.name)
        self._fleet.refresh()
        return applied

    def test(self, actor: Actor, name: str) -> Tested:
        """Open a runtime anew and ask it whether it is there."""
        target = f"runtimes/{name}"
        leave = self._door.administer(actor, actions.REGISTRY_TEST, target)
        spec = self._runtime(name)
        with self._door.act(leave, target=target) as outcome:
            tested = self._tested(spec)
            outcome.detail = tested.sentence
        return tested

    def proposals(self, actor: Actor, name: str) -> tuple[ProposalRow, ...]:
        """List the services that a runtime seems to run."""
        self._door.administer(actor, actions.REGISTRY_VIEW, f"runtimes/{name}")
        self._runtime(name)
        known = {scope_key(service.runtime, service.scope()) for service in self._registry.services()}
        used = {service.name for service in self._registry.services()}
        return tuple(proposed(name, found, known, used) for found in self._fleet.runtime(name).discover())

    def take(
        self, actor: Actor, name: str, wanted: Sequence[str], environment: str, *, consent: Consent = UNASKED
    ) -> Done:
        """Register proposed services by their names."""
        self._door.administer(actor, actions.REGISTRY_CHANGE, f"runtimes/{name}")
        rows = {row.name: row for row in self.proposals(actor, name)}
        chosen = [rows[one] for one in wanted[:TAKEN_MAX] if one in rows and not rows[one].taken]
        if not chosen:
            problem = Problem(field="names", sentence="None of these is proposed, or all are registered already.")
            raise Rejected("Nothing was registered.", [problem], hint="Reload the proposals.")
        for row in chosen:
            extra = {"environment": environment} if environment else {}
            self.put(actor, "services", {**row.entry, **extra}, {}, consent=consent)
        names = tuple(row.name for row in chosen)
        return Done(sentence=f"Registered: {', '.join(names)}.", targets=names)

    def _tested(self, spec: RuntimeSpec) -> Tested:
        try:
            opened = self._opening.open_spec(spec)
        except (RuntimeProblem, ConnectionProblem) as problem:
            return Tested(ok=False, sentence=problem.sentence, hint=problem.hint)
        try:
            opened.runtime.check()
        except (RuntimeProblem, ConnectionProblem) as problem:
            return Tested(ok=False, sentence=problem.sentence, hint=problem.hint)
        else:
            return answered(opened)
        finally:
            opened.runtime.close()
            opened.connection.close()

    def _runtime(self, name: str) -> RuntimeSpec:
        spec = self._registry.runtime(name)
        if spec is None:
            raise NotThere(f"There is no runtime {name[:80]!r}.", hint="The registry page lists those that are.")
        return spec

    def _row(self, spec: RuntimeSpec) -> RuntimeRow:
        opened, problem = self._fleet.opened(spec.name), self._fleet.problem(spec.name)
        identity = opened.runtime.identity if opened else None
        answered = f"{identity.program} {identity.version} answers." if identity else ""
        return RuntimeRow(
            name=spec.name,
            kind=spec.kind,
            address=getattr(spec, "socket", "")
            or ("in cluster" if getattr(spec, "in_cluster", False) else "kubeconfig"),
            connections=tuple(f"{way.name} ({way.kind})" for way in spec.ways()),
            services=sum(1 for service in self._registry.services() if service.runtime == spec.name),
            state="open" if opened else "failed" if problem else "unknown",
            sentence=answered or (problem.sentence if problem else ""),
            hint=problem.hint if problem else "",
            simulated=identity.simulated if identity else False,
        )
