"""Refuse definitions that the API server would refuse: names, versions, and schemas that are not structural. Pure.

Source: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation. Only what people run into is judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from opsmodal.demo.documents import Obj, dig, encode, name_of
from opsmodal.demo.problems import Cause

SCOPES = ("Cluster", "Namespaced")
TYPELESS = ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")


def check(definition: Obj) -> Iterator[Cause]:
    """Give what is wrong with a definition."""
    spec = definition.get("spec") or {}
    wanted = f"{dig(spec, 'names', 'plural')}.{spec.get('group')}"
    if name_of(definition) != wanted:
        words = 'must be spec.names.plural+"."+spec.group'
        yield _wrong("metadata.name", name_of(definition), words)
    if spec.get("scope") not in SCOPES:
        words = ", ".join(f'"{scope}"' for scope in SCOPES)
        given = encode(spec.get("scope") or "").decode()
        yield Cause("FieldValueNotSupported", "spec.scope", f"Unsupported value: {given}: supported values: {words}")
    versions = spec.get("versions") or []
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield _wrong("spec.versions", versions, "must have exactly one version marked as storage version")
        yield _wrong("status.storedVersions", None, "must have at least one stored version")
    for place, version in enumerate(versions):
        at = f"spec.versions[{place}].schema.openAPIV3Schema"
        schema = dig(version, "schema", "openAPIV3Schema")
        if schema is None:
            yield Cause("FieldValueRequired", at, "Required value: schemas are required")
        else:
            yield from _check_schema(schema, at, root=True)


def _wrong(field: str, value: object, words: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {encode(value).decode()}: {words}")


def _check_schema(schema: Obj, at: str, *, root: bool = False) -> Iterator[Cause]:
    if not schema.get("type") and not any(schema.get(mark) for mark in TYPELESS):
        words = "must not be empty at the root" if root else _typeless_words(at)
        yield Cause("FieldValueRequired", f"{at}.type", f"Required value: {words}")
    for name, below in (schema.get("properties") or {}).items():
        yield from _check_schema(below, f"{at}.properties[{name}]")
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from _check_schema(schema[part], f"{at}.{part}")


def _typeless_words(at: str) -> str:
    place = "array items" if at.endswith(".items") else "object fields"
    return f"must not be empty for specified {place}"
