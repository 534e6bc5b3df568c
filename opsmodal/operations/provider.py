"""Register, test and remove the OpenID provider that people may sign in with. For administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import NotThere, Problem
from opsmodal.oidc import Client, ProviderAway
from opsmodal.operations.door import Door
from opsmodal.operations.guards import UNASKED, Confirmation, Consent
from opsmodal.operations.registered import Tested
from opsmodal.permissions import Actor
from opsmodal.registry.reading import plain
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import OidcSpec

SECTION = "oidc"
HITS = (
    "the registration of the provider; its stored secret is deleted",
    "nobody signs in with it any more; users and their ties to it stay",
    "open sessions that it began lose the rights that its groups gave",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """The provider: its entry as in the document, files by name and fingerprint; empty where none is registered."""

    registered: bool
    entry: dict[str, Any]


class ProviderRegistration:
    """Read and change the entry of the provider."""

    def __init__(self, door: Door, registry: Registry) -> None:
        self._door = door
        self._registry = registry

    def read(self, actor: Actor) -> ProviderAnswer:
        """Read the entry."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        spec = self._registry.oidc()
        return ProviderAnswer(registered=spec is not None, entry=plain(spec) if spec else {})

    def problems(self, actor: Actor, entry: Mapping[str, Any], sent: Mapping[str, str]) -> tuple[Problem, ...]:
        """List what is wrong with an entry that somebody means to write, without changing anything."""
        self._door.administer(actor, actions.REGISTRY_CHANGE, SECTION)
        return self._registry.problems(SECTION, entry, sent)

    def put(
        self, actor: Actor, entry: Mapping[str, Any], sent: Mapping[str, str], *, consent: Consent = UNASKED
    ) -> Done:
        """Create or replace the entry. Raise Rejected."""
        leave = self._door.administer(actor, actions.REGISTRY_CHANGE, SECTION)
        with self._door.act(leave, target=SECTION, consent=consent):
            change = self._registry.put(SECTION, entry, sent, by=actor.name)
        return Done(sentence=f"The {change.noun} was {change.action}.", targets=(SECTION,))

    def remove(self, actor: Actor, *, consent: Consent) -> Done:
        """Remove the entry. Raise NotThere or ConfirmationRequired."""
        leave = self._door.administer(actor, actions.REGISTRY_REMOVE, SECTION)
        self._registered()
        asked = Confirmation(hits=lambda: HITS, label="Remove the OpenID provider")
        with self._door.act(leave, target=SECTION, consent=consent, guards=(asked,)):
            change = self._registry.remove(SECTION, SECTION)
        return Done(sentence=f"The {change.noun} was removed.", targets=(SECTION,))

    def test(self, actor: Actor) -> Tested:
        """Ask the provider for what it says of itself and for its keys."""
        leave = self._door.administer(actor, actions.REGISTRY_TEST, SECTION)
        spec = self._registered()
        with self._door.act(leave, target=SECTION) as outcome:
            tested = self._tested(spec)
            outcome.detail = tested.sentence
        return tested

    def _tested(self, spec: OidcSpec) -> Tested:
        ca = self._registry.credential(SECTION, SECTION, "caFile") if spec.ca_file else None
        try:
            facts = Client.made(spec, ca=ca or "").facts()
        except ProviderAway as problem:
            return Tested(ok=False, sentence=problem.sentence, hint=problem.hint)
        return Tested(ok=True, sentence=f"{spec.issuer} answers.", facts=facts)

    def _registered(self) -> OidcSpec:
        spec = self._registry.oidc()
        if spec is None:
            raise NotThere("There is no provider registered.", hint="PUT one, or apply a document with “oidc”.")
        return spec
