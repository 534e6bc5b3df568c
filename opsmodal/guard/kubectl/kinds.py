"""What a word that stands for a kind means, spelled as kubectl spells it: singular, plural, short, with group, version.

A cluster knows kinds beyond the built-in ones; those are the World's, and are asked for only when a word is none of
the built-in. A kind that neither knows is refused, and so is every one that belongs to the whole cluster. kubectl
resolves the beginning of a group too (`deployments.ap`): that is refused as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.kubectl.tables import kinds_data
from opsmodal.guard.world import World
from runtimes.commands import Kind

_WORD = re.compile(r"[a-z][-a-z0-9]*(\.[-a-z0-9]+)*\.?", re.IGNORECASE | re.ASCII)
_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d+)?")
CORE = "core"
ALL = "all"
IN_ALL = (
    "pods",
    "replicationcontrollers",
    "services",
    "daemonsets",
    "deployments",
    "replicasets",
    "statefulsets",
    "horizontalpodautoscalers",
    "cronjobs",
    "jobs",
)
"""What the category `all` stands for in every cluster; a custom kind may put itself in."""
METRICS = "metrics.k8s.io"
"""Its `pods` are named with the group only: alone, the word is the pods themselves."""
WITH_PODS = frozenset({"deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers"})
WORKLOADS = WITH_PODS | {"pods", "jobs", "cronjobs"}
"""Kinds that have a pod template, or are a pod."""


@dataclass(frozen=True, slots=True)
class Sort:
    """A namespaced kind: `plural` as in the API, `singular` for people; `custom`: the cluster's own, not a built-in."""

    plural: str
    singular: str
    group: str = ""
    custom: bool = False


def kinds_of(spelled: str, world: World) -> tuple[Sort, ...]:
    """Resolve a comma list of kinds and categories, as the first word behind a verb. Raise Refused."""
    found = [sort for part in spelled.split(",") for sort in _part(part, world, categories=True)]
    return tuple(dict.fromkeys(found))


def kind_of(spelled: str, world: World) -> Sort:
    """Resolve one kind, as in front of a slash. Raise Refused."""
    return _part(spelled, world, categories=False)[0]


def _part(spelled: str, world: World, *, categories: bool) -> tuple[Sort, ...]:
    if not _WORD.fullmatch(spelled):
        raise Refused("kubectl-kind", f"“{shown(spelled)}” is not a kind.")
    word = spelled.lower()
    name, group = _parted(word)
    for scope, built_in in _built_in(name, group):
        if scope == "cluster":
            raise _of_the_cluster(spelled)
        return (built_in,)
    if categories and (members := _category(word, spelled, world)):
        return members
    if any(_is(kind, name, group) for kind in world.cluster_kinds):
        raise _of_the_cluster(spelled)
    for kind in world.kinds:
        if _is(kind, name, group):
            return (_sort(kind),)
    raise Refused("kubectl-kind", f"“{shown(spelled)}” is no kind that is known here.")


def _parted(word: str) -> tuple[str, str | None]:
    """Part a word into name and group; None is no group. `pods.v1.` has the version and the empty group."""
    name, dot, rest = word.partition(".")
    if not dot:
        return name, None
    version, dot, group = rest.partition(".")
    if dot and _VERSION.fullmatch(version):
        return name, group or CORE
    return name, rest.removesuffix(".") if rest else CORE


def _built_in(name: str, group: str | None) -> Iterator[tuple[str, Sort]]:
    for scope, sort in _BY_NAME().get(name, ()):
        if group == sort.group or (group is None and (sort.group != METRICS or name == sort.singular)):
            yield scope, sort


@cache
def _BY_NAME() -> Mapping[str, Sequence[tuple[str, Sort]]]:  # noqa: N802  (a table that is read when it is first asked for)
    table: dict[str, list[tuple[str, Sort]]] = {}
    for scope, rows in kinds_data().items():
        for group, plural, singular, *short in rows:
            for name in dict.fromkeys((plural, singular, *short)):
                table.setdefault(name, []).append((scope, Sort(plural, singular, group)))
    return table


def _category(word: str, spelled: str, world: World) -> tuple[Sort, ...]:
    """Give all kinds of a category. One of the whole cluster among them refuses it: kubectl would read that, too."""
    if any(word in map(str.lower, kind.categories) for kind in world.cluster_kinds):
        raise Refused("kubectl-kind-cluster", f"“{shown(spelled)}” holds a kind that belongs to the whole cluster.")
    own = tuple(_sort(kind) for kind in world.kinds if word in map(str.lower, kind.categories))
    return tuple(_built_in_of(plural) for plural in IN_ALL) + own if word == ALL else own


def _built_in_of(plural: str) -> Sort:
    return next(sort for _, sort in _built_in(plural, None))


def _is(kind: Kind, name: str, group: str | None) -> bool:
    return name in _names(kind) and (group is None or not kind.group or group == kind.group.lower())


def spellings(sort: Sort, used: Iterable[str], world: World) -> tuple[str, ...]:
    """Give the words of others that may stand for a kind: its names, and of `used` those that are no other kind's.

    An autoscaler and an owner are named with the kind as objects write it, which the API does not tie to the names of
    a custom kind: `ScaledApp` may have the singular `app`.
    """
    if not sort.custom:
        return (sort.singular,)
    own = [kind for kind in world.kinds if _sort(kind) == sort]
    names = {sort.plural, sort.singular, *(name for kind in own for name in _names(kind))}
    others = {name for kind in world.kinds if kind not in own for name in (*_names(kind), _derived(kind.name.lower()))}
    strange = {word for word in used if word not in others and word not in _BY_NAME()}
    return tuple(dict.fromkeys((sort.singular, *sorted(names | strange))))


def _names(kind: Kind) -> set[str]:
    return {kind.name.lower(), _singular(kind), *map(str.lower, kind.short)}


def _sort(kind: Kind) -> Sort:
    return Sort(kind.name.lower(), _singular(kind), kind.group.lower(), custom=True)


def _singular(kind: Kind) -> str:
    """Give the singular: every kind has one, but a world that was written by hand may leave it out."""
    if kind.singular:
        return kind.singular.lower()
    return _derived(kind.name.lower())


def _derived(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    return plural[:-2] if plural.endswith(("sses", "xes", "ches", "shes")) else plural.removesuffix("s")


def _of_the_cluster(spelled: str) -> Refused:
    return Refused("kubectl-kind-cluster", f"“{shown(spelled)}” belongs to the whole cluster, not to a namespace.")
