"""Judge objects of custom kinds by their schema, and fill in its defaults. Pure.

Source of the words: k8s.io/kube-openapi validation and apiextensions-apiserver. Rules in CEL (x-kubernetes-validations)
are not evaluated: an object that only such a rule refuses is accepted here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsmodal.demo.documents import Obj, copied, encode
from opsmodal.demo.problems import Cause
from opsmodal.demo.schema.shapes import Shape, of_field, of_item, resolved
from opsmodal.demo.schema.strictness import JSON_TYPES

EITHER = "x-kubernetes-int-or-string"
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
SCHEMA_TYPES = {"bool": "boolean", "number": "number"}


def _is(value: Any, type_: str) -> bool:
    if isinstance(value, bool):
        return type_ == "boolean"
    if type_ == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(type_, (object,)))


def _type_of(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "integer"
    word = next(word for type_, word in JSON_TYPES if isinstance(value, type_))
    return SCHEMA_TYPES.get(word, word)


def _shown(value: Any) -> str:
    return encode(value).decode()


def _bad(field: str, value: Any, words: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {_shown(value)}: {field} in body {words}")


Rule = Callable[[Any, Any, str], Cause | None]


def _enum(value: Any, allowed: Any, at: str) -> Cause | None:
    if value in allowed:
        return None
    words = ", ".join(_shown(item) for item in allowed)
    return Cause("FieldValueNotSupported", at, f"Unsupported value: {_shown(value)}: supported values: {words}")


def _max_length(value: Any, most: Any, at: str) -> Cause | None:
    if len(value) <= most:
        return None
    return Cause("FieldValueTooLong", at, f"Too long: may not be more than {most} bytes")


def _max_items(value: Any, most: Any, at: str) -> Cause | None:
    if len(value) <= most:
        return None
    return Cause("FieldValueTooMany", at, f"Too many: {len(value)}: must have at most {most} items")


def _rule(holds: Callable[[Any, Any], bool], words: str, shown: Callable[[Any], Any] = lambda value: value) -> Rule:
    def judge(value: Any, limit: Any, at: str) -> Cause | None:
        return None if holds(value, limit) else _bad(at, shown(value), words.format(limit))

    return judge


RULES: Mapping[str, tuple[tuple[str, Rule], ...]] = {
    "string": (
        ("minLength", _rule(lambda v, n: len(v) >= n, "should be at least {} chars long")),
        ("maxLength", _max_length),
        ("pattern", _rule(lambda v, p: re.search(p, v) is not None, "should match '{}'")),
    ),
    "number": (
        ("minimum", _rule(lambda v, n: v >= n, "should be greater than or equal to {}")),
        ("maximum", _rule(lambda v, n: v <= n, "should be less than or equal to {}")),
        ("multipleOf", _rule(lambda v, n: v % n == 0, "should be a multiple of {}")),
    ),
    "array": (
        ("minItems", _rule(lambda v, n: len(v) >= n, "should have at least {} items", len)),
        ("maxItems", _max_items),
    ),
    "object": (("minProperties", _rule(lambda v, n: len(v) >= n, "should have at least {} properties", len)),),
}


def judge(shape: Shape, value: Any, at: str = "") -> Iterator[Cause]:
    """Give what is wrong with a value."""
    if shape is None:
        return
    if value is None:
        if not shape.get("nullable") and "type" in shape:
            yield _mistyped(at, "null", shape["type"])
        return
    if shape.get(EITHER):
        if not (_is(value, "integer") or _is(value, "string")):
            yield _mistyped(at, _type_of(value), "integer,string")
        return
    wanted = shape.get("type")
    if wanted and not _is(value, wanted):
        yield _mistyped(at, _type_of(value), wanted)
        return
    yield from _judge_value(shape, value, at)
    yield from _judge_parts(shape, value, at)


def _mistyped(at: str, given: str, wanted: str) -> Cause:
    # the real server shows the type where the value belongs
    return Cause(
        "FieldValueTypeInvalid", at, f'Invalid value: "{given}": {at} in body must be of type {wanted}: "{given}"'
    )


def _judge_value(shape: Obj, value: Any, at: str) -> Iterator[Cause]:
    if "enum" in shape and (cause := _enum(value, shape["enum"], at)):
        yield cause
    type_ = "number" if isinstance(value, int | float) else _type_of(value)
    for name, rule in RULES.get(type_, ()):
        if name in shape and (cause := rule(value, shape[name], at)):
            yield cause
    for part in shape.get("allOf") or ():
        yield from judge(resolved(part), value, at)
    for name, words in (("anyOf", "must validate at least one schema (anyOf)"), ("oneOf", "one and only one (oneOf)")):
        options = shape.get(name)
        if options and not any(not list(judge(option, value, at)) for option in options):
            yield _bad(at, value, words if name == "anyOf" else f"must validate {words}")


def _judge_parts(shape: Obj, value: Any, at: str) -> Iterator[Cause]:
    if isinstance(value, dict):
        for name in shape.get("required") or ():
            if name not in value:
                yield Cause("FieldValueRequired", f"{at}.{name}" if at else name, "Required value")
        for name, part in value.items():
            if at or name not in ("metadata", "apiVersion", "kind"):
                yield from judge(of_field(shape, name), part, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        item = of_item(shape)
        for place, part in enumerate(value):
            yield from judge(item, part, f"{at}[{place}]")


def fill(shape: Shape, value: Any) -> None:
    """Put the defaults of a schema into a value."""
    if shape is None:
        return
    if isinstance(value, dict):
        for name, below in (shape.get("properties") or {}).items():
            if "default" in below and value.get(name) is None:
                value[name] = copied(below)["default"]
        for name, part in value.items():
            if name != "metadata":
                fill(of_field(shape, name), part)
    elif isinstance(value, list):
        item = of_item(shape)
        for part in value:
            fill(item, part)
