"""Narrows `ps` and `events` to the service's own containers, by filters of the program itself.

Filters of one key are alternatives, filters of different keys all have to hold (seen with dockerd 20.10 and podman
4.3): the key that narrows is written by us alone. Who typed it themselves gets those containers, when all are own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsmodal.guard.engine.names import everyone, resolved
from opsmodal.guard.engine.refusing import NotAllowed, shown
from opsmodal.guard.engine.tables import Verb
from opsmodal.guard.pflag import Given
from opsmodal.guard.world import World

NOBODY = "0" * 64
"""The id of no container: without a filter, a service that has none would be shown everybody's."""


def narrowed(verb: Verb, given: Iterable[Given], world: World) -> tuple[str, ...]:
    """Give the filters of a list as words, the own containers first. Raise NotAllowed for those that are not known."""
    pairs = [_pair(each, csv=verb.rows["filter"].csv) for each in given]
    typed = [resolved(value, world).id for key, value in pairs if key == verb.row.narrow]
    ids = typed or [own.id for own in everyone(world)] or [NOBODY]
    return tuple(f"--filter={pair}" for pair in (*_keyed(verb.row.narrow, ids), *_others(verb, pairs, world)))


def _pair(given: Given, *, csv: bool) -> tuple[str, str]:
    """Take a filter apart as docker does: the key in small letters, blanks around both left out."""
    if csv and any(sign in given.value for sign in ',"'):
        raise NotAllowed(
            "engine-filter", f"{shown(given.value)} holds several filters.", hint="Give each filter a flag of its own."
        )
    key, equals, value = given.value.partition("=")
    key, value = key.strip().lower(), value.strip()
    if not equals or not key or not value:
        raise NotAllowed("engine-filter", f"{shown(given.value)} is no filter.", hint="A filter is a KEY=VALUE.")
    return key, value


def _others(verb: Verb, pairs: Iterable[tuple[str, str]], world: World) -> Iterator[str]:
    for key, value in pairs:
        if key in verb.row.relative:
            yield f"{key}={resolved(value, world).id}"
        elif key in verb.row.filters:
            yield f"{key}={value}"
        elif key != verb.row.narrow:
            known = sorted(verb.row.filters | verb.row.relative | {verb.row.narrow})
            raise NotAllowed(
                "engine-filter", f"{verb.row.name} is not filtered by {shown(key)}.", hint=f"Keys: {', '.join(known)}."
            )


def _keyed(key: str, values: Iterable[str]) -> Iterator[str]:
    return (f"{key}={value}" for value in dict.fromkeys(values))
