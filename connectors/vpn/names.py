"""Names behind a tunnel, asked of the profile's own servers and through the tunnel only.

Where a profile has such servers, the machine's resolver is never asked: it would tell people outside which names are
reached inside, and may know others by the same name. A name whose addresses all lie outside the tunnel's networks is
refused like such an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from connectors.errors import Unreachable, WrongRoute
from connectors.vpn.allowed import Address, Allowed

NAME_S = 5.0


def first(addresses: Sequence[str], allowed: Allowed) -> Address:
    """Give the first address that lies in the tunnel's networks. Raise WrongRoute where none does."""
    for address in addresses:
        with suppress(WrongRoute):
            return allowed.judge(address)
    return allowed.judge(addresses[0])


def look_up(host: str, servers: Sequence[str], allowed: Allowed, *, timeout_s: float) -> Address:
    """Ask for a name's addresses, and give the first that may be dialled. Raise WrongRoute or Unreachable."""
    import dns.exception
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = list(servers)
    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            answer = resolver.resolve(host, kind, lifetime=min(timeout_s, NAME_S), search=False)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
        except dns.exception.DNSException:
            raise Unreachable(
                f'The DNS of the tunnel {allowed.profile} ({", ".join(servers)}) did not say what "{host}" is.',
                hint="The tunnel may be down, or the DNS server; an address works without it.",
            ) from None
        found += [row.to_text() for row in answer]
        with suppress(WrongRoute, IndexError):
            return first(found, allowed)
    if found:
        return first(found, allowed)
    raise Unreachable(
        f'The DNS of the tunnel {allowed.profile} knows no address of "{host}".', hint="Check the spelling of the name."
    )
