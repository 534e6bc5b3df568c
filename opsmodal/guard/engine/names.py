"""Which container a word means, and whether it is the service's own.

Engines take a full id, a name, and any beginning of an id that fits one container only. The full id is what runs, so
neither a container that appears meanwhile nor an engine that reads a word differently can make it mean another one.
What is not own is refused in one way: whether another service's container is there cannot be learned here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from opsmodal.guard.engine.refusing import NotAllowed, shown
from opsmodal.guard.world import World

_APART = re.compile(r"[._]")
NAMED_MAX = 8
"""So many names stand in a hint: more is what `ps` is for."""


@dataclass(frozen=True, slots=True)
class Own:
    """One of the service's containers: `id` is what a program gets, `name` what a person reads."""

    name: str
    id: str


def resolved(text: str, world: World) -> Own:
    """Find the own container that a word means. Raise NotAllowed when it means none, another's or several."""
    own, other = world.own, world.other
    name = text.removeprefix("/")
    if name in own:
        return Own(name, own[name] or name)
    fitting = [] if name != text or not name or name in other else _fitting(text, world)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = ", ".join(sorted(each.name for each in fitting)[:NAMED_MAX])
        raise NotAllowed(
            "engine-container", f"{shown(text)} is the beginning of several ids: {several}.", hint=_hint(world)
        )
    raise NotAllowed(
        "engine-container",
        f"{shown(text)} is not one container of this service.",
        hint=_hint(world),
        instead=_meant(name, world),
    )


def everyone(world: World) -> tuple[Own, ...]:
    """Give all of the service's containers, by name."""
    return tuple(Own(name, world.own[name] or name) for name in sorted(world.own))


def once(containers: Sequence[Own]) -> tuple[Own, ...]:
    """Leave out what was named before."""
    return tuple(dict.fromkeys(containers))


def _fitting(text: str, world: World) -> list[Own]:
    """Give the own containers whose id a word is or begins; none when it fits another service's, too."""
    exact = [Own(name, full) for name, full in world.own.items() if full == text]
    if exact or any(full.startswith(text) for full in world.other.values()):
        return exact
    return [Own(name, full) for name, full in world.own.items() if full.startswith(text)]


def _meant(text: str, world: World) -> tuple[str, str] | None:
    """Give the one own container whose name has a word as a part, as `web` is one of compose's `shop-web-1`."""
    having = [name for name in world.own if f"-{text}-" in f"-{_APART.sub('-', name)}-"]
    return (text, having[0]) if text and len(having) == 1 else None


def _hint(world: World) -> str:
    names = [each.name for each in everyone(world)]
    if not names:
        return "This service has no containers just now."
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"This service's containers: {', '.join(names[:NAMED_MAX])}{more}."
