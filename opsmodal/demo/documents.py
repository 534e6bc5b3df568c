"""What every part of the simulated cluster handles: Kubernetes objects as plain JSON documents.

A document that has been stored is never changed in place: whoever wants another one takes a copy first. Nothing here
knows what a field means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

Obj = dict[str, Any]
"""A JSON object. `Any` stays here: the simulated cluster hands on foreign documents, it does not model them."""

encode = msgspec.json.encode
decode = msgspec.json.decode


def copied(document: Obj) -> Obj:
    """Give a deep copy. A round trip through JSON was measured at a third of the time of `copy.deepcopy`."""
    result: Obj = decode(encode(document))
    return result


def dig(document: Mapping[str, Any] | None, *path: str) -> Any:
    """Give the value at `path`, or None where any step of it is missing or null."""
    value: Any = document
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def labels_of(document: Obj) -> dict[str, str]:
    """Give the labels of an object, empty when it has none."""
    return dig(document, "metadata", "labels") or {}


def annotations_of(document: Obj) -> dict[str, str]:
    """Give the annotations of an object, empty when it has none."""
    return dig(document, "metadata", "annotations") or {}


def name_of(document: Obj) -> str:
    """Give the name of an object."""
    return str(dig(document, "metadata", "name") or "")


def namespace_of(document: Obj) -> str:
    """Give the namespace of an object, empty for what belongs to the cluster."""
    return str(dig(document, "metadata", "namespace") or "")


def uid_of(document: Obj) -> str:
    """Give the uid of an object."""
    return str(dig(document, "metadata", "uid") or "")


def is_leaving(document: Obj) -> bool:
    """Tell whether an object has been deleted and only waits for its finalizers or its grace period."""
    return bool(dig(document, "metadata", "deletionTimestamp"))


def controller_of(document: Obj) -> Obj | None:
    """Give the owner reference of the object's controller."""
    owners: list[Obj] = dig(document, "metadata", "ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def owned_by(owner: Obj) -> Obj:
    """Make the owner reference that a controller writes into what it makes of `owner`."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }
