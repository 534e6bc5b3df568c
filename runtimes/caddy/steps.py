"""One change of the configuration, and what it makes of it. Pure.

A change goes to the smallest place that it is about, so that nothing that others wrote is ever sent back: what Caddy
keeps of theirs stays as it is, byte for byte, and no credential of theirs stands in a line that somebody copies.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Document = dict[str, Any]
"""A part of a configuration as Caddy writes it: kept whole, read by `config`."""
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request: PUT inserts or makes, POST appends or sets, PATCH replaces, DELETE removes what is at `place`."""

    method: Literal["PUT", "POST", "PATCH", "DELETE"]
    place: Place
    body: Any = field(default=None, repr=False)


def at(root: Any, place: Sequence[str | int]) -> Any:
    """Give what stands at a place, None for nothing."""
    found = root
    for part in place:
        if isinstance(found, dict) and isinstance(part, str):
            found = found.get(part)
        elif isinstance(found, list) and isinstance(part, int) and part < len(found):
            found = found[part]
        else:
            return None
    return found


def applied(root: Document, step: Step) -> Document:
    """Give the configuration with a change made, as the admin API makes it. The one that is given stays."""
    made = copy.deepcopy(root)
    *parents, last = step.place
    holder: Any = made
    for part in parents:
        if isinstance(holder, dict):
            if holder.get(part) is None:
                holder[part] = {}
            holder = holder[part]
        else:
            holder = holder[part]
    _change(holder, last, step)
    return made


def _change(holder: Any, last: str | int, step: Step) -> None:
    if isinstance(holder, list) and isinstance(last, int):
        if step.method == "PUT":
            holder.insert(last, step.body)
        elif step.method == "DELETE":
            del holder[last]
        else:
            holder[last] = step.body
    elif step.method == "DELETE":
        del holder[last]
    elif step.method == "POST" and isinstance(holder.get(last), list):
        holder[last] = [*holder[last], step.body]
    else:
        holder[last] = step.body


def insertion(root: Document, place: Place, position: int, item: Document) -> Step:
    """Put an item into a list at a position; the list, and what holds it, is made where it is not there."""
    found = at(root, place)
    if isinstance(found, list):
        if position >= len(found):
            return Step(method="POST", place=place, body=item)
        return Step(method="PUT", place=(*place, position), body=item)
    holder = at(root, place[:-1])
    is_null = isinstance(holder, dict) and place[-1] in holder
    return Step(method="POST" if is_null else "PUT", place=place, body=[item])
