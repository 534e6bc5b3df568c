"""Addresses and networks as people and proxies write them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Read networks and single addresses. Raise ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


def address_in(text: str) -> Address | None:
    """Read an address, also with a port (`192.0.2.1:1234`, `[2001:db8::1]:1234`) or mapped into IPv6."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def place_of(address: str) -> str:
    """Give what counts as one place: an address, and of IPv6 its /64, as large as what one person is given."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if known.version == 6 and known.ipv4_mapped is None:
        return str(ip_network((known, 64), strict=False))
    return address
