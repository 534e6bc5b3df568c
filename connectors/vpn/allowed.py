"""Which addresses may be sent into a tunnel: what the admin wrote, else what the profile names.

Pure. Never everything unasked: a default route counts only when it was written down by the admin, and two halves of
everything are a default route too. The machine's own loopback, multicast and link-local addresses are never part of a
tunnel.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.errors import NotAvailable, WrongRoute

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Allowed:
    """The networks of one tunnel; `profile` is its name for sentences."""

    profile: str
    networks: tuple[Network, ...]

    def judge(self, host: str) -> Address:
        """Give the address `host` is. Raise WrongRoute for one outside, ValueError for a name."""
        address = ipaddress.ip_address(host)
        address = getattr(address, "ipv4_mapped", None) or address  # the kernel dials ::ffff:127.0.0.1 as 127.0.0.1
        if address.is_loopback or address.is_multicast or address.is_link_local or address.is_unspecified:
            raise WrongRoute(
                f"{address} means this machine or its own network, never something behind the tunnel {self.profile}.",
                hint="Register the address that the target has inside the VPN.",
            )
        if not any(address in network for network in self.networks):
            raise WrongRoute(
                f"{address} does not lie in the networks of the tunnel {self.profile}: {self.shown()}.",
                hint="Add its network to allowedNetworks of the profile, or choose another connection.",
            )
        return address

    def shown(self) -> str:
        """Name the networks in a list that fits a sentence."""
        names = [str(network) for network in self.networks]
        return ", ".join([*names[:SHOWN], f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else names) or "none"


SHOWN = 6


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks; those of one family that lie together become one."""
    read = [ipaddress.ip_network(text.strip(), strict=False) for text in texts]
    fours = ipaddress.collapse_addresses(net for net in read if isinstance(net, ipaddress.IPv4Network))
    sixes = ipaddress.collapse_addresses(net for net in read if isinstance(net, ipaddress.IPv6Network))
    return (*fours, *sixes)


def allowed(profile: str, *, written: Sequence[str], offered: Iterable[str]) -> Allowed:
    """Give what may be sent: `written` by the admin, else what the profile `offered` without a default route.

    Raise NotAvailable when that is nothing.
    """
    if written:
        return Allowed(profile, networks_of(written))
    networks = networks_of(offered)
    kept = tuple(network for network in networks if network.prefixlen)
    if not kept and networks:
        raise NotAvailable(
            f"The VPN profile {profile} would send everything through the tunnel.",
            hint="Write into allowedNetworks what is to be reached through it; 0.0.0.0/0 stands there for everything.",
        )
    if not kept:
        raise NotAvailable(
            f"The VPN profile {profile} names no network behind the tunnel.",
            hint="Write into allowedNetworks what is to be reached through it.",
        )
    return Allowed(profile, kept)
