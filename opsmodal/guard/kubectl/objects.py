"""Which objects the words of a line name, as kubectl's resource builder takes them.

`TYPE[,TYPE…] [NAME…]` is one form, `TYPE/NAME…` the other. Mixed forms are an error of kubectl, and are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from opsmodal.guard.kubectl.kinds import Sort, kind_of, kinds_of
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.verdict import Target
from opsmodal.guard.world import World

_NAME = re.compile(r"[_:.-]*[A-Za-z0-9][A-Za-z0-9_:.-]*")
SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a kind; `name` "" is each that a selector finds, or all there are."""

    sort: Sort
    name: str = ""

    @property
    def target(self) -> Target:
        """Give it as verdicts name it."""
        return Target(self.sort.singular, self.name)

    @property
    def key(self) -> str:
        """Give it as the World names workloads: `deployment/web`."""
        return f"{self.sort.singular}/{self.name}"


def objects(words: Sequence[str], world: World, *, secrets: bool = False) -> tuple[Object, ...]:
    """Resolve the words. `secrets`: whether those may be named at all. Raise Refused."""
    found = _objects(words, world)
    if not secrets and any(each.sort.plural == SECRETS for each in found):
        raise Refused("kubectl-secret", "Secrets are not read or changed by this.")
    return found


def one_object(word: str, world: World) -> Object:
    """Resolve one `TYPE/NAME`. Raise Refused."""
    kind, _, name = word.partition("/")
    return Object(kind_of(kind, world), name_of(name))


def name_of(word: str) -> str:
    """Give a name as it is. Raise Refused for what can be no object's: the API would read a path in it."""
    if not _NAME.fullmatch(word):
        raise Refused("kubectl-name", f"“{shown(word)}” is not a name." if word else "A name is empty.")
    return word


def _objects(words: Sequence[str], world: World) -> tuple[Object, ...]:
    if not words:
        raise Refused("kubectl-arguments", "No kind is named.", "Name a kind: kubectl get pods.")
    slashed = [word for word in words if "/" in word]
    if not slashed:
        sorts = kinds_of(words[0], world)
        names = [name_of(word) for word in words[1:]] or [""]
        return tuple(Object(sort, name) for sort in sorts for name in names)
    if len(slashed) != len(words):
        raise Refused(
            "kubectl-arguments",
            f"“{shown(slashed[0])}” names its kind itself, beside words that do not.",
            "Type either TYPE NAME… or TYPE/NAME… throughout.",
        )
    return tuple(dict.fromkeys(one_object(word, world) for word in words))
