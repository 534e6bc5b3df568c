"""Reads YAML into values that know their lines, so that every mistake can be shown where it stands.

Refuses what a registry never needs and attackers like: anchors and aliases (a few lines that unfold to gigabytes),
tags (objects of the parser), deep nesting, huge documents, and keys that stand twice. Scalars follow YAML 1.2's core
schema, so that `no` is a text and 010 is ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from opsmodal.errors import Problem

DOCUMENT_MAX_BYTES = 3_000_000
"""As large as a request body may be; a registry of ten thousand services is smaller."""
DEPTH_MAX = 16
PROBLEMS_MAX = 50
"""Nobody reads more at once."""

Plain = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(slots=True)
class Node:
    """A value and its line (0 where it comes from no document); `keys` holds the lines of a mapping's keys."""

    value: Plain | list[Node] | dict[str, Node]
    line: int = 0
    keys: dict[str, int] = field(default_factory=dict)


class Unreadable(Exception):
    """The text is no document: `problem` says why and where."""

    def __init__(self, sentence: str, *, line: int = 0, hint: str = "") -> None:
        super().__init__(sentence)
        self.problem = Problem(field="", sentence=sentence, hint=hint, line=line)


def read_tree(data: bytes, problems: list[Problem]) -> Node:
    """Read one YAML document; keys that stand twice are added to `problems`. Raise Unreadable when it is none."""
    if len(data) > DOCUMENT_MAX_BYTES:
        raise Unreadable(
            f"The document is larger than {DOCUMENT_MAX_BYTES // 1_000_000} MB.", hint="Split it: apply adds up."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable("The document is not UTF-8 text.", line=line, hint="Save it as UTF-8.") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _document(yaml.parse(text, Loader=loader), problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise Unreadable(f"This is not YAML: {error.problem or error.context}.", line=line) from None
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise Unreadable("The document holds characters that YAML does not allow.", line=line) from None


def plant(value: Any, depth: int = 0) -> Node:
    """Make a tree of plain values, as a form or the API sends them. Raise Unreadable when they are nested too deep."""
    if depth > DEPTH_MAX:
        raise Unreadable(f"The entry is nested deeper than {DEPTH_MAX} levels.")
    if isinstance(value, dict):
        return Node({str(key): plant(item, depth + 1) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return Node([plant(item, depth + 1) for item in value])
    return Node(value)


def plucked(node: Node) -> Any:
    """Give the plain values of a tree."""
    if isinstance(node.value, dict):
        return {key: plucked(item) for key, item in node.value.items()}
    return [plucked(item) for item in node.value] if isinstance(node.value, list) else node.value


def _document(events: Iterator[Any], problems: list[Problem]) -> Node:
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise Unreadable(
                    "There is more than one document in here.", line=_line(event), hint="Remove the “---”."
                )
            root = _node(next(events), events, "", problems)
    if root is None or root.value is None:
        raise Unreadable("The document is empty.", hint="It begins with: apiVersion: opsmodal/v1")
    return root


def _node(event: Any, events: Iterator[Any], path: str, problems: list[Problem], depth: int = 0) -> Node:
    line = _line(event)
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise Unreadable(
            "Anchors and aliases are not allowed.", line=line, hint="Write the value out where it is needed."
        )
    if getattr(event, "tag", None):
        raise Unreadable("Tags are not allowed.", line=line, hint="Write plain values; quote what must be text.")
    if depth > DEPTH_MAX:
        raise Unreadable(f"The document is nested deeper than {DEPTH_MAX} levels.", line=line)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(event, events, f"{path}[{len(items)}]", problems, depth + 1))
        return Node(items, line)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, line, path, problems, depth)
    return Node(resolved(event.value) if event.implicit[0] else event.value, line)


def _mapping(events: Iterator[Any], line: int, path: str, problems: list[Problem], depth: int) -> Node:
    values: dict[str, Node] = {}
    lines: dict[str, int] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise Unreadable("A key must be a word.", line=_line(event))
        key, where = str(event.value), f"{path}.{event.value}".lstrip(".")
        value = _node(next(events), events, where, problems, depth + 1)
        if key in values:
            sentence = f"The key “{key[:80]}” stands twice here, first on line {lines[key]}."
            if len(problems) < PROBLEMS_MAX:
                problems.append(Problem(field=where, sentence=sentence, hint="Keep one of them.", line=_line(event)))
            continue
        values[key], lines[key] = value, _line(event)
    return Node(values, line, lines)


def resolved(text: str) -> Plain:
    """Give what an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
