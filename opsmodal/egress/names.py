"""Asks DNS for a name, within a time, and reads addresses only as they are written in full.

The system's own resolver is not asked: it takes `127.1`, `0x7f000001` and `2130706433` for addresses, knows names that
only this machine has, and gives no time limit. What everybody else is told is what is wanted here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.name
import dns.resolver

from opsmodal.egress.problems import MISSING_HINT, EgressProblem
from opsmodal.networks import Address

LOOKUP_S = 4.0
"""For each of the two questions."""
ADDRESSES_MAX = 16
NAME_MAX_CHARS = 253
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
"""RFC 1035, and the underscores that there are. Kubernetes takes labels of more than 63 characters for hosts; TLS and
HTTP fail on them, and on blanks, with errors of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What DNS says of a name: its addresses, and the name it stands for, "" where it has records of its own."""

    name: str
    addresses: tuple[Address, ...]
    stands_for: str = ""


def look_up(name: str, resolver: dns.resolver.Resolver | None = None) -> Looked:
    """Ask DNS for a name, once. Raise EgressProblem `no-name` for what is none, `no-answer`, or `dns`."""
    plain = _plain(name)
    if plain is not None:
        return Looked(name=name, addresses=(plain,))
    asked, found, stands_for = _dns_name(name), list[Address](), ""
    for kind in ("A", "AAAA"):
        try:
            answer = _asked(asked, name, kind, resolver)
        except EgressProblem:
            if not found:
                raise
            break  # a name server that knows no AAAA at all has answered for A
        if answer.rrset is not None:
            found += [ip_address(record.to_text()) for record in answer.rrset]
            canonical = answer.canonical_name.to_text(omit_final_dot=True)
            stands_for = canonical if canonical.lower() != name.lower().rstrip(".") else stands_for
    if not found:
        raise EgressProblem(f"DNS has no address for {name}.", kind="no-answer", hint=MISSING_HINT)
    return Looked(name=name, addresses=tuple(found[:ADDRESSES_MAX]), stands_for=stands_for)


def _asked(asked: dns.name.Name, name: str, kind: str, resolver: dns.resolver.Resolver | None) -> dns.resolver.Answer:
    try:
        own = resolver or dns.resolver.Resolver()
        return own.resolve(asked, kind, lifetime=LOOKUP_S, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN as error:
        raise EgressProblem(f"DNS knows no {name}.", kind="no-answer", hint=MISSING_HINT) from error
    except dns.exception.DNSException as error:
        hint = "Look at the name servers of the machine that opsmodal runs on."
        raise EgressProblem(f"DNS gives no answer for {name} just now.", kind="dns", hint=hint) from error


def _plain(name: str) -> Address | None:
    try:
        return ip_address(name.strip("[]"))
    except ValueError:
        return None


def demand_name(name: str) -> None:
    """Raise EgressProblem `no-name` for what is neither an address nor a name that could be in DNS."""
    if _plain(name) is None:
        _dns_name(name)


def _dns_name(name: str) -> dns.name.Name:
    last = name.rstrip(".").rpartition(".")[2]
    # No top-level domain begins with a digit.
    if len(name) > NAME_MAX_CHARS or not _NAME.fullmatch(name) or last[0].isdigit():
        raise EgressProblem(f"{name[:NAME_MAX_CHARS]!r} is no name that DNS could know.", kind="no-name")
    return dns.name.from_text(name)
