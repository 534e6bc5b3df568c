"""The schemas of the built-in kinds, made at run time out of the typed models of the Kubernetes client library.

The library is a dependency anyway and carries each field's name, type and description; so nothing of Kubernetes' own
text is kept here. Models come in two forms: pydantic models (newer clients) and plain classes with
documented properties. Knows nothing of custom kinds.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from opsmodal.demo.documents import Obj
from opsmodal.demo.kinds import Kind
from opsmodal.demo.schema import facts

VERSIONED = re.compile(r"^(?:[A-Z][a-z]+(?=V\d))?V\d+(?:(?:alpha|beta)\d+)?(?=[A-Z])")
LISTS = re.compile(r"[Ll]ist\[(.+)\]$")
MAPS = re.compile(r"(?:Dict\[str, (.+)\]|dict\(str, (.+)\))$")
NOTE = re.compile(r"\s*# noqa: E501\s*")
SCALARS: dict[str, Obj] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "float": {"type": "number", "format": "double"},
    "datetime": {"type": "string", "format": "date-time"},
    "bytes": {"type": "string", "format": "byte"},
}
REF = "#/components/schemas/"
QUANTITY, EITHER = "io.k8s.apimachinery.pkg.api.resource.Quantity", "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
SHARED: dict[str, Obj] = {
    QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}], "description": "An amount, such as 500m or 2Gi."},
    EITHER: {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "format": "int-or-string",
        "description": "A whole number or a text.",
    },
}
PECULIAR = {("", "Event"): "CoreV1Event", ("events.k8s.io", "Event"): "EventsV1Event"}


def plain_name(model: str) -> str:
    """Give the name of a type without its version: `V1PodSpec` is `PodSpec`."""
    return VERSIONED.sub("", model)


def reference(model: str) -> str:
    """Give the name by which a document refers to a type; kubectl shows what follows its last dot."""
    name = plain_name(model)
    return f"io.k8s.{model[: -len(name)].lower() or 'v1'}.{name}"


def model_name(kind: Kind) -> str:
    """Give the name of the model of a kind."""
    return PECULIAR.get((kind.group, kind.name)) or f"{kind.version.capitalize()}{kind.name}"


def _model(name: str) -> Any:
    """Give a model of the client library, None when it has none of that name."""
    from kubernetes.client import models

    return getattr(models, name, None)


def has_model(kind: Kind) -> bool:
    """Tell whether the client library knows a kind."""
    return _model(model_name(kind)) is not None


def _descriptions(model: Any) -> dict[str, str]:
    if fields := getattr(model, "model_fields", None):
        return {name: field.description or "" for name, field in fields.items()}
    return {name: _of_property(getattr(model, name).__doc__ or "") for name in model.openapi_types}


def _of_property(text: str) -> str:
    """Read the description out of the documentation of a property: its second paragraph."""
    parts = [NOTE.sub(" ", part).strip() for part in text.split("\n\n")]
    return parts[1] if len(parts) > 1 and not parts[1].startswith(":") else ""


def _required(model: Any) -> set[str]:
    if fields := getattr(model, "model_fields", None):
        return {name for name, field in fields.items() if field.is_required()}
    from kubernetes.client import Configuration

    empty = model(local_vars_configuration=_lenient(Configuration()))
    empty.local_vars_configuration.client_side_validation = True
    return {name for name in model.openapi_types if _refuses_none(empty, name)}


def _lenient(configuration: Any) -> Any:
    configuration.client_side_validation = False
    return configuration


def _refuses_none(instance: Any, name: str) -> bool:
    try:
        setattr(instance, name, None)
    except ValueError:
        return True
    return False


def _type(type_: str, owner: str, field: str) -> Obj:
    """Give the schema of a field's type, as the client library writes it."""
    if found := LISTS.match(type_):
        return {"type": "array", "items": _type(found[1], owner, "")} | _merging(owner, field)
    if found := MAPS.match(type_):
        value = {"$ref": REF + QUANTITY} if field in facts.QUANTITY_MAPS else _type(found[1] or found[2], owner, "")
        atomic = {"x-kubernetes-map-type": "atomic"} if (owner, field) in facts.ATOMIC_MAPS else {}
        return {"type": "object", "additionalProperties": value} | atomic
    if (owner, field) in facts.QUANTITIES:
        return {"$ref": REF + QUANTITY}
    return _single(type_, field)


def _single(type_: str, field: str) -> Obj:
    """Give the schema of a type that is neither a list nor a map."""
    if type_ == "int":
        return {"type": "integer", "format": "int64" if field in facts.WIDE_NUMBERS else "int32"}
    if type_ == "object":
        return {"$ref": REF + EITHER} if field in facts.EITHER else {"x-kubernetes-preserve-unknown-fields": True}
    return SCALARS.get(type_) or {"$ref": REF + reference(type_)}


def _merging(owner: str, field: str) -> Obj:
    if keys := facts.MAP_KEYS.get((owner, field)):
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    return {"x-kubernetes-list-type": "set" if (owner, field) in facts.SETS else "atomic"}


def _about(model: Any) -> str:
    """Give what a model says of itself; plain classes only say that they were generated."""
    text = ((model.__doc__ if model else "") or "").split("Attributes:")[0].strip()
    return "" if text.startswith("NOTE:") else text


@cache
def schema_of(name: str) -> Obj:
    """Give the schema of one model; what it holds is referred to by name. The answer is shared: never change it."""
    model, owner = _model(name), plain_name(name)
    described, required = _descriptions(model), _required(model)
    properties = {}
    for attribute, type_ in model.openapi_types.items():
        field = model.attribute_map[attribute]
        schema = _type(type_, owner, field)
        if "$ref" in schema:
            schema = {"allOf": [schema]}
        properties[field] = {"description": described.get(attribute) or _about(_model(type_))} | schema
    result: Obj = {"type": "object", "properties": properties, "x-model": owner}
    if about := _about(model):
        result["description"] = about
    if needed := sorted(model.attribute_map[attribute] for attribute in required):
        result["required"] = needed
    if owner in facts.ATOMIC_TYPES:
        result["x-kubernetes-map-type"] = "atomic"
    if owner in facts.OPEN_TYPES:
        result["x-kubernetes-preserve-unknown-fields"] = True
    return result


@cache
def _references() -> dict[str, str]:
    from kubernetes.client import models

    return {reference(name): name for name in dir(models) if VERSIONED.match(name)}


@cache
def shared(ref: str) -> Obj:
    """Give the schema that a `$ref` names. Raise KeyError when there is none."""
    name = ref.removeprefix(REF)
    return SHARED[name] if name in SHARED else schema_of(_references()[name])


def refs_in(schema: Any) -> set[str]:
    """Give every name that a schema refers to itself."""
    if isinstance(schema, list):
        return set().union(*map(refs_in, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = {schema["$ref"].removeprefix(REF)} if isinstance(schema.get("$ref"), str) else set()
    return found.union(*map(refs_in, schema.values()))


def closure(names: set[str]) -> dict[str, Obj]:
    """Give each named schema and all that they refer to."""
    found: dict[str, Obj] = {}
    pending = set(names)
    while pending:
        name = pending.pop()
        found[name] = {key: value for key, value in shared(name).items() if key != "x-model"}
        pending |= refs_in(found[name]) - found.keys()
    return found
