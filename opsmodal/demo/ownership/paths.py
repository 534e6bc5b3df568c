"""Sets of fields, as `managedFields` writes them (FieldsV1) and as conflicts name them.

A path is a tuple of steps in the words of FieldsV1: `f:spec`, `k:{"name":"web"}`, `v:"text"`. A set of fields is a
plain set of paths. Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and the FieldsV1 type.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from opsmodal.demo.documents import Obj, decode, encode

Path = tuple[str, ...]
Fields = frozenset[Path]
SELF = "."
NOTHING: Fields = frozenset()


def field_step(name: str) -> str:
    """Give the step to a field of a map."""
    return f"f:{name}"


def key_step(keys: Obj) -> str:
    """Give the step to the item of a list that has these keys."""
    return "k:" + encode(dict(sorted(keys.items()))).decode()


def value_step(value: Any) -> str:
    """Give the step to one value of a set."""
    return "v:" + encode(value).decode()


def written(fields: Collection[Path]) -> Obj:
    """Write a set of fields as FieldsV1."""
    root: Obj = {}
    for path in sorted(fields):
        node = root
        for step in path:
            node = node.setdefault(step, {})
        node[SELF] = {}
    return _without_needless_dots(root)


def _without_needless_dots(node: Obj) -> Obj:
    if list(node) == [SELF]:
        return {}
    return {step: _without_needless_dots(below) if step != SELF else below for step, below in sorted(node.items())}


def read(node: Obj) -> Fields:
    """Read FieldsV1."""
    return frozenset(_read(node, ()))


def _read(node: Obj, path: Path) -> Iterator[Path]:
    for step, below in node.items():
        if step == SELF:
            yield path
        elif below:
            yield from _read(below, (*path, step))
        else:
            yield (*path, step)


def under(path: Path, prefix: Path) -> bool:
    """Tell whether a path is `prefix` or below it."""
    return path[: len(prefix)] == prefix


def shown(path: Path) -> str:
    """Write a path as conflicts do: `.spec.containers[name="main"].image`."""
    parts = []
    for step in path:
        content = step[2:]
        if step.startswith("f:"):
            parts.append(f".{content}")
        elif step.startswith("k:"):
            keys = ",".join(f"{name}={encode(value).decode()}" for name, value in decode(content).items())
            parts.append(f"[{keys}]")
        else:
            parts.append(f"[={content}]")
    return "".join(parts)
