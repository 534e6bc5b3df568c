"""Which addresses are reached at all. Pure.

Judged is the address that will be connected to, in every form that it has: an IPv6 address may hold an IPv4 one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, ip_network

from opsmodal.networks import Address, Network

METADATA: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in ("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32")
)
"""Where clouds tell a machine its own credentials (AWS, Google and Azure; Alibaba; Azure's wire server; Oracle; AWS by
IPv6): never reached, whatever is allowed. Some of them are private or public addresses like any other."""
INSIDE: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("fc00::/7", "fec0::/10", "64:ff9b:1::/48"),
    )
)
"""RFC 1918, RFC 6598, RFC 4193, what was there before it (RFC 3879), and translation of a network's own (RFC 8215), in
which an IPv4 address may stand anywhere: reached where an administrator allows them."""
NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("::ffff:0:0:0/96"))
"""RFC 6052, RFC 8215 and RFC 2765: the last four bytes are an IPv4 address."""
LOW_BITS = 0xFFFFFFFF


def refusal(address: Address, allowed: Sequence[Network] = ()) -> str:
    """Say why an address is not reached ("is this machine itself"), "" where it may be."""
    return next((why for each in (address, *_within(address)) if (why := _refusal(each, allowed))), "")


def _refusal(address: Address, allowed: Sequence[Network]) -> str:
    if _among(address, METADATA):
        return "is where a cloud tells a machine its credentials, or a link of this machine"
    if address.is_loopback or address.is_unspecified:
        return "is this machine itself"
    if address.is_link_local:
        return "is on a link of this machine"
    if address.is_multicast:
        return "is for many machines at once"
    if _among(address, INSIDE):
        return "" if _among(address, allowed) else "is in a private network"
    embedded = next(_within(address), None)
    # A mapped address is no global one by itself: what it stands for is judged in its place.
    return "" if address.is_global or embedded is not None else "is reserved: nobody on the Internet has it"


def _among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _within(address: Address) -> Iterator[IPv4Address]:
    """Give the IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64, and the old `::1.2.3.4`."""
    if isinstance(address, IPv4Address):
        return
    held = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if _among(address, NAT64) or int(address) >> 32 == 0:
        held.append(IPv4Address(int(address) & LOW_BITS))
    yield from (each for each in held if each is not None)
