"""The files of `opsmodal guard`: a world, and lines with what is expected of them. Read as strictly as a registry.

A key that is not known is refused with its line: a test whose expectation is misspelled would otherwise pass for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from opsmodal.errors import Problem, Rejected
from opsmodal.guard.world import Asked, Known, Mode, Narrowing
from opsmodal.permissions import Permission
from opsmodal.registry.shape import Shape, type_of
from opsmodal.registry.tree import DOCUMENT_MAX_BYTES, Node, Unreadable, read_tree
from runtimes.commands import Kind
from runtimes.structs import make_ready

RuntimeKind = Literal["kubernetes", "docker", "podman"]
EVERYTHING: tuple[Permission, ...] = tuple(Permission)


class Written(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What every part of a file is: strict, and written in camelCase."""


class KindWritten(Written, frozen=True, kw_only=True):
    """A custom kind: `name` is its plural."""

    name: str
    singular: str = ""
    short: tuple[str, ...] = ()
    group: str = ""
    versions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def kind(self) -> Kind:
        """Give it as the guard takes it."""
        return Kind(**msgspec.structs.asdict(self))


class ContainersWritten(Written, frozen=True, kw_only=True):
    """Containers by name with their ids; those of a list get ids of their own."""

    own: dict[str, str] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)


class PolicyWritten(Written, frozen=True, kw_only=True):
    """What a site's policy leaves; what is absent leaves everything."""

    verbs: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    programs: tuple[str, ...] | None = None

    def narrowing(self) -> Narrowing:
        """Give it as the guard takes it."""
        return Narrowing(verbs=_set(self.verbs), kinds=_set(self.kinds), programs=_set(self.programs))


class BoundsWritten(Written, frozen=True, kw_only=True):
    """Between how many replicas an autoscaler keeps its workload."""

    min: int = 1
    max: int


class WorldWritten(Written, frozen=True, kw_only=True):
    """What a verdict depends on beside the line; what is absent is allowed, or is not there."""

    permissions: tuple[Permission, ...] = EVERYTHING
    runtime_permissions: tuple[Permission, ...] = EVERYTHING
    autoscaled: tuple[str, ...] = ()
    switched_off: dict[str, BoundsWritten] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()
    containers: ContainersWritten = field(default_factory=ContainersWritten)
    kinds: tuple[KindWritten, ...] = ()
    cluster_kinds: tuple[KindWritten, ...] = ()
    policy: PolicyWritten = field(default_factory=PolicyWritten)
    read_only: bool = False

    def known(self) -> Known:
        """Give it as the guard takes it."""
        return Known(
            permissions=frozenset(self.permissions),
            runtime_permissions=frozenset(self.runtime_permissions),
            autoscaled=frozenset(map(_workload, self.autoscaled)),
            switched_off={_workload(name): (each.min, each.max) for name, each in self.switched_off.items()},
            owners={_workload(owned): _workload(owner) for owned, owner in self.owners.items()},
            tokens=frozenset(self.tokens),
            own=self.containers.own,
            other=self.containers.other,
            kinds=tuple(one.kind() for one in self.kinds),
            cluster_kinds=tuple(one.kind() for one in self.cluster_kinds),
            narrowing=self.policy.narrowing(),
            read_only=self.read_only,
        )


class Case(Written, frozen=True, kw_only=True):
    """A line that somebody types, and what the guard is expected to say of it."""

    id: str
    runtime: RuntimeKind
    mode: Literal["oneshot", "streaming"]
    command: str
    expect: Literal["allow", "confirm", "deny"]
    namespace: str = ""
    container: str = ""
    why: str = ""

    def asked(self, world: Known) -> Asked:
        """Give what the guard is asked."""
        return Asked(
            kind=self.runtime, mode=Mode(self.mode), world=world, namespace=self.namespace, container=self.container
        )


class PolicyTest(Written, frozen=True, kw_only=True):
    """A file of `opsmodal guard test`."""

    world: WorldWritten = field(default_factory=WorldWritten)
    cases: tuple[Case, ...]


class WorldFile(Written, frozen=True, kw_only=True):
    """The world of a policy test, whose cases are not looked at."""

    world: WorldWritten = field(default_factory=WorldWritten)


@dataclass(frozen=True, slots=True)
class Placed:
    """A case, and the line of the file that it begins on."""

    case: Case
    line: int


def read_test(path: Path) -> tuple[Known, Sequence[Placed]]:
    """Read a policy test. Raise Rejected with every problem and its line, OSError where there is no such file."""
    node = _tree(path)
    test: PolicyTest = _fitting(node, PolicyTest)
    cases = node.value["cases"].value if isinstance(node.value, dict) else []
    lines = [one.line for one in cases] if isinstance(cases, list) else []
    return test.world.known(), [Placed(case, line) for case, line in zip(test.cases, lines, strict=True)]


def read_world(path: Path) -> Known:
    """Read a world: a file of its own, or that of a policy test. Raise as `read_test` does."""
    node = _tree(path)
    if isinstance(node.value, dict) and "world" in node.value:
        world = node.value["world"]
        node = Node({"world": world}, node.line, node.keys)
    else:
        node = Node({"world": node}, node.line)
    written: WorldFile = _fitting(node, WorldFile)
    return written.world.known()


def made_up_id(name: str) -> str:
    """Give a container an id that looks like one: 64 hexadecimal digits, always the same for a name."""
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()


def _tree(path: Path) -> Node:
    problems: list[Problem] = []
    with path.open("rb") as file:
        data = file.read(DOCUMENT_MAX_BYTES + 1)
    try:
        node = read_tree(data, problems)
    except Unreadable as unreadable:
        problems.append(unreadable.problem)
    if problems:
        raise _rejected(problems)
    return _with_ids(node)


def _fitting(node: Node, wanted: Any) -> Any:
    problems: list[Problem] = []
    value = Shape(problems).check(node, type_of(wanted), ())
    if problems:
        raise _rejected(problems)
    return msgspec.convert(value, wanted)


def _rejected(problems: Sequence[Problem]) -> Rejected:
    return Rejected("Nothing was judged.", problems=problems, hint="Correct the file and run it again.")


def _with_ids(node: Node) -> Node:
    """Give the containers that stand in a list ids, and take a number for the id of a case or a container."""
    for part in _every(node):
        for key in ("own", "other"):
            named = part.get(key)
            if named is not None and isinstance(named.value, list):
                listed = [one for one in named.value if isinstance(one.value, str)]
                part[key] = Node({str(one.value): Node(made_up_id(str(one.value)), one.line) for one in listed})
        number = part.get("id")
        if number is not None and isinstance(number.value, int) and not isinstance(number.value, bool):
            part["id"] = Node(str(number.value), number.line)
    return node


def _every(node: Node) -> list[dict[str, Node]]:
    """List the mappings of a tree."""
    if isinstance(node.value, dict):
        return [node.value, *(part for one in node.value.values() for part in _every(one))]
    return [part for one in node.value for part in _every(one)] if isinstance(node.value, list) else []


def _set(names: Sequence[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _workload(text: str) -> str:
    """Write `Deployment/web` as the guard does: the kind in small letters."""
    kind, slash, name = text.partition("/")
    return f"{kind.lower()}{slash}{name}"


make_ready(globals())
