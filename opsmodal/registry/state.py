"""The registry as one value: every entry by section and name, in order. Frozen; a change makes another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from opsmodal.registry.hostkeys import Trusted
from opsmodal.registry.reading import SECTIONS
from opsmodal.registry.rights import together
from opsmodal.registry.schema import (
    API_VERSION,
    Document,
    GrantSpec,
    GroupSpec,
    OidcSpec,
    RuntimeSpec,
    ServiceSpec,
    Spec,
    VpnProfile,
)

Entries = Mapping[str, Mapping[str, Spec]]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All entries. Grants stand by the name of `rights.name_of`, one target each."""

    version: int = 0
    entries: Entries = field(default_factory=lambda: {section: {} for section in SECTIONS})
    host_keys: tuple[Trusted, ...] = ()

    def with_entries(self, wanted: Entries) -> State:
        """Give the state that an upsert leads to."""
        merged = {section: {**self.entries[section], **wanted.get(section, {})} for section in SECTIONS}
        return State(version=self.version, entries=merged, host_keys=self.host_keys)

    @property
    def runtimes(self) -> Mapping[str, RuntimeSpec]:
        """Give the runtimes by name."""
        return cast("Mapping[str, RuntimeSpec]", self.entries["runtimes"])

    @property
    def services(self) -> Mapping[str, ServiceSpec]:
        """Give the services by name."""
        return cast("Mapping[str, ServiceSpec]", self.entries["services"])

    @property
    def vpn_profiles(self) -> Mapping[str, VpnProfile]:
        """Give the VPN profiles by name."""
        return cast("Mapping[str, VpnProfile]", self.entries["vpnProfiles"])

    @property
    def groups(self) -> Mapping[str, GroupSpec]:
        """Give the groups by name."""
        return cast("Mapping[str, GroupSpec]", self.entries["groups"])

    @property
    def grants(self) -> Mapping[str, GrantSpec]:
        """Give the grants, one target each."""
        return cast("Mapping[str, GrantSpec]", self.entries["grants"])

    @property
    def oidc(self) -> OidcSpec | None:
        """Give the OpenID provider; None where nobody signs in by one."""
        return cast("Mapping[str, OidcSpec]", self.entries["oidc"]).get("oidc")

    def document(self) -> Document:
        """Give everything as a document, grants put together."""
        return Document(
            api_version=cast("Any", API_VERSION),
            vpn_profiles=tuple(self.vpn_profiles.values()),
            runtimes=tuple(self.runtimes.values()),
            services=tuple(self.services.values()),
            groups=tuple(self.groups.values()),
            grants=tuple(together(self.grants.values())),
            oidc=self.oidc,
        )

    def users_of(self, section: str, name: str) -> Iterator[str]:
        """Say what refers to an entry, in words."""
        if section == "runtimes":
            yield from (f"service {one.name}" for one in self.services.values() if one.runtime == name)
        if section == "vpnProfiles":
            for runtime in self.runtimes.values():
                ways = (way for way in runtime.connections if getattr(way, "profile", None) == name)
                yield from (f"connection {way.name} of runtime {runtime.name}" for way in ways)
        for grant_name, grant in self.grants.items():
            if name in {"services": grant.services, "runtimes": grant.runtimes, "groups": (grant.group,)}.get(
                section, ()
            ):
                yield f"grant of {grant.role} to {grant_name}"
