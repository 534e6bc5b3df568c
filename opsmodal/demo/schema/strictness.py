"""Fields that a kind does not have, and values of the wrong type: found, worded and taken out as the API server does.

Source of the words: apimachinery's strict decoding errors and Go's encoding/json. Pure; whether a finding refuses the
request or only warns is for the caller (`fieldValidation`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsmodal.demo.documents import Obj
from opsmodal.demo.schema.models import EITHER, QUANTITY, SHARED
from opsmodal.demo.schema.shapes import Shape, is_open, of_field, of_item

STRICT = "strict decoding error: "
LOOSE = (SHARED[EITHER], SHARED[QUANTITY])
JSON_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "number"),
    (float, "number"),
    (str, "string"),
    (dict, "object"),
    (list, "array"),
)


class Mistyped(Exception):
    """A value that does not fit its field."""

    def __init__(self, owner: str, path: str, value: Any, wanted: str) -> None:
        super().__init__(f"json: cannot unmarshal {_json_type(value)} into Go struct field {owner}.{path} of {wanted}")
        self.path = path
        self.given = _json_type(value)
        self.wanted = wanted


def _json_type(value: Any) -> str:
    return next(word for type_, word in JSON_TYPES if isinstance(value, type_))


def _go_type(shape: Obj) -> str:
    type_ = shape.get("type")
    if type_ == "integer":
        return str(shape.get("format", "int32"))
    if type_ == "array":
        item = of_item(shape)
        return f"[]{_go_type(item) if item else 'string'}"
    if type_ == "object" and "x-model" not in shape:
        value = of_field(shape, "")
        return f"map[string]{_go_type(value) if value else 'string'}"
    words = {"boolean": "bool", "number": "float64", "object": f"v1.{shape.get('x-model')}"}
    return words.get(str(type_), "string")


def _fits(shape: Obj, value: Any) -> bool:
    wanted = shape.get("type")
    if wanted == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    classes = {"string": str, "boolean": bool, "object": dict, "array": list}
    return isinstance(value, classes[wanted]) if wanted in classes else True


def check_types(shape: Shape, value: Any, *, owner: str = "", path: str = "") -> None:
    """Raise Mistyped for the first value that does not fit."""
    if shape is None or value is None or any(shape is loose for loose in LOOSE):
        return
    if not _fits(shape, value):
        raise Mistyped(owner, path, value, f"type {_go_type(shape)}")
    owner = str(shape.get("x-model", owner))
    if isinstance(value, dict):
        for name, part in value.items():
            check_types(of_field(shape, name), part, owner=owner, path=f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        item = of_item(shape)
        for part in value:
            check_types(item, part, owner=owner, path=path)


def unknown(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Give the path of each field that is not declared: `spec.containers[0].imagee`."""
    if shape is None:
        return
    if isinstance(value, dict):
        closed = not is_open(shape)
        for name, part in value.items():
            at = f"{path}.{name}" if path else name
            if closed and name not in shape["properties"]:
                yield at
            else:
                yield from unknown(of_field(shape, name), part, at)
    elif isinstance(value, list):
        item = of_item(shape)
        for place, part in enumerate(value):
            yield from unknown(item, part, f"{path}[{place}]")


def words_of(paths: list[str]) -> str:
    """Word what is unknown as one refusal."""
    return STRICT + ", ".join(map(warning, paths))


def warning(path: str) -> str:
    """Word one unknown field."""
    return f'unknown field "{path}"'


def pruned(shape: Shape, value: Any) -> Any:
    """Give the value without the fields that are not declared."""
    if shape is None or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        item = of_item(shape)
        return [pruned(item, part) for part in value]
    closed = not is_open(shape)
    return {
        name: pruned(of_field(shape, name), part)
        for name, part in value.items()
        if not closed or name in shape["properties"]
    }
