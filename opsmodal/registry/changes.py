"""What an apply changes, field by field, and what is worth a warning. Pure; secrets are not in it by construction:
entries hold names and fingerprints of files, never their content.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opsmodal.registry import vpn
from opsmodal.registry.reading import NOUNS, plain
from opsmodal.registry.rights import subject
from opsmodal.registry.schema import EngineSpec, GrantSpec
from opsmodal.registry.state import Entries, State


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field: `old` or `new` is "" where there is none."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one entry. `noun` is the user's word for its kind."""

    section: str
    noun: str
    name: str
    action: Literal["created", "changed", "unchanged", "removed"]
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply did, or would do."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Tell whether anything is other than it was."""
        return any(change.action != "unchanged" for change in self.changes)


def changes_of(before: State, wanted: Entries) -> tuple[Change, ...]:
    """Compare what a document wants with what is stored."""
    return tuple(
        _change(section, name, before.entries[section].get(name), spec)
        for section, entries in wanted.items()
        for name, spec in entries.items()
    )


def warnings_of(after: State, wanted: Entries, users: Collection[str]) -> tuple[str, ...]:
    """Say what is allowed and probably not meant. `users` are the people there are."""
    overlapping = vpn.overlapping(after.vpn_profiles, list(wanted.get("vpnProfiles", {})))
    return (
        *_shared_namespaces(after, wanted),
        *_open_sockets(wanted),
        *overlapping,
        *_strangers(after, wanted, users),
    )


def kept_grants(before: State, wanted: Entries) -> tuple[str, ...]:
    """Name rights that somebody keeps although a document that speaks of them does not name these: apply adds up."""
    spoken_of = {subject(spec) for spec in wanted.get("grants", {}).values() if isinstance(spec, GrantSpec)}
    return tuple(
        f"The {name} is kept as {spec.role}: the document does not name it, and apply removes nothing."
        for name, spec in before.grants.items()
        if subject(spec) in spoken_of and name not in wanted["grants"]
    )


def _change(section: str, name: str, old: Any, new: Any) -> Change:
    if old is None:
        return Change(section=section, noun=NOUNS[section], name=name, action="created")
    fields = tuple(_fields(plain(old), plain(new)))
    action: Literal["changed", "unchanged"] = "changed" if fields else "unchanged"
    return Change(section=section, noun=NOUNS[section], name=name, action=action, fields=fields)


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    before, after = dict(_flat("", old)), dict(_flat("", new))
    for path in {**before, **after}:
        if before.get(path) != after.get(path):
            yield FieldChange(path=path, old=before.get(path, ""), new=after.get(path, ""))


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Flatten to path and text; connections go by their names, so that one more does not change all after it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{path}.{key}".lstrip("."), item)
    elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
        for item in value:
            yield from _flat(f"{path}.{item['name']}", item)
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _shared_namespaces(after: State, wanted: Entries) -> Iterator[str]:
    """The namespace is the wall: who may do something in one of the services can do it to the other's pods too."""
    rights: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for grant in after.grants.values():
        for name in grant.services:
            rights[name].add((subject(grant), str(grant.role)))
    sharing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for service in after.services.values():
        if service.namespace:
            sharing[service.runtime, service.namespace].append(service.name)
    touched = {*wanted.get("services", {}), *_granted(wanted)}
    for (runtime, namespace), names in sharing.items():
        if touched.isdisjoint(names) or all(rights[name] == rights[names[0]] for name in names):
            continue
        yield (
            f"The services {_listed(names)} share the namespace {namespace} of {runtime} but not their grants: "
            "rights on Kubernetes reach the whole namespace."
        )


def _granted(wanted: Entries) -> set[str]:
    return {name for spec in wanted.get("grants", {}).values() for name in getattr(spec, "services", ())}


def _open_sockets(wanted: Entries) -> Iterator[str]:
    for spec in wanted.get("runtimes", {}).values():
        if isinstance(spec, EngineSpec) and spec.socket.startswith("tcp://") and spec.tls is None:
            yield f"The runtime {spec.name} is reached over {spec.socket} without TLS: who is on the way controls it."


def _strangers(after: State, wanted: Entries, users: Collection[str]) -> Iterator[str]:
    grants: Sequence[Any] = list(wanted.get("grants", {}).values())
    for name in dict.fromkeys(grant.user for grant in grants if grant.user and grant.user not in users):
        yield f"There is no user {name} yet: the grant waits until “opsmodal user add {name}”."
    known = {*after.groups, *(after.oidc.groups.values() if after.oidc else ())}
    for name in dict.fromkeys(grant.group for grant in grants if grant.group and grant.group not in known):
        yield f"The group {name} has nobody in it: add it under “groups”."


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
