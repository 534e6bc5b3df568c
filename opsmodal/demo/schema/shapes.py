"""The shape of every kind that is served, built in or custom, and how to walk down it beside a document.

A shape is an OpenAPI v3 schema. None stands for a place of which nothing is known: there maps hold separate fields and
lists are one value. Custom kinds bring their own schema; they get the metadata of all objects here.
"""

from __future__ import annotations

from functools import cache

from opsmodal.demo.documents import Obj
from opsmodal.demo.kinds import Kind
from opsmodal.demo.schema import models

Shape = Obj | None
OPEN = "x-kubernetes-preserve-unknown-fields"
METADATA: Obj = {"$ref": models.REF + models.reference("V1ObjectMeta")}
HEAD: Obj = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": METADATA}


def resolved(shape: Shape) -> Shape:
    """Follow references: give the schema itself."""
    while shape is not None:
        reference = shape.get("$ref")
        if reference is None and "allOf" in shape and "properties" not in shape:
            reference = shape["allOf"][0].get("$ref")
        if reference is None:
            return shape
        shape = models.shared(reference)
    return None


def of_field(shape: Shape, name: str) -> Shape:
    """Give the shape of a field of a resolved shape, None when nothing is known of it."""
    if shape is None:
        return None
    declared = (shape.get("properties") or {}).get(name)
    if declared is None:
        more = shape.get("additionalProperties")
        declared = more if isinstance(more, dict) else None
    return resolved(declared)


def declares(shape: Shape, name: str) -> bool:
    """Tell whether a resolved shape names a field, other than as any key of a map."""
    return shape is not None and name in (shape.get("properties") or {})


def of_item(shape: Shape) -> Shape:
    """Give the shape of the items of a list."""
    items = shape.get("items") if shape else None
    return resolved(items if isinstance(items, dict) else None)


def is_open(shape: Shape) -> bool:
    """Tell whether a map of this shape takes any field."""
    if shape is None or shape.get(OPEN) or "additionalProperties" in shape:
        return True
    return "properties" not in shape


@cache
def _built_in(kind: Kind) -> Shape:
    return models.schema_of(models.model_name(kind)) if models.has_model(kind) else None


def custom(schema: Obj) -> Obj:
    """Give the shape of a custom kind out of the schema that its definition holds."""
    properties = (schema.get("properties") or {}) | HEAD
    return schema | {"type": "object", "properties": properties}


def shape_of(kind: Kind) -> Shape:
    """Give the shape of a kind, None when nothing is known of it (measurements, for instance)."""
    return dict(kind.custom.shape) if kind.custom else _built_in(kind)
