"""Makes checked entries of a document or of one entry from a form, without looking at what is stored.

Entries with mistakes are left out of the answer, but remembered by name: what refers to them is not blamed as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from opsmodal.errors import Problem
from opsmodal.registry.schema import (
    API_VERSION,
    Document,
    GrantSpec,
    GroupSpec,
    OidcSpec,
    RuntimeSpec,
    ServiceSpec,
    Spec,
    VpnProfile,
)
from opsmodal.registry.shape import Path, Shape, type_of
from opsmodal.registry.tree import PROBLEMS_MAX, Node, Unreadable, plant, read_tree

SECTIONS: Mapping[str, Any] = {
    "vpnProfiles": VpnProfile,
    "runtimes": RuntimeSpec,
    "services": ServiceSpec,
    "groups": GroupSpec,
    "grants": GrantSpec,
    "oidc": OidcSpec,
}
"""The parts of a document, in the order in which one refers back to the other: lists, but for those of SINGLE."""
SINGLE = frozenset({"oidc"})
"""Parts that are one mapping. Their only entry goes by the name of the part."""
NOUNS: Mapping[str, str] = {
    "vpnProfiles": "VPN profile",
    "runtimes": "runtime",
    "services": "service",
    "groups": "group",
    "grants": "grant",
    "oidc": "OpenID provider",
}


@dataclass(slots=True, kw_only=True)
class Read:
    """One entry that is well formed: its section, where it stands, and its spec."""

    section: str
    path: Path
    line: int
    spec: Any


@dataclass(slots=True)
class Reading:
    """What a document says: entries by section, every name it gives (also of those with mistakes), the problems."""

    tree: Node
    problems: list[Problem]
    entries: dict[str, list[Read]] = field(default_factory=lambda: {section: [] for section in SECTIONS})
    names: dict[str, set[str]] = field(default_factory=lambda: {section: set() for section in SECTIONS})

    def line(self, path: Path) -> int:
        """Find the line of a path, or of what is nearest above it."""
        node, line = self.tree, self.tree.line
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                line = node.keys.get(str(part), line)
                node = node.value[str(part)]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.line
            else:
                break
        return line

    def add(self, path: Path, sentence: str, hint: str = "") -> None:
        """Tell one more problem."""
        Shape(self.problems).add(path, self.line(path), sentence, hint)


def read_document(data: bytes) -> Reading:
    """Read a YAML document. Problems are in the answer; none is raised."""
    problems: list[Problem] = []
    try:
        tree = read_tree(data, problems)
    except Unreadable as unreadable:
        return Reading(Node(None), [*problems, unreadable.problem])
    return _sections(Reading(tree, problems))


def read_entry(section: str, fragment: Mapping[str, Any]) -> Reading:
    """Read one entry as a form or the API gives it; paths of problems begin inside the entry."""
    problems: list[Problem] = []
    try:
        node = plant(dict(fragment))
    except Unreadable as unreadable:
        return Reading(Node(None), [unreadable.problem])
    reading = Reading(node, problems)
    _entry(reading, section, node, ())
    return reading


def plain(spec: Spec) -> dict[str, Any]:
    """Give an entry as plain values, in the one form in which it is stored, compared and exported."""
    value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(spec))
    return value


def key_of(section: str, name: str) -> str:
    """Give what an entry is kept by: its name, which of a single one is free to change."""
    return section if section in SINGLE else name


def revived(section: str, stored: Mapping[str, Any]) -> Any:
    """Make an entry of what was stored."""
    return msgspec.convert(dict(stored), SECTIONS[section])


def _sections(reading: Reading) -> Reading:
    lists = reading.tree.value
    if not isinstance(lists, dict):
        reading.add((), "The document must be a mapping.", f"It begins with: apiVersion: {API_VERSION}")
        return reading
    others = {key: node for key, node in lists.items() if key not in SECTIONS}
    Shape(reading.problems).check(Node(others, reading.tree.line, reading.tree.keys), type_of(Document), ())
    for section in SECTIONS:
        node = lists.get(section)
        if node is None or node.value is None:
            continue
        if section in SINGLE:
            _entry(reading, section, node, (section,))
            continue
        if not isinstance(node.value, list):
            reading.add((section,), f"“{section}” must be a list.", "Begin each entry with a dash.")
            continue
        for index, item in enumerate(node.value):
            if len(reading.problems) >= PROBLEMS_MAX:
                return reading
            _entry(reading, section, item, (section, index))
    return reading


def _entry(reading: Reading, section: str, node: Node, path: Path) -> None:
    before = len(reading.problems)
    value = Shape(reading.problems).check(node, type_of(SECTIONS[section]), path)
    name = node.value.get("name") if isinstance(node.value, dict) else None
    if name is not None and isinstance(name.value, str):
        _demand_new(reading, section, name.value, (*path, "name"))
    if len(reading.problems) == before:
        spec = msgspec.convert(value, SECTIONS[section])
        reading.entries[section].append(Read(section=section, path=path, line=node.line, spec=spec))


def _demand_new(reading: Reading, section: str, name: str, path: Path) -> None:
    if name in reading.names[section]:
        reading.add(path, f"There are two {NOUNS[section]}s named “{name[:80]}”.", "Give one of them another name.")
    reading.names[section].add(name)
