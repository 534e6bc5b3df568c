"""Reads what is typed behind `kubectl patch -p`: one JSON or YAML value, or the steps of a JSON patch.

kubectl hands JSON on as it is and turns YAML into it, and the server reads that again. Where readers may differ
(keys that are repeated, anchors, merge keys, tags) the body is refused. A JSON patch is given as fragments of the
object that its steps change, so that all three types of patch are judged by one walk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from opsmodal.guard.kubectl.rules import Refused

DEPTH_MAX = 40
"""Levels that a body may have: a pod's deepest field has 14."""
YAML_MAX = 1_000
"""Characters of a body that is YAML and not JSON; 4,000 of nothing but brackets took 1.5 s to be refused."""
BRACKETS_MAX = 100
COPIED: Any = object()
"""Stands for a value that a step of a JSON patch takes from elsewhere in the object, or puts in the place of all."""
WHOLE = frozenset({"spec", "template", "jobtemplate", "metadata"})
"""Fields that hold a specification: whoever replaces one as a whole takes away what it restricts."""
LISTS = frozenset({"containers", "initcontainers", "ephemeralcontainers", "volumes"})
"""Lists of a pod. Whoever puts an element in the place of another takes away what that one restricts, too."""


def body(text: str) -> Any:
    """Read a body. Raise Refused for what two readers could take for two things, or none for anything."""
    try:
        value = _read(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Refused("kubectl-patch-body", "The patch cannot be read.") from error
    if _too_deep(value):
        raise Refused("kubectl-patch-body", "The patch is nested too deeply.")
    return value


def steps(value: Any) -> Iterator[Mapping[str, Any]]:
    """Give the fragments that the steps of a JSON patch change. Raise Refused."""
    if not isinstance(value, list) or not value:
        raise Refused("kubectl-patch-body", "A JSON patch is a list of steps.")
    for step in value:
        if not isinstance(step, dict) or not isinstance(step.get("path"), str):
            raise Refused("kubectl-patch-body", "A step of a JSON patch has op and path.")
        match step.get("op"):
            case "add" | "replace" if "value" in step:
                yield _fragment(step["path"], COPIED if _is_whole(step["path"]) else step["value"])
            case "remove":
                yield _fragment(step["path"], None)
            case "test":
                # It changes nothing, and is judged as if it did: so other readers of the steps may be less careful.
                yield _fragment(step["path"], step.get("value"))
            case "move" | "copy" if isinstance(step.get("from"), str):
                yield _fragment(step["path"], COPIED)
                yield _fragment(step["from"], None if step["op"] == "move" else COPIED)
            case _:
                raise Refused(
                    "kubectl-patch-body", "A step of a JSON patch is add, replace, remove, move, copy or test."
                )


def _is_whole(pointer: str) -> bool:
    """Tell whether a pointer ends in a specification, in a list of a pod or in an element of one.

    Inside metadata such a word is somebody's label.
    """
    *above, holder, last = ("", *pointer.lower().split("/"))
    return "metadata" not in (*above, holder) and (last in WHOLE | LISTS or holder in LISTS)


def _fragment(pointer: str, value: Any) -> Mapping[str, Any]:
    """Wrap a value in the keys of a JSON pointer (RFC 6901): `/spec/replicas` → {"spec": {"replicas": value}}."""
    if not pointer.startswith("/"):
        raise Refused("kubectl-patch-field", "A step of the patch is about the whole object.")
    wrapped = value
    for key in reversed(pointer[1:].split("/")):
        wrapped = {key.replace("~1", "/").replace("~0", "~"): wrapped}
    if _too_deep(wrapped):
        raise Refused("kubectl-patch-body", "The patch is nested too deeply.")
    return wrapped if isinstance(wrapped, dict) else {}


def _read(text: str) -> Any:
    """Read JSON as JSON; what begins like it and is none is YAML in its flowing style."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text, object_pairs_hook=_once)
        except json.JSONDecodeError:
            pass
    return _yaml(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice: which of the two holds depends on who reads it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _yaml(text: str) -> Any:
    if len(text) > YAML_MAX or text.count("[") + text.count("{") > BRACKETS_MAX:
        raise ValueError("it would take long to read")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        raise ValueError("nothing is there")
    return _plain(node, set())


def _plain(node: yaml.Node, seen: set[int]) -> Any:
    """Build what a node says. An alias leads to a node that was seen; `<<` would merge one into another."""
    if id(node) in seen:
        raise ValueError("an anchor is used")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        pairs = [(_key(key), _plain(value, seen)) for key, value in node.value]
        return _once(pairs)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, seen) for each in node.value]
    return yaml.SafeLoader("").construct_object(node)


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:merge":
        raise ValueError("a key is no text")
    return str(node.value)


def _too_deep(value: Any) -> bool:
    level, depth = [value], 0
    while level and depth <= DEPTH_MAX:
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return bool(level)
