"""Which Secrets a workload is given, and that none of them is a token: who may run programs in its pods would have it.

A token of a service account may do more in the cluster than who manages a service. Only names are judged here: which
Secrets hold tokens is the World's to know, and is asked only where a Secret is named. What pulls images is not given to
the programs in a pod, and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from opsmodal.guard.kubectl.rules import Refused, shown

RULE = "kubectl-token"
Tokens = Callable[[], Collection[str]]
"""Names the Secrets of the namespace that hold tokens."""
_HOLDERS = frozenset({"secret", "secretkeyref", "secretref"})
"""Fields of a volume, a projected source, a variable and a container that name a Secret by `name`."""
_NAME, _SECRET_NAME = "name", "secretname"


def secrets_of(value: Any, *, holder: str = "") -> Iterator[str]:
    """Give the names of the Secrets that a specification, or a patch of one, gives to programs. Keys without case."""
    if isinstance(value, list):
        for each in value:
            yield from secrets_of(each, holder=holder)
    elif isinstance(value, dict):
        for key, inner in value.items():
            name = str(key).lower()
            is_named = name == _SECRET_NAME or (name == _NAME and holder in _HOLDERS)
            if is_named and isinstance(inner, str):
                yield inner
            yield from secrets_of(inner, holder=name)


def check_tokens(names: Collection[str], tokens: Tokens) -> None:
    """Refuse Secrets that hold tokens. Raise Refused, and whatever `tokens` raises."""
    found = sorted(set(names).intersection(tokens())) if names else []
    if found:
        raise Refused(RULE, f"The Secret “{shown(found[0])}” holds a token: it makes a pod somebody else.")
