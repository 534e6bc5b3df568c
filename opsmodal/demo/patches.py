"""The three ways to patch an object: merge (RFC 7386), JSON Patch (RFC 6902) and Kubernetes' strategic merge.

Pure. Strategic merge knows the lists that Kubernetes merges by a key; lists it does not know are replaced whole, as
there. Written here because the demo should not bring a dependency that nothing else of opsmodal needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opsmodal.demo.documents import Obj, copied
from opsmodal.demo.problems import Problem, bad_request

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "port"),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "conditions": ("type",),
    "addresses": ("type",),
    "ownerReferences": ("uid",),
    "secrets": ("name",),
}
"""Lists of objects that are merged, with the key of their items (the `patchMergeKey` of k8s.io/api)."""
REJECTED = "the server rejected our request due to an error in our request"
MERGED_PRIMITIVES = ("finalizers",)
DIRECTIVE = "$patch"
ORDER = "$setElementOrder/"
REMOVED = "$deleteFromPrimitiveList/"


def merge(document: Any, patch: Any) -> Any:
    """Apply an RFC 7386 merge patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def strategic(document: Any, patch: Any) -> Any:
    """Apply a strategic merge patch."""
    if not isinstance(patch, dict):
        return patch
    if patch.get(DIRECTIVE) == "replace":
        return {name: value for name, value in patch.items() if name != DIRECTIVE}
    result = dict(document) if isinstance(document, dict) else {}
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith(REMOVED):
            field = name.removeprefix(REMOVED)
            result[field] = [item for item in result.get(field) or () if item not in value]
        elif name.startswith("$"):
            continue
        elif value is None:
            result.pop(name, None)
        elif isinstance(value, list):
            result[name] = _list(name, result.get(name) or [], value, patch.get(ORDER + name))
        else:
            result[name] = strategic(result.get(name), value)
    return result


def _list(name: str, old: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    if name in MERGED_PRIMITIVES:
        return [*old, *(item for item in patch if item not in old)]
    key = _key(name, patch) or _key(name, order or [])
    if not key:
        return patch
    if any(item.get(DIRECTIVE) == "replace" for item in patch):
        return [item for item in patch if DIRECTIVE not in item]
    merged = {item.get(key): item for item in old}
    for item in patch:
        if item.get(DIRECTIVE) == "delete":
            merged.pop(item.get(key), None)
        else:
            merged[item.get(key)] = strategic(merged.get(item.get(key)), item)
    ranks = {item.get(key): rank for rank, item in enumerate(order or ())}
    return sorted(merged.values(), key=lambda item: ranks.get(item.get(key), len(ranks)))


def _key(name: str, items: Sequence[Any]) -> str:
    candidates = MERGE_KEYS.get(name, ())
    return next((key for key in candidates if any(isinstance(item, dict) and key in item for item in items)), "")


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"invalid path {pointer}")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _parent(document: Any, steps: Sequence[str]) -> Any:
    for step in steps[:-1]:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _read(document: Any, steps: Sequence[str]) -> Any:
    parent = _parent(document, steps)
    return parent[int(steps[-1])] if isinstance(parent, list) else parent[steps[-1]]


def _add(document: Any, steps: Sequence[str], value: Any) -> None:
    parent = _parent(document, steps)
    if not isinstance(parent, list):
        parent[steps[-1]] = value
    elif steps[-1] == "-":
        parent.append(value)
    elif int(steps[-1]) > len(parent):
        raise IndexError(steps[-1])
    else:
        parent.insert(int(steps[-1]), value)


def _remove(document: Any, steps: Sequence[str]) -> Any:
    parent = _parent(document, steps)
    return parent.pop(int(steps[-1])) if isinstance(parent, list) else parent.pop(steps[-1])


def _replace(document: Any, steps: Sequence[str], value: Any) -> None:
    parent = _parent(document, steps)
    if isinstance(parent, list):
        parent[int(steps[-1])] = value
    else:
        parent[steps[-1]] = value


def _test(document: Any, steps: Sequence[str], operation: Obj) -> None:
    if _read(document, steps) != operation.get("value"):
        raise AssertionError(operation["path"])


STEPS: Mapping[str, Callable[[Any, Sequence[str], Obj], object]] = {
    "add": lambda document, steps, operation: _add(document, steps, operation["value"]),
    "remove": lambda document, steps, _: _remove(document, steps),
    "replace": lambda document, steps, operation: _replace(document, steps, operation["value"]),
    "test": _test,
    "move": lambda document, steps, operation: _add(document, steps, _remove(document, _steps(operation["from"]))),
    "copy": lambda document, steps, operation: _add(document, steps, _read(document, _steps(operation["from"]))),
}


def json_patch(document: Obj, operations: Sequence[Obj]) -> Obj:
    """Apply an RFC 6902 patch to a copy. Raise a 422 Problem when an operation does not apply."""
    result = copied(document)
    for operation in operations:
        try:
            STEPS[operation["op"]](result, _steps(operation["path"]), operation)
        except (AssertionError, KeyError, IndexError, ValueError, TypeError):
            raise Problem(422, "Invalid", REJECTED) from None
    return result


def apply(content_type: str, document: Obj, patch: Any) -> Obj:
    """Apply `patch` in the way that its content type says."""
    if content_type == JSON_PATCH:
        if not isinstance(patch, list):
            raise bad_request(
                "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
            )
        return json_patch(document, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    changed: Obj = (strategic if content_type == STRATEGIC else merge)(document, patch)
    return changed
