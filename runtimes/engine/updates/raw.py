"""Engine answers as they came: settings are carried over whole, also those that nobody here has heard of. Pure.

Everywhere else an answer becomes a struct of the fields that are read. Here that would lose every field a newer engine
has: a container is made again out of what the engine said of it. Only this package sees such dictionaries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Raw = Mapping[str, Any]
"""An object of an engine's JSON."""
SHORT_ID_CHARS = 12


def part(raw: Raw, *keys: str) -> Raw:
    """Give an object inside of another; an empty one where it is missing or null."""
    for key in keys:
        found = raw.get(key)
        raw = found if isinstance(found, Mapping) else {}
    return raw


def items(raw: Raw, key: str) -> Sequence[Any]:
    """Give a list inside of an object; an empty one where it is missing or null."""
    found = raw.get(key)
    return found if isinstance(found, list | tuple) else ()


def pairs(env: Sequence[str]) -> dict[str, str | None]:
    """Read an environment; None for a name without a value, which takes a variable of the image away."""
    split = (each.partition("=") for each in env)
    return {name: value if equals else None for name, equals, value in split}


def written(env: Mapping[str, str | None]) -> list[str]:
    """Write an environment as an engine takes it."""
    return [name if value is None else f"{name}={value}" for name, value in env.items()]


def id_of(container: Raw) -> str:
    """Give a container's full id."""
    return str(container.get("Id", ""))


def name_of(container: Raw) -> str:
    """Give a container's own name without its slash."""
    return str(container.get("Name", "")).removeprefix("/")


def labels_of(container: Raw) -> dict[str, str]:
    """Give a container's labels."""
    return dict(part(container, "Config", "Labels"))


def is_empty(value: object) -> bool:
    """Tell whether a setting says nothing: engines write null, 0, "", [] and {} for what is not set."""
    return value in (None, "", 0, False) or (isinstance(value, list | tuple | Mapping) and not value)
