"""Takes a WireGuard profile apart into sections, and refuses lines that would run a program or change this machine.

As wg(8) and wg-quick(8) say: keys and section names in any case, `#` begins a comment, lists are separated by commas
and may be given in several lines. Everything else is given once; what nobody knows is refused by its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.vpn.profile import BadProfile, lines_of, shown

INTERFACE, PEER = "interface", "peer"
ONCE_INTERFACE = ("privatekey", "listenport", "mtu", "table", "fwmark", "saveconfig")
ONCE_PEER = ("publickey", "presharedkey", "endpoint", "persistentkeepalive")
LISTS = {INTERFACE: ("address", "dns"), PEER: ("allowedips",)}
PROGRAMS = {"preup": "PreUp", "postup": "PostUp", "predown": "PreDown", "postdown": "PostDown"}
"""Lines that wg-quick gives to a shell."""
NEEDLESS = {"table": ("auto", "off"), "fwmark": ("0", "off", "0x0"), "saveconfig": ("false",)}
"""Keys that change the machine, and their values that do not: a tunnel lives apart from the machine's own routes."""
WHY_NOT = {
    "table": "Table puts routes into a table of this machine; tunnels have their own routes.",
    "fwmark": "FwMark marks packets for the rules of this machine; tunnels follow none of them.",
    "saveconfig": "SaveConfig would write the profile's file when the tunnel ends.",
}
WHOLE_FILE = "Give the whole file as wg-quick takes it."


@dataclass(slots=True)
class Section:
    """One section while it is read: values by key in lower case, each with its line."""

    kind: str
    line: int
    values: dict[str, tuple[int, str]] = field(default_factory=dict)
    lists: dict[str, list[tuple[int, str]]] = field(default_factory=dict)


def sections_of(text: str) -> list[Section]:
    """Read the sections of a profile, in their order. Raise BadProfile."""
    sections: list[Section] = []
    for number, whole_line in lines_of(text):
        line = whole_line.partition("#")[0].strip(" \t")
        if not line:
            continue
        if line.startswith("["):
            sections.append(Section(_section_name(number, line), number))
            continue
        key, equals, value = line.partition("=")
        if not equals or not sections:
            raise BadProfile(
                f"Line {number} of the profile is not of the form “Key = value” inside a section.",
                hint=WHOLE_FILE,
                line=number,
            )
        _put(sections[-1], number, key.strip(" \t"), value.strip(" \t"))
    return sections


def _section_name(number: int, line: str) -> str:
    name = line.lower()
    if name not in {"[interface]", "[peer]"}:
        raise BadProfile(
            f"Line {number} of the profile begins the section {shown(line)}, and there is none of that name.",
            hint="There are [Interface] and [Peer].",
            line=number,
        )
    return name[1:-1]


def _put(section: Section, line: int, written: str, value: str) -> None:
    key = written.lower()
    if key in PROGRAMS:
        raise BadProfile(
            f"Line {line} of the profile, {PROGRAMS[key]}, would run a program on this machine; profiles never do.",
            hint="Delete the line. Routes and names of a tunnel are set without it.",
            line=line,
        )
    known = key in (ONCE_INTERFACE if section.kind == INTERFACE else ONCE_PEER)
    if not known and key not in LISTS[section.kind]:
        raise BadProfile(
            f"Line {line} of the profile: {shown(written)} is no key of [{section.kind.title()}].",
            hint="Delete the line, or correct its spelling; wg(8) and wg-quick(8) list the keys.",
            line=line,
        )
    if not value.isascii() or (not value and key != "allowedips"):
        raise BadProfile(
            f"Line {line} of the profile: {shown(written)} has no value that could be read.",
            hint="Write it in plain ASCII characters.",
            line=line,
        )
    if key in NEEDLESS and value.lower() not in NEEDLESS[key]:
        raise BadProfile(f"Line {line} of the profile: {WHY_NOT[key]}", hint="Delete the line.", line=line)
    if not known:
        section.lists.setdefault(key, []).extend(_items(line, value))
        return
    if key in section.values:
        raise BadProfile(
            f"Line {line} of the profile gives {shown(written)} a second time.", hint="Keep one of them.", line=line
        )
    section.values[key] = (line, value)


def _items(line: int, value: str) -> list[tuple[int, str]]:
    return [(line, item.strip(" \t")) for item in value.split(",")] if value else []
