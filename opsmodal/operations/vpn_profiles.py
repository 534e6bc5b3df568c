"""Read the registered VPN profiles, for administrators. They are written and removed as every entry (registration)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsmodal import actions
from opsmodal.errors import NotThere
from opsmodal.operations.door import Door
from opsmodal.permissions import Actor
from opsmodal.registry.reading import plain
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import VpnProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class VpnProfileRow:
    """One registered profile. `networks` are those written here, `used_by` the runtimes that go through it."""

    name: str
    kind: str
    mode: str
    networks: tuple[str, ...]
    interface: str
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VpnProfileAnswer:
    """One profile: its row, and its entry as in the document (files by name and fingerprint)."""

    row: VpnProfileRow
    entry: dict[str, Any]


class VpnProfiles:
    """Read VPN profiles."""

    def __init__(self, door: Door, registry: Registry) -> None:
        self._door = door
        self._registry = registry

    def rows(self, actor: Actor) -> tuple[VpnProfileRow, ...]:
        """List the profiles."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        return tuple(self._row(spec) for spec in self._registry.vpn_profiles())

    def profile(self, actor: Actor, name: str) -> VpnProfileAnswer:
        """Read one profile. Raise NotThere."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        spec = self._registry.vpn_profile(name)
        if spec is None:
            hint = "The registry page lists those that are."
            raise NotThere(f"There is no VPN profile {name[:80]!r}.", hint=hint)
        return VpnProfileAnswer(row=self._row(spec), entry=plain(spec))

    def _row(self, spec: VpnProfile) -> VpnProfileRow:
        runtimes = self._registry.runtimes()
        users = (one.name for one in runtimes for way in one.connections if getattr(way, "profile", "") == spec.name)
        return VpnProfileRow(
            name=spec.name,
            kind=spec.kind,
            mode=spec.mode,
            networks=spec.allowed_networks,
            interface=spec.interface,
            used_by=tuple(dict.fromkeys(users)),
        )
