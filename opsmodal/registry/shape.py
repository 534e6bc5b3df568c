"""Holds a tree against a type of the schema and tells every problem at once, each where it stands.

msgspec itself stops at the first mistake and knows no lines. What passes here converts without an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import inspect

from opsmodal.errors import Problem
from opsmodal.registry.schema import LATER, FileRef
from opsmodal.registry.tree import PROBLEMS_MAX, Node

Path = tuple[str | int, ...]

SHOWN_MAX_CHARS = 40
"""A wrong value is shown when it is short: a longer one may be a key that was pasted into the wrong place."""


def words(path: Path) -> str:
    """Write a path as people do: `runtimes[0].connections[1].port`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


class Shape:
    """Check trees, collecting problems."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    @property
    def is_full(self) -> bool:
        """Tell whether so many problems were found that nobody reads more."""
        return len(self._problems) >= PROBLEMS_MAX

    def add(self, path: Path, line: int, sentence: str, hint: str = "") -> None:
        """Tell one problem."""
        if not self.is_full:
            self._problems.append(Problem(field=words(path), sentence=sentence, hint=hint, line=line))

    def check(self, node: Node, wanted: inspect.Type, path: Path) -> Any:
        """Give the plain value of a tree that fits; tell what does not."""
        if isinstance(wanted, inspect.Metadata):
            return self._described(node, wanted, path)
        if isinstance(wanted, inspect.UnionType):
            return self._union(node, wanted, path)
        if isinstance(wanted, inspect.StructType):
            return self._struct(node, wanted, path)
        if isinstance(wanted, inspect.VarTupleType):
            return self._list(node, wanted.item_type, path)
        if isinstance(wanted, inspect.DictType):
            return self._dict(node, wanted, path)
        return self._leaf(node, wanted, path, _named(wanted))

    def _described(self, node: Node, wanted: inspect.Metadata, path: Path) -> Any:
        description = (wanted.extra_json_schema or {}).get("description", "")
        return self._leaf(node, wanted.type, path, description or _named(wanted.type))

    def _leaf(self, node: Node, wanted: inspect.Type, path: Path, description: str) -> Any:
        try:
            return msgspec.to_builtins(msgspec.convert(node.value, _python_type(wanted)))
        except (msgspec.ValidationError, TypeError):
            hint = _leaf_hint(node.value, wanted)
            self.add(path, node.line, f"“{path[-1]}” must be {description}, not {_shown(node.value)}.", hint)
            return None

    def _union(self, node: Node, wanted: inspect.UnionType, path: Path) -> Any:
        kinds = [one for one in wanted.types if not isinstance(one, inspect.NoneType)]
        if node.value is None and len(kinds) < len(wanted.types):
            return None
        if len(kinds) == 1:
            return self.check(node, kinds[0], path)
        if untagged := _untagged(kinds, isinstance(node.value, dict)):
            return self.check(node, untagged, path)
        by_tag = {str(one.tag): one for one in kinds if isinstance(one, inspect.StructType)}
        return self._tagged(node, by_tag, path)

    def _tagged(self, node: Node, by_tag: dict[str, inspect.StructType], path: Path) -> Any:
        if not isinstance(node.value, dict):
            self.add(path, node.line, f"This must be a mapping of keys to values, not {_shown(node.value)}.")
            return None
        kind = node.value.get("kind")
        if kind is None:
            self.add((*path, "kind"), node.line, "“kind” is missing.", f"It is {_either(by_tag)}.")
            return None
        if not isinstance(kind.value, str) or kind.value not in by_tag:
            hint = closest(str(kind.value), by_tag) if isinstance(kind.value, str) else ""
            self.add((*path, "kind"), kind.line, f"“kind” must be {_either(by_tag)}, not {_shown(kind.value)}.", hint)
            return None
        return self._struct(node, by_tag[kind.value], path)

    def _struct(self, node: Node, wanted: inspect.StructType, path: Path) -> Any:
        if isinstance(node.value, str) and issubclass(wanted.cls, FileRef):
            node = Node({"file": node}, node.line)
        if not isinstance(node.value, dict):
            self.add(path, node.line, f"This must be a mapping of keys to values, not {_shown(node.value)}.")
            return None
        plain: dict[str, Any] = {} if wanted.tag is None else {"kind": wanted.tag}
        fields = {one.encode_name: one for one in wanted.fields}
        for key, item in node.value.items():
            if key in fields:
                plain[key] = self.check(item, fields[key].type, (*path, key))
            elif not self.is_full and not (key == "kind" and wanted.tag is not None):
                line = node.keys.get(key, node.line)
                self.add((*path, key), line, f"“{key[:80]}” is not a key that is known here.", _key_hint(key, wanted))
        for key, one in fields.items():
            if one.required and key not in node.value:
                self.add((*path, key), node.line, f"“{key}” is missing.", f"It is {_named(one.type)}.")
        return plain

    def _list(self, node: Node, wanted: inspect.Type, path: Path) -> Any:
        if not isinstance(node.value, list):
            self.add(path, node.line, f"“{path[-1]}” must be a list, not {_shown(node.value)}.", "Write: [one, two]")
            return None
        return [self.check(item, wanted, (*path, index)) for index, item in enumerate(node.value)]

    def _dict(self, node: Node, wanted: inspect.DictType, path: Path) -> Any:
        if not isinstance(node.value, dict):
            self.add(path, node.line, f"“{path[-1]}” must be a mapping of keys to values, not {_shown(node.value)}.")
            return None
        for key in node.value:
            self.check(Node(key, node.keys.get(key, node.line)), wanted.key_type, (*path, key))
        return {key: self.check(item, wanted.value_type, (*path, key)) for key, item in node.value.items()}


def _untagged(kinds: Sequence[inspect.Type], is_mapping: bool) -> inspect.Type | None:
    """Choose between a text and the mapping that may stand in its place; None where kinds tell them apart."""
    structs = [one for one in kinds if isinstance(one, inspect.StructType)]
    if len(structs) != 1 or structs[0].tag is not None:
        return None
    return structs[0] if is_mapping else next(one for one in kinds if one is not structs[0])


@cache
def type_of(wanted: Any) -> inspect.Type:
    """Describe a type, once."""
    return inspect.type_info(wanted)


def closest(word: str, known: Iterable[str]) -> str:
    """Guess what was meant."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean “{near[0]}”?" if near else ""


