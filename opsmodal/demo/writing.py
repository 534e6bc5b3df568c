"""Create and change objects: what the API server does between a request and its storage.

Used by the API and by the controllers alike, so that what a controller makes meets the same rules. It decides nothing
about who may do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from opsmodal.demo import admission, problems
from opsmodal.demo.defaults import complete
from opsmodal.demo.definitions import values
from opsmodal.demo.documents import Obj, dig, is_leaving, name_of
from opsmodal.demo.kinds import NAMESPACES, Kind
from opsmodal.demo.ownership.writes import Manager, updated
from opsmodal.demo.problems import Cause
from opsmodal.demo.schema.shapes import shape_of
from opsmodal.demo.storage import Record
from opsmodal.demo.validation import check, check_change
from opsmodal.demo.world import World

KEPT_METADATA = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
"""Fields of metadata that a client cannot change."""

UNCOUNTED = (
    *("pods", "namespaces", "nodes", "services", "resourcequotas", "limitranges", "horizontalpodautoscalers"),
    *("persistentvolumeclaims", "persistentvolumes"),
)
"""Kinds with a spec that have no `metadata.generation`."""


def _check_namespace(world: World, kind: Kind, namespace: str, name: str) -> None:
    record = world.storage.get(NAMESPACES, "", namespace)
    if record is None:
        raise problems.not_found("namespaces", "", namespace)
    if is_leaving(record.document):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        raise problems.forbidden(kind.plural, kind.group, name, why)


def _identity(world: World, kind: Kind, document: Obj) -> None:
    metadata = document["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + world.names.suffix()
    metadata |= {"uid": world.names.uid(), "creationTimestamp": world.clock.stamp()}
    for field in ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        metadata.pop(field, None)
    if kind.custom or ("spec" in document and kind.plural not in UNCOUNTED):
        metadata["generation"] = 1


def _complete(kind: Kind, document: Obj, *, fresh: bool) -> None:
    if kind.custom:
        values.fill(shape_of(kind), document)
    else:
        complete(kind.resource, document, fresh=fresh)


def _custom_causes(kind: Kind, document: Obj) -> Iterable[Cause]:
    return values.judge(shape_of(kind), document) if kind.custom else ()


def _content(kind: Kind, document: Obj) -> Any:
    """Give what `metadata.generation` counts the changes of."""
    if not kind.custom:
        return document.get("spec")
    left = ("metadata", "status") if kind.custom.has_status else ("metadata",)
    return {name: value for name, value in document.items() if name not in left}


def create(
    world: World,
    kind: Kind,
    namespace: str,
    document: Obj,
    *,
    dry_run: bool = False,
    manager: Manager | None = None,
    record: list[Obj] | None = None,
) -> Record:
    """Create an object out of a manifest, which is given away. Raise a Problem when it is refused.

    `manager` is who asks: the object then gets a record of its fields, or `record` where an apply has made one. What
    the controllers make has none, so that ten thousand pods stay small.
    """
    document |= {"apiVersion": kind.api_version, "kind": kind.name}
    metadata = document.setdefault("metadata", {})
    metadata.pop("managedFields", None)
    if kind.namespaced:
        metadata["namespace"] = namespace
        _check_namespace(world, kind, namespace, str(metadata.get("name") or ""))
    if "status" in kind.subresources and kind.plural != "nodes":
        document.pop("status", None)
    _identity(world, kind, document)
    if dig(document, "metadata", "name"):
        _complete(kind, document, fresh=True)
        admission.mutate(world.storage, kind, document)
    name = name_of(document)
    if causes := [*check(kind.resource, document), *_custom_causes(kind, document)]:
        raise problems.invalid(kind.name, kind.group, name, causes)
    with world.storage.lock:
        if world.storage.get(kind, namespace if kind.namespaced else "", name):
            raise problems.already_exists(kind.plural, kind.group, name)
        admission.admit(world.storage, kind, document)
        if manager:
            document["metadata"]["managedFields"] = record or _record(world, kind, None, document, manager)
        return Record(document) if dry_run else world.storage.put(kind, document)


def _record(world: World, kind: Kind, before: Obj | None, after: Obj, manager: Manager, base: Any = None) -> list[Obj]:
    status = "status" in kind.subresources
    return updated(shape_of(kind), before, after, manager, now=world.clock.stamp(), status=status, base=base)


def _hold(world: World, kind: Kind, before: Obj, after: Obj, manager: Manager | None, record: list[Obj] | None) -> None:
    """Write down who holds which field after a change, unless nobody asks."""
    sent = after["metadata"].pop("managedFields", None)
    kept = dig(before, "metadata", "managedFields")
    if record is None and manager and sent not in ([], [{}]):
        record = _record(world, kind, before, after, manager, base=sent)
    elif record is None and manager is None:
        record = kept
    if record:
        after["metadata"]["managedFields"] = record


def _merged(kind: Kind, before: Obj, after: Obj, subresource: str) -> Obj:
    """Keep of `before` what this way of writing cannot change."""
    after |= {"apiVersion": before["apiVersion"], "kind": before["kind"]}
    kept, metadata = before["metadata"], after.setdefault("metadata", {})
    for field in KEPT_METADATA:
        metadata.pop(field, None)
        if field in kept:
            metadata[field] = kept[field]
    metadata |= {field: kept[field] for field in ("name", "namespace") if field in kept}
    if subresource == "status":
        result = dict(before) | {"status": after.get("status", {})}
        result["metadata"] = dict(kept)
        if "managedFields" in metadata:
            result["metadata"]["managedFields"] = metadata["managedFields"]
        return result
    if "status" in kind.subresources:
        after.pop("status", None)
        if "status" in before:
            after["status"] = before["status"]
    return after


def change(
    world: World,
    kind: Kind,
    record: Record,
    edit: Callable[[Obj], Obj],
    *,
    subresource: str = "",
    dry_run: bool = False,
    manager: Manager | None = None,
    held: Callable[[], list[Obj]] | None = None,
) -> Record:
    """Replace an object by what `edit` makes of a copy of it. Raise a Problem when that is refused.

    `manager` is who asks; `held` gives the record of fields where `edit` was an apply, which makes its own.
    """
    before = record.document
    name = name_of(before)
    with world.storage.lock:
        asked = edit(record.copy())
        version = dig(asked, "metadata", "resourceVersion")
        if version and version != before["metadata"]["resourceVersion"]:
            raise problems.conflict(kind.plural, kind.group, name)
        after = _merged(kind, before, asked, subresource)
        if not subresource:
            _complete(kind, after, fresh=False)
            if causes := [*check_change(kind.resource, before, after), *_custom_causes(kind, after)]:
                raise problems.invalid(kind.name, kind.group, name, causes)
        after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        _hold(world, kind, before, after, manager, held() if held else None)
        if after == before:
            return Record(after)
        if "generation" in after["metadata"] and _content(kind, after) != _content(kind, before):
            after["metadata"]["generation"] += 1
        if dry_run:
            return Record(after)
        if is_leaving(after) and not after["metadata"].get("finalizers") and kind.plural != "pods":
            last = world.storage.put(kind, after)
            world.storage.remove(kind, str(after["metadata"].get("namespace") or ""), name)
            return last
        return world.storage.put(kind, after)
