"""What can be said on a service: the guard's verbs and kinds, and names out of the rows that the page shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from opsmodal.answers import InstanceRow
from opsmodal.guard.vocabulary import kinds_of, verbs_of
from opsmodal.guard.world import Mode
from opsmodal.operations.command_completing import Vocabulary
from runtimes.commands import Kind

CONTROLLED = frozenset({"replicaset", "statefulset", "daemonset", "job"})


def vocabulary(
    kind: Literal["kubernetes", "docker", "podman"],
    program: str,
    *,
    mode: Mode,
    instances: Iterable[InstanceRow],
    custom: Iterable[Kind] = (),
) -> Vocabulary:
    """Give the words of a service. A workload is known by the pods that it made: one without any is not offered."""
    rows = sorted(instances, key=lambda row: row.name)
    if kind != "kubernetes":
        names = {"container": tuple(row.name for row in rows)}
        return Vocabulary(program=program, verbs=_plain(kind, mode), names=names)
    found: dict[str, dict[str, None]] = {"pod": {row.name: None for row in rows}}
    for owner, name in (_owner(row) for row in rows):
        if owner in CONTROLLED:
            found.setdefault(owner, {})[name] = None
        if owner == "replicaset":
            found.setdefault("deployment", {})[name.rpartition("-")[0]] = None
    names = {each: tuple(of) for each, of in found.items()}
    return Vocabulary(program=program, verbs=_plain(kind, mode), kinds=kinds_of(custom), names=names)


def _plain(kind: Literal["kubernetes", "docker", "podman"], mode: Mode) -> dict[str, tuple[str, ...]]:
    return {verb: tuple(flags) for verb, flags in verbs_of(kind, mode).items()}


def _owner(row: InstanceRow) -> tuple[str, str]:
    """Read "ReplicaSet web-5d4f" as what made a pod."""
    kind, _, name = row.managed_by.partition(" ")
    return kind.lower(), name
