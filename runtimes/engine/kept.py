"""Containers that an update has put aside under another name, and whose they are. Pure.

An update renames: `web-before-1a2b3c4d` is the container that was replaced, `web-next-1a2b3c4d` a new one that did not
become well. Only their logs are reached through the service that they belonged to: under a wall by name nothing else of
them is the service's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from runtimes.base import Scope
from runtimes.engine.scope import engine_filters, owns

MARK = "-(before|next)-[0-9a-f]{8}"
_KEPT = re.compile(rf"(.+){MARK}")
_ACTIVE = frozenset({"running", "paused", "restarting"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """The name of the container that stands, or stood, in the place of one that is kept, and which of the two it is."""

    current: str
    replaces: Literal["previous", "put-aside"]


def aside(name: str, state: str) -> Aside | None:
    """Say of what a container was put aside, by its name and state; None for every container that is in use."""
    found = _KEPT.fullmatch(name)
    if found is None or state in _ACTIVE:
        return None
    return Aside(current=found[1], replaces="previous" if found[2] == "before" else "put-aside")


def owns_aside(scope: Scope, *, name: str, state: str, labels: Mapping[str, str]) -> bool:
    """Say whether a container that was put aside was the service's own."""
    found = aside(name, state)
    return found is not None and owns(scope, name=found.current, labels=labels)


def aside_filters(scope: Scope) -> Iterable[Mapping[str, Sequence[str]]]:
    """Give the filters of GET /containers/json whose answers together hold what was put aside for a service."""
    names = [f"^/?{re.escape(name)}{MARK}$" for name in scope.containers]
    return [{**each, "name": names} if "name" in each else each for each in engine_filters(scope)]