def _key_hint(key: str, wanted: inspect.StructType) -> str:
    for kind in wanted.cls.__mro__:
        if key in LATER.get(kind, ()):
            return "A later release of opsmodal brings it."
    known = [one.encode_name for one in wanted.fields]
    return closest(key, known) or f"Known here: {', '.join(known)}."


def _leaf_hint(value: Any, wanted: inspect.Type) -> str:
    if isinstance(wanted, inspect.StrType) and isinstance(value, bool | int | float):
        return "Put it in quotes if it is meant as a text."
    if isinstance(wanted, inspect.IntType | inspect.BoolType) and isinstance(value, str):
        return "Write it without quotes." if value.isdigit() or value in ("true", "false") else ""
    choices = _choices(wanted)
    return closest(value, choices) if isinstance(value, str) and choices else ""


def _named(wanted: inspect.Type) -> str:
    """Say in words what is wanted."""
    if isinstance(wanted, inspect.Metadata):
        return (wanted.extra_json_schema or {}).get("description", "") or _named(wanted.type)
    if isinstance(wanted, inspect.IntType):
        return "a whole number" + (f" from {wanted.ge} to {wanted.le}" if wanted.ge is not None else "")
    if isinstance(wanted, inspect.BoolType):
        return "true or false"
    if isinstance(wanted, inspect.StructType):
        return "a file's name" if issubclass(wanted.cls, FileRef) else "a mapping"
    if isinstance(wanted, inspect.VarTupleType):
        return "a list"
    choices = _choices(wanted)
    return _either(choices) if choices else "a text"


def _choices(wanted: inspect.Type) -> Sequence[str]:
    if isinstance(wanted, inspect.EnumType):
        return [str(one.value) for one in wanted.cls]
    return [str(one) for one in wanted.values] if isinstance(wanted, inspect.LiteralType) else []


def _either(choices: Iterable[str]) -> str:
    listed = list(choices)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)[:SHOWN_MAX_CHARS]
    short = len(value) <= SHOWN_MAX_CHARS and value.isprintable()
    return f"“{value}”" if short else f"a text of {len(value)} characters"


def _python_type(wanted: inspect.Type) -> Any:
    """Turn a description back into the type that msgspec converts to."""
    if isinstance(wanted, inspect.StrType):
        return _annotated(str, pattern=wanted.pattern, min_length=wanted.min_length, max_length=wanted.max_length)
    if isinstance(wanted, inspect.IntType):
        return _annotated(int, ge=wanted.ge, le=wanted.le)
    if isinstance(wanted, inspect.EnumType):
        return wanted.cls
    if isinstance(wanted, inspect.LiteralType):
        return Literal[tuple(wanted.values)]
    return bool


def _annotated(kind: type, **bounds: Any) -> Any:
    given = {name: value for name, value in bounds.items() if value is not None}
    return Annotated[kind, msgspec.Meta(**given)] if given else kind
