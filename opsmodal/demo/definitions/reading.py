"""Read the kinds out of a CustomResourceDefinition. Pure.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/.
"""

from __future__ import annotations

from dataclasses import replace

from opsmodal.demo.documents import Obj, dig, name_of
from opsmodal.demo.kinds import Custom, Kind
from opsmodal.demo.schema.shapes import custom


def kinds_of(definition: Obj) -> tuple[Kind, ...]:
    """Give the kinds that a definition serves, the version that is kept first; none while names are missing."""
    spec = definition.get("spec") or {}
    versions = spec.get("versions") or ()
    kept = next((version for version in versions if version.get("storage")), None)
    if kept is None or not dig(spec, "names", "kind"):
        return ()
    stored = _kind(definition, kept)
    others = (replace(_kind(definition, other), stored_as=stored) for other in versions if other is not kept)
    served = {version["name"] for version in versions if version.get("served", True)}
    return tuple(kind for kind in (stored, *others) if kind.version in served)


def _kind(definition: Obj, version: Obj) -> Kind:
    spec, names = definition["spec"], definition["spec"]["names"]
    parts = version.get("subresources") or {}
    return Kind(
        group=spec["group"],
        version=version["name"],
        name=names["kind"],
        plural=names["plural"],
        single=names.get("singular") or names["kind"].lower(),
        namespaced=spec.get("scope") == "Namespaced",
        short=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(name for name in ("status", "scale") if name in parts),
        custom=Custom(
            definition=name_of(definition),
            shape=custom(dig(version, "schema", "openAPIV3Schema") or {"type": "object"}),
            columns=tuple(version.get("additionalPrinterColumns") or ()),
            has_status="status" in parts,
            scale=parts.get("scale") or {},
        ),
    )


def accepted_names(definition: Obj) -> Obj:
    """Give `status.acceptedNames` of a definition whose names collide with nothing."""
    return {name: value for name, value in definition["spec"]["names"].items() if value}


def fill(definition: Obj) -> None:
    """Fill in what a definition leaves out."""
    spec = definition.get("spec") or {}
    names = spec.get("names") or {}
    if names.get("kind"):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
