"""Reads WireGuard profiles as wg-quick has them, and refuses what would run a program or change this machine.

Pure: nothing is opened, resolved or brought up. Values as wg(8) and wg-quick(8) say; each is checked and none is
passed on as it came.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.vpn.profile import PORT_MAX, BadProfile, is_address, is_host, port_of, shown, whole
from connectors.vpn.wireguard_sections import INTERFACE, PEER, WHOLE_FILE, Section, sections_of

KEY_BYTES = 32
PEERS_MAX = 256
MTU_MIN, MTU_MAX = 576, 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The far end. `endpoint` is host:port or [address]:port, "" where only the peer calls; `allowed_ips` networks."""

    public_key: str
    preshared_key: str = field(default="", repr=False)
    endpoint: str = ""
    allowed_ips: tuple[str, ...] = ()
    keepalive_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuardProfile:
    """A profile: `addresses` with their prefix, `dns` addresses only, 0 for an MTU or a port that is not given."""

    private_key: str = field(repr=False)
    addresses: tuple[str, ...]
    dns: tuple[str, ...] = ()
    mtu: int = 0
    listen_port: int = 0
    peers: tuple[Peer, ...] = ()


def read(text: str) -> WireGuardProfile:
    """Read a profile. Raise BadProfile with the line that is wrong or refused."""
    sections = sections_of(text)
    interfaces = [section for section in sections if section.kind == INTERFACE]
    peers = [section for section in sections if section.kind == PEER]
    if len(interfaces) != 1:
        raise BadProfile("A profile has one [Interface] section.", hint=WHOLE_FILE, line=_second(interfaces))
    if not peers:
        raise BadProfile("The profile has no [Peer] section: there is nobody to connect to.", hint=WHOLE_FILE)
    if len(peers) > PEERS_MAX:
        raise BadProfile(f"The profile has more than {PEERS_MAX} peers.", hint="Give the profile of a client.")
    return _profile(interfaces[0], _distinct(peers))


def _profile(section: Section, peers: tuple[Peer, ...]) -> WireGuardProfile:
    addresses = tuple(_address(line, item) for line, item in section.lists.get("address", ()))
    if not addresses:
        raise BadProfile(
            "[Interface] has no Address.", hint="Add the tunnel's own address, as 10.0.0.2/32.", line=section.line
        )
    return WireGuardProfile(
        private_key=_demanded_key(section, "privatekey", "PrivateKey"),
        addresses=addresses,
        dns=tuple(item for line, item in section.lists.get("dns", ()) if _is_dns(line, item)),
        mtu=_number(section, "mtu", "MTU", MTU_MIN, MTU_MAX),
        listen_port=_number(section, "listenport", "ListenPort", 0, PORT_MAX),
        peers=peers,
    )


def _distinct(sections: list[Section]) -> tuple[Peer, ...]:
    peers: dict[str, Peer] = {}
    for section in sections:
        peer = _peer(section)
        if peer.public_key in peers:
            raise BadProfile("Two peers have the same PublicKey.", hint="Make them one.", line=section.line)
        peers[peer.public_key] = peer
    return tuple(peers.values())


def _peer(section: Section) -> Peer:
    line, endpoint = section.values.get("endpoint", (0, ""))
    return Peer(
        public_key=_demanded_key(section, "publickey", "PublicKey"),
        preshared_key=_key(*section.values["presharedkey"], "PresharedKey") if "presharedkey" in section.values else "",
        endpoint=_endpoint(line, endpoint) if endpoint else "",
        allowed_ips=tuple(_network(line, item) for line, item in section.lists.get("allowedips", ())),
        keepalive_s=_keepalive(section),
    )


def _demanded_key(section: Section, key: str, name: str) -> str:
    if key not in section.values:
        raise BadProfile(f"[{section.kind.title()}] has no {name}.", hint=WHOLE_FILE, line=section.line)
    line, value = section.values[key]
    found = _key(line, value, name)
    if not found:
        raise BadProfile(f"Line {line} of the profile: {name} is all zero.", hint="Make a key: wg genkey.", line=line)
    return found


def _key(line: int, value: str, name: str) -> str:
    """Check a key: 32 bytes in base64, written in the one way there is (wg(8) refuses others); "" for all zero."""
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES or base64.b64encode(raw).decode() != value:
        raise BadProfile(
            f"Line {line} of the profile: {name} is not 32 bytes in base64.",
            hint="It has 44 characters and ends with “=”; copy it again as a whole.",
            line=line,
        )
    return value if any(raw) else ""


def _address(line: int, item: str) -> str:
    return _parsed(line, item, "Address", lambda text: str(ipaddress.ip_interface(text)), "10.0.0.2/32")


def _network(line: int, item: str) -> str:
    return _parsed(line, item, "AllowedIPs", lambda text: str(ipaddress.ip_network(text, strict=False)), "10.0.0.0/24")


def _parsed(line: int, item: str, name: str, parse: Callable[[str], str], example: str) -> str:
    try:
        if "%" in item or item.count("/") > 1 or "." in item.partition("/")[2]:
            raise ValueError
        return parse(item)
    except ValueError:
        raise BadProfile(
            f"Line {line} of the profile: {name} holds “{shown(item)}”, which is no address with a prefix.",
            hint=f"Write it as {example}.",
            line=line,
        ) from None


def _is_dns(line: int, item: str) -> bool:
    """Tell addresses from the search domains that may stand among them; those are checked and not used."""
    if is_address(item):
        return True
    if not is_host(item):
        raise BadProfile(
            f"Line {line} of the profile: DNS holds “{shown(item)}”, which is neither an address nor a domain.",
            hint="Write it as 10.0.0.1.",
            line=line,
        )
    return False


def _endpoint(line: int, value: str) -> str:
    host, _, port = value.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    fits = (is_address(bare) and ":" in bare) if host.startswith("[") else (is_host(bare) and ":" not in bare)
    if not fits or port_of(port) is None:
        raise BadProfile(
            f"Line {line} of the profile: Endpoint is not of the form host:port.",
            hint="Write it as vpn.example.org:51820 or [2001:db8::1]:51820.",
            line=line,
        )
    return f"{host}:{port_of(port)}"


def _keepalive(section: Section) -> int:
    if section.values.get("persistentkeepalive", (0, ""))[1].lower() == "off":
        return 0
    return _number(section, "persistentkeepalive", "PersistentKeepalive", 0, PORT_MAX)


def _number(section: Section, key: str, name: str, least: int, most: int) -> int:
    if key not in section.values:
        return 0
    line, value = section.values[key]
    number = whole(value)
    if number is None or not least <= number <= most:
        raise BadProfile(
            f"Line {line} of the profile: {name} is not a number from {least} to {most}.",
            hint="Delete the line to take what is usual.",
            line=line,
        )
    return number


def _second(interfaces: list[Section]) -> int:
    return interfaces[1].line if len(interfaces) > 1 else 0
