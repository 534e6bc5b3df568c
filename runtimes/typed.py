"""Reads a manifest that a person typed: one YAML document, and nothing that could be taken in two ways. Pure.

Refused with the line: aliases (a few lines of them unfold to gigabytes), keys that stand twice (the last one would win
in silence), tags of other types, and what is nested so deep that it would exhaust whoever reads it. There is one such
reader: who judges a manifest must not take a value for another one than who sends it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from runtimes.errors import Invalid

Obj = dict[str, Any]

TEXT_MAX_CHARS = 1_572_864
"""etcd takes no larger request by default (--max-request-bytes)."""
DEEPEST = 64
"""Nesting; a pod template of many volumes has a dozen levels. libyaml's composer crashes at some 100,000."""
EVENTS_MAX = 50_000
"""Parts of the text: keys, values, beginnings and ends. 100 containers of 50 variables each have 30,000; a megabyte of
short ones takes 700,000, and half a minute in which a gevent worker serves nobody (measured: 36 µs each)."""
_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
TAG = "tag:yaml.org,2002:"
PLAIN = tuple(f"{TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))
"""What JSON has. PyYAML would make bytes of `!!binary`, which are another text once they are sent."""
REREAD = frozenset({f"{TAG}{name}" for name in ("timestamp", "merge", "value", "int", "float")})
INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)\Z")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
"""What the API takes for numbers (go-yaml v2, resolve.go); PyYAML would make 28,920 of 8:02 and text of 1e3."""


class _Plain(_Loader):  # type: ignore[misc]  # one of two of the same kind
    """Reads times as the text that they are, and numbers as the API does."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (as PyYAML has it)
        sign: [(tag, shape) for tag, shape in resolvers if tag not in REREAD]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _finite(loader: Any, node: Any) -> float:
    """Read a number that JSON has as well: what is too large would be sent as null, and judged as another value."""
    value: float = loader.construct_yaml_float(node)
    if not math.isfinite(value):
        raise _at(node, "this number is too large", "Put it in quotes where it is a text.")
    return value


_Plain.add_constructor(f"{TAG}float", _finite)
_Plain.add_implicit_resolver(f"{TAG}int", INTEGER, list("-+0123456789"))
_Plain.add_implicit_resolver(f"{TAG}float", FLOAT, list("-+0123456789."))


def read(text: str) -> Obj:
    """Read a manifest. Raise Invalid with the line where it cannot be one."""
    if len(text) > TEXT_MAX_CHARS:
        raise Invalid("The manifest is larger than a cluster takes.", hint="An object has at most 1.5 MB.")
    try:
        _check_events(text)
        loader = _Plain(text)
        try:
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                raise Invalid("The manifest is no object.", hint="It has apiVersion, kind, metadata and spec.")
            _check_keys(node)
            document: Obj = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"Line {mark.line + 1}: " if mark else ""
        raise Invalid(f"{where}this is not YAML: {error.problem or error.context}.") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise Invalid("The manifest holds what YAML does not allow, such as control characters.") from None
    return document


def _check_events(text: str) -> None:
    """Look at what comes without building anything: aliases, nesting and a second document."""
    depth = documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if count > EVENTS_MAX:
            raise _at(event, f"up to here there are more than {EVENTS_MAX:,} parts", "No workload needs that many.")
        if isinstance(event, yaml.AliasEvent):
            raise _at(event, "an alias is not taken here", "Write out what it stands for.")
        if (getattr(event, "tag", None) or PLAIN[0]) not in PLAIN:
            raise _at(event, "a tag of another type is not taken here", "Write the value as text.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _at(event, f"this is nested deeper than {DEEPEST} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _at(event, "a second document begins here", "One manifest is one object.")


def _check_keys(root: yaml.Node) -> None:
    for mapping in _mappings(root):
        seen = set()
        for key, _ in mapping.value:
            if key.tag != f"{TAG}str":
                raise _at(key, "a key is no text", "Put it in quotes.")
            if key.value in seen:
                raise _at(key, f'the key "{key.value[:100]}" stands twice')
            seen.add(key.value)


def _mappings(root: yaml.Node) -> Iterator[yaml.MappingNode]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting.extend(value for _, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def _at(where: Any, why: str, hint: str = "") -> Invalid:
    return Invalid(f"Line {where.start_mark.line + 1}: {why}.", hint=hint)
