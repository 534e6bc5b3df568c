"""Judges VPN profiles when they are registered: what the entry says, what its file says, and two profiles together.

Pure. The file is read as whoever brings the tunnel up will read it, so what would be refused then is refused now, with
its line. Nothing is brought up and no name is looked up.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations

from connectors.errors import NotAvailable
from connectors.vpn import openvpn_profile, wireguard_profile
from connectors.vpn.allowed import allowed
from connectors.vpn.openvpn_profile import OpenVpnProfile
from connectors.vpn.profile import BadProfile
from connectors.vpn.wireguard_profile import WireGuardProfile
from opsmodal.registry.schema import VpnProfile

Wrong = tuple[str, str, str]
"""The key of the entry that is wrong ("" for the entry itself), a sentence, and a hint."""
LOGIN_LINES = 2
OVERLAPS_MAX = 10
"""Warnings about profiles that overlap; more would hide the others."""


def entry_wrong(spec: VpnProfile) -> Iterator[Wrong]:
    """Tell what of an entry does not go together."""
    managed = spec.mode == "managed"
    if managed and spec.config_file is None:
        yield (
            "configFile",
            f"The VPN profile {spec.name} has no configFile, and opsmodal is to bring it up.",
            "Give its file, or mode: external for a tunnel that others keep up.",
        )
    if managed and spec.interface:
        hint = "Remove it, or give mode: external."
        yield "interface", "A managed tunnel chooses its interface itself: “interface” is for external ones.", hint
    if not managed and not spec.interface and not spec.allowed_networks:
        yield (
            "interface",
            f"Nothing says where the external tunnel {spec.name} comes out.",
            "Give its interface (wg0), its allowedNetworks, or both.",
        )
    if spec.kind == "wireguard" and spec.auth_file is not None:
        yield "authFile", "WireGuard knows no name and password: “authFile” is for openvpn.", "Remove it."
    for number, text in enumerate(spec.allowed_networks):
        if mistaken := network_wrong(text):
            yield f"allowedNetworks[{number}]", *mistaken


def network_wrong(text: str) -> tuple[str, str] | None:
    """Say why a text is no network that could be routed; None when it is one."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        pass
    else:
        return None
    with suppress(ValueError):
        meant = ipaddress.ip_network(text, strict=False)
        return f"{text} is an address inside of a network, not a network.", f"Write {meant}, or the address alone."
    return f"{text} is no network.", "Write it as 10.8.0.0/24 or fd00:8::/64."


def files_wrong(spec: VpnProfile, config: str | None, login: str | None) -> Iterator[Wrong]:
    """Tell what is wrong with the texts of a profile's files, where they are at hand."""
    if login is not None and not _is_login(login):
        yield "authFile", "The authFile does not hold a name and a password.", "Write each on a line of its own."
    if config is None:
        return
    try:
        if spec.kind == "openvpn":
            yield from _openvpn_wrong(spec, openvpn_profile.read(config))
        else:
            yield from _wireguard_wrong(spec, wireguard_profile.read(config))
    except BadProfile as bad:
        yield "configFile", bad.sentence, bad.hint


def _openvpn_wrong(spec: VpnProfile, profile: OpenVpnProfile) -> Iterator[Wrong]:
    if spec.mode == "managed" and profile.needs_login and spec.auth_file is None:
        yield (
            "authFile",
            "The server of this profile asks for a name and a password (auth-user-pass).",
            "Give an authFile with both, each on a line of its own.",
        )


def _wireguard_wrong(spec: VpnProfile, profile: WireGuardProfile) -> Iterator[Wrong]:
    if spec.mode == "external":
        return
    if not any(peer.endpoint for peer in profile.peers):
        hint = "Give the Endpoint of a peer: vpn.example.org:51820."
        yield "configFile", "No peer of this profile has an Endpoint: there is nobody to call.", hint
    if not spec.allowed_networks:
        try:
            allowed(spec.name, written=(), offered=_behind(profile))
        except NotAvailable as problem:
            yield "allowedNetworks", problem.sentence, problem.hint


def file_warnings(spec: VpnProfile, config: str | None) -> Iterator[str]:
    """Say what a profile's file allows and probably does not mean."""
    if config is None or spec.mode == "external":
        return
    with suppress(BadProfile):
        if spec.kind == "openvpn":
            yield from (f"The VPN profile {spec.name}: {each}" for each in openvpn_profile.read(config).warnings)
        else:
            yield from _not_carried(spec, wireguard_profile.read(config))


def _not_carried(spec: VpnProfile, profile: WireGuardProfile) -> Iterator[str]:
    behind = [_network(text) for text in _behind(profile)]
    for text in spec.allowed_networks:
        wanted = _network(text)
        if wanted is not None and not any(each is not None and each.overlaps(wanted) for each in behind):
            yield f"The VPN profile {spec.name}: no peer's AllowedIPs hold {text}, so nothing there is reached."


def overlapping(profiles: Mapping[str, VpnProfile], touched: Sequence[str]) -> Iterator[str]:
    """Say which external tunnels claim the same addresses: only one of them can have the route.

    Managed ones each have a network of their own and cannot meet.
    """
    external = [one for one in profiles.values() if one.mode == "external" and one.allowed_networks]
    told = 0
    for one, other in combinations(external, 2):
        if {one.name, other.name}.isdisjoint(touched) or told >= OVERLAPS_MAX:
            continue
        shared = _shared(one.allowed_networks, other.allowed_networks)
        if shared:
            told += 1
            yield (
                f"The VPN profiles {one.name} and {other.name} both lead to {shared}: this machine routes an address "
                "through one of them only, and the other one refuses it."
            )


def _shared(ones: Sequence[str], others: Sequence[str]) -> str:
    for one in map(_network, ones):
        for other in map(_network, others):
            if one is not None and other is not None and one.overlaps(other):
                return str(max(one, other, key=lambda network: network.prefixlen))
    return ""


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    with suppress(ValueError):
        return ipaddress.ip_network(text)
    return None


def _behind(profile: WireGuardProfile) -> list[str]:
    return [network for peer in profile.peers for network in peer.allowed_ips]


def _is_login(text: str) -> bool:
    lines = text.splitlines()
    return len(lines) >= LOGIN_LINES and all(lines[:LOGIN_LINES]) and not any(lines[LOGIN_LINES:])
