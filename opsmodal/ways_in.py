"""Puts the ways in together: a password or a link, the registered provider, a proxy in front. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsmodal.audit import Audit
from opsmodal.networks import networks
from opsmodal.operations.named import NamedSigning
from opsmodal.operations.oidc import OidcSigning
from opsmodal.operations.signing import Signing
from opsmodal.people import People
from opsmodal.people.identities import Identities
from opsmodal.people.once import Once
from opsmodal.registry.registry import Registry
from opsmodal.settings import Settings
from opsmodal.store import Store, Vault
from opsmodal.web.named import Application, Named


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysIn:
    """The operations by which somebody becomes known."""

    signing: Signing
    oidc: OidcSigning
    named: NamedSigning


def ways_in(
    settings: Settings, store: Store, vault: Vault, *, people: People, registry: Registry, audit: Audit
) -> WaysIn:
    """Make them over one store."""
    signing = Signing(people, registry, audit, digest=vault.fingerprint, takes_passwords=settings.sign_in_password)
    identities = Identities(store)
    shared: dict[str, Any] = {"signing": signing, "registry": registry, "audit": audit, "people": people}
    return WaysIn(
        signing=signing,
        oidc=OidcSigning(identities=identities, once=Once(store), vault=vault, **shared),
        named=NamedSigning(identities=identities, create=settings.sign_in_header_create, **shared),
    )


def behind_proxy(application: Application, settings: Settings) -> Application:
    """Let a proxy name people, where that is set; must come before anything that changes the peer's address."""
    if not settings.sign_in_header:
        return application
    return Named(
        application,
        header=settings.sign_in_header,
        groups=settings.sign_in_header_groups,
        believed=networks(settings.sign_in_header_from),
    )
