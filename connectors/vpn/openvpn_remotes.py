"""Where an OpenVPN profile leads: its servers, and the networks that it names.

A value that is not understood is refused, never guessed: a host that begins like an option, a port by name, a route
that goes out beside the tunnel.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

from connectors.vpn.profile import BadProfile, is_address, is_host, port_of

Proto = Literal["udp", "udp4", "udp6", "tcp", "tcp4", "tcp6"]
PROTOS: dict[str, Proto] = {
    "udp": "udp",
    "udp4": "udp4",
    "udp6": "udp6",
    **dict.fromkeys(("tcp", "tcp-client"), "tcp"),
    **dict.fromkeys(("tcp4", "tcp4-client"), "tcp4"),
    **dict.fromkeys(("tcp6", "tcp6-client"), "tcp6"),
}
DEFAULT_PORT = 1194
REMOTES_MAX = 64


@dataclass(frozen=True, slots=True)
class Remote:
    """A server that the profile names."""

    host: str
    port: int
    proto: Proto


def keep(base: dict[str, str], line: int, name: str, rest: list[str]) -> None:
    """Put what `proto`, `port` or `rport` says into `base`. Raise BadProfile."""
    value = one_of(line, name, rest, tuple(PROTOS)) if name == "proto" else (rest[0] if len(rest) == 1 else "")
    if name != "proto" and port_of(value) is None:
        raise BadProfile(f"Line {line} of the profile: {name} is no port.", hint="Write it as 1194.", line=line)
    base["proto" if name == "proto" else "port"] = value


def demand_tun(line: int, rest: list[str]) -> None:
    """Raise BadProfile for a device that is no routed tunnel."""
    if len(rest) != 1 or not rest[0].startswith("tun"):
        raise BadProfile(
            f"Line {line} of the profile: only routed tunnels (dev tun) are taken.",
            hint="A bridged tunnel (dev tap) would join the network of this machine; ask for a routed one.",
            line=line,
        )


def one_of(line: int, name: str, rest: list[str], allowed: tuple[str, ...]) -> str:
    """Give the one word of a directive. Raise BadProfile where it is not one of those allowed."""
    if len(rest) != 1 or rest[0] not in allowed:
        raise BadProfile(
            f"Line {line} of the profile: {name} has a value that is not taken.",
            hint=f"It takes {', '.join(allowed)}.",
            line=line,
        )
    return rest[0]


def route_of(line: int, name: str, rest: list[str]) -> str:
    """Read `route network [netmask [gateway [metric]]]`, for IPv6 `network/prefix`, as a network. Raise BadProfile."""
    try:
        if any(gateway not in {"vpn_gateway", "default"} for gateway in rest[2 if name == "route" else 1 :][:1]):
            raise ValueError
        mask = rest[1] if len(rest) > 1 and name == "route" and rest[1] != "default" else "255.255.255.255"
        if name == "route":
            return str(ipaddress.IPv4Network(f"{rest[0]}/{mask}"))
        return str(ipaddress.IPv6Network(rest[0]))
    except (ValueError, IndexError):
        raise BadProfile(
            f"Line {line} of the profile: {name} names no network that could be sent into the tunnel.",
            hint="Write it as: route 10.0.0.0 255.255.255.0. Names, net_gateway and other gateways are not taken.",
            line=line,
        ) from None


def remote_of(line: int, words: list[str], base: dict[str, str]) -> Remote:
    """Read `remote host [port [proto]]`; `base` has what holds where it is silent. Raise BadProfile."""
    host, port, proto = (*words[:3], *("", "", "")[len(words[:3]) :])
    number = port_of(port or base.get("port", str(DEFAULT_PORT)))
    known = PROTOS.get(proto or base.get("proto", "udp"))
    if len(words) > 3 or not is_host(host) or number is None or known is None:
        raise BadProfile(
            f"Line {line} of the profile: remote is not of the form host port protocol.",
            hint="Write it as: remote vpn.example.org 1194 udp",
            line=line,
        )
    return Remote(str(ipaddress.ip_address(host)) if is_address(host) else host, number, known)
