"""What a running openvpn says, read: its states, what a server pushed, and why it was not let in.

Pure. Lines are those of the management interface (management-notes.txt of OpenVPN 2.6) and of its log at verb 3; what
is not known here is left alone. Words of the far side are never repeated beyond REASON_MAX_CHARS printable characters.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

REASON_MAX_CHARS = 150
PUSHED = re.compile(r"PUSH: Received control message: 'PUSH_REPLY,(.*)'")
REASONS: tuple[tuple[re.Pattern[str], str, bool], ...] = (
    (re.compile(r"AUTH_FAILED,?(.*)"), "it refuses the name and password{}", True),
    (re.compile(r"VERIFY X509NAME ERROR"), "its certificate has another name than the profile awaits", False),
    (re.compile(r"VERIFY ERROR: depth=\d+, error=([^:,]*)"), "its certificate is not accepted{}", False),
    (re.compile(r"VERIFY (?:KU|EKU) ERROR"), "its certificate is none of a server (remote-cert-tls)", False),
    (
        re.compile(r"alert (unknown ca|certificate \w+|bad certificate|access denied)"),
        "it refuses the certificate of the profile{}",
        True,
    ),
    (
        re.compile(r"tls-crypt unwrap error|packet authentication failed|incoming packet authentication"),
        "its key of tls-auth or tls-crypt is another than the profile's",
        True,
    ),
    (re.compile(r"Options error: (.*)"), "openvpn does not take the profile{}", True),
)
"""A line of the log, the reason that it means, and whether it is about who we are."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a server was not joined: the end of a sentence, and whether it refused us."""

    words: str
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One line `>STATE:`; `port` is that of the far end, 0 where none is said."""

    name: str
    reason: str
    address: str
    port: int


def reason_of(line: str) -> Reason | None:
    """Read why from a line of the log; None where it says nothing about it."""
    for pattern, words, refused in REASONS:
        if found := pattern.search(line):
            told = _plain(found[1]) if pattern.groups and found[1] else ""
            return Reason(words.replace("{}", f" ({told})" if told else ""), refused)
    return None


def state_of(line: str) -> State | None:
    """Read `>STATE:time,name,reason,address,far address,far port,…`; None for other lines."""
    if not line.startswith(">STATE:"):
        return None
    parts = [*line.removeprefix(">STATE:").split(","), *[""] * 6]
    return State(name=parts[1], reason=parts[2], address=parts[3], port=int(parts[5]) if parts[5].isdigit() else 0)


def pushed_of(line: str) -> tuple[str, ...] | None:
    """Read the networks that a server pushed, its own among them; None for other lines. The rest is left alone."""
    found = PUSHED.search(line)
    if found is None:
        return None
    networks = [_network(option.split()) for option in found[1].split(",")]
    return tuple(network for network in networks if network)


def _network(words: list[str]) -> str:
    """Write what an option names as a network; "" for options that name none, or none that could be."""
    match words:
        case ["route", network]:
            named = network
        case ["route", network, mask, *_]:
            named = f"{network}/{mask}"
        case ["ifconfig", address, mask] if mask.startswith("255."):
            named = f"{address}/{mask}"
        case ["ifconfig", _, peer]:
            named = peer
        case ["route-ipv6" | "ifconfig-ipv6", network, *_]:
            named = network
        case _:
            return ""
    try:
        return str(ipaddress.ip_network(named, strict=False))
    except ValueError:
        return ""


def _plain(words: str) -> str:
    return "".join(each for each in words.strip() if each.isprintable())[:REASON_MAX_CHARS]
