"""Walk documents along their shapes: which fields they set, how two differ, merged, and with fields taken out.

Pure. What counts as one field follows the shape: an atomic list is one, the items of a keyed list and the keys of a map
are separate. Source: sigs.k8s.io/structured-merge-diff (typed, merge), whose outcome this reproduces, not its code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opsmodal.demo.documents import Obj
from opsmodal.demo.ownership.paths import Path, field_step, key_step, value_step
from opsmodal.demo.schema.facts import KEY_DEFAULTS
from opsmodal.demo.schema.shapes import Shape, declares, of_field, of_item

ABSENT: Any = object()
LIST_TYPE, LIST_KEYS, MAP_TYPE = (f"x-kubernetes-{word}" for word in ("list-type", "list-map-keys", "map-type"))
Parts = dict[str, tuple[Shape, Any]]


def is_whole(shape: Shape, value: Any) -> bool:
    """Tell whether a value is one field: a scalar, or something atomic."""
    if isinstance(value, dict):
        return shape is not None and shape.get(MAP_TYPE) == "atomic"
    if isinstance(value, list):
        return shape is None or shape.get(LIST_TYPE, "atomic") == "atomic"
    return True


def step_to(shape: Shape, item: Any) -> str:
    """Give the step to one item of a keyed list or a set."""
    keys = shape.get(LIST_KEYS) if shape else None
    if keys and isinstance(item, dict):
        present = {key: item.get(key, KEY_DEFAULTS.get(key)) for key in keys}
        return key_step({key: value for key, value in present.items() if value is not None})
    return value_step(item)


def parts_of(shape: Shape, value: Any) -> Parts:
    """Give the parts of a map or a list that is not whole: by step, with their shapes."""
    if isinstance(value, dict):
        return {field_step(name): (of_field(shape, name), part) for name, part in value.items()}
    item = of_item(shape)
    return {step_to(shape, part): (item, part) for part in value or ()}


def fields_of(shape: Shape, value: Any, path: Path = ()) -> Iterator[Path]:
    """Give every field that a document sets."""
    if is_whole(shape, value):
        yield path
        return
    for step, (below, part) in parts_of(shape, value).items():
        at = (*path, step)
        if not is_whole(below, part):
            yield from fields_of(below, part, at)
        if is_whole(below, part) or part == {} or not (isinstance(value, dict) and declares(shape, step[2:])):
            yield at


@dataclass(frozen=True, slots=True)
class Difference:
    """Which fields a document has more, other and fewer than another."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)


def compare(shape: Shape, old: Any, new: Any, path: Path = (), into: Difference | None = None) -> Difference:
    """Compare two documents of one shape."""
    found = Difference() if into is None else into
    if old is not ABSENT and old == new:
        return found
    wholes = [is_whole(shape, value) for value in (old, new) if value is not ABSENT and value is not None]
    if all(wholes) and (wholes or ABSENT not in (old, new)):
        _note(found, path, old, new)
        if old is not ABSENT and new is not ABSENT:
            found.modified.add(path)
        return found
    before, after = (_parts(shape, value) for value in (old, new))
    for step in {**before, **after}:
        below = (before.get(step) or after[step])[0]
        pair = [parts[step][1] if step in parts else ABSENT for parts in (before, after)]
        compare(below, pair[0], pair[1], (*path, step), found)
    _note(found, path, old, new)
    return found


def _parts(shape: Shape, value: Any) -> Parts:
    return {} if value is ABSENT or value is None or is_whole(shape, value) else parts_of(shape, value)


def _note(found: Difference, path: Path, old: Any, new: Any) -> None:
    if old is ABSENT:
        found.added.add(path)
    elif new is ABSENT:
        found.removed.add(path)


def merged(shape: Shape, old: Any, new: Any) -> Any:
    """Lay `new` over `old`: maps and keyed lists field by field, everything else whole."""
    if old is ABSENT or old is None or type(old) is not type(new) or is_whole(shape, new):
        return new
    if isinstance(new, dict):
        laid = {name: merged(of_field(shape, name), old.get(name, ABSENT), part) for name, part in new.items()}
        return {**old, **laid}
    return _merged_list(shape, old, new)


def _merged_list(shape: Shape, old: list[Any], new: list[Any]) -> list[Any]:
    """Keep the order of `new`; what only `old` has stays where it stood, as far as that goes."""
    item = of_item(shape)
    before = {step_to(shape, part): part for part in old}
    after = {step_to(shape, part): part for part in new}
    result, waiting = [], list(after)
    for step, part in before.items():
        if step not in after:
            result.append(part)
            continue
        while step in waiting:
            following = waiting.pop(0)
            result.append(merged(item, before.get(following, ABSENT), after[following]))
    return [*result, *(merged(item, before.get(step, ABSENT), after[step]) for step in waiting)]


def without(shape: Shape, value: Any, gone: set[Path], kept: set[Path]) -> Any:
    """Take the fields of `gone` out of a document; a place that is emptied goes too, unless `kept` has it."""
    return _without(shape, value, (), gone, _prefixes(gone), _prefixes(kept))


def _prefixes(paths: set[Path]) -> set[Path]:
    return {path[:length] for path in paths for length in range(1, len(path) + 1)}


def _without(shape: Shape, value: Any, path: Path, gone: set[Path], touched: set[Path], held: set[Path]) -> Any:
    if is_whole(shape, value):
        return value
    left = []
    for step, (below, part) in parts_of(shape, value).items():
        at = (*path, step)
        if at in gone and at not in held:
            continue
        if at in touched:
            part = _without(below, part, at, gone, touched, held)  # noqa: PLW2901 - the part as it is left
            if part in ({}, []) and at not in held:
                continue
        left.append((step, part))
    if isinstance(value, list):
        return [part for _, part in left]
    result: Obj = {step[2:]: part for step, part in left}
    return result
