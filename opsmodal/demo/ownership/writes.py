"""What a write does to an object and to the record of who holds which field: update and apply.

Pure: documents in, documents out; storing is for the caller.
"""

from __future__ import annotations

from typing import Any

from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.ownership.managers import (
    APPLY,
    BEFORE,
    UPDATE,
    Entries,
    Held,
    Manager,
    conflicts,
    held_by,
    less,
    ownable,
    read_entries,
    refused,
    write_entries,
)
from opsmodal.demo.ownership.walk import compare, fields_of, merged, without
from opsmodal.demo.schema.shapes import Shape

SCALE = "scale"
"""Through this subresource a field changes hands, but one that nobody holds stays nobody's."""
POD = {"metadata": {}, "spec": {"containers": None}}
TEMPLATE = {"selector": None, "template": POD}
EMPTY: dict[str, Obj] = {
    "Deployment": {**TEMPLATE, "strategy": {}},
    "StatefulSet": {**TEMPLATE, "updateStrategy": {}},
    "DaemonSet": {**TEMPLATE, "updateStrategy": {}},
    "ReplicaSet": TEMPLATE,
    "Job": {"template": POD},
    "CronJob": {"jobTemplate": {"metadata": {}, "spec": {"template": POD}}},
    "Pod": {"containers": None},
    "HorizontalPodAutoscaler": {"scaleTargetRef": {}},
}
"""What the spec of a kind holds before anything is set: places that are always there are nobody's own."""


def _nothing(shape: Shape, document: Obj) -> Obj:
    """Give the object that a new one is compared with. Custom kinds have no place that is always there."""
    if shape is not None and "x-model" not in shape:
        return {"metadata": {}}
    spec = EMPTY.get(str(document.get("kind")), {})
    return {"metadata": {}} | {part: spec if part == "spec" else {} for part in ("spec", "status") if part in document}


def _without_record(document: Obj) -> Obj:
    metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key != "managedFields"}
    return document | {"metadata": metadata}


def updated(
    shape: Shape, before: Obj | None, after: Obj, manager: Manager, *, now: str, status: bool, base: Any = None
) -> list[Obj]:
    """Give `managedFields` after an update from `before` (None: a new object) to `after`.

    `base` is the record that the client sent, if it sent one. An object without a record gets none by being changed.
    """
    recorded = base if base is not None else dig(before, "metadata", "managedFields")
    entries = read_entries(recorded)
    if before is not None and not entries:
        return []
    old = _without_record(before) if before is not None else _nothing(shape, after)
    difference = compare(shape, old, _without_record(after))
    taken = ownable(difference.added | difference.modified, has_status=status, subresource=manager.subresource)
    if manager.subresource == SCALE and not any(held.fields & taken for held in entries.values()):
        return write_entries(entries)
    entries = less(entries, difference.removed | taken)
    if taken:
        held = held_by(entries, manager)
        entries[manager] = Held(held | taken, now)
    return write_entries(entries)


def applied(
    shape: Shape, live: Obj | None, config: Obj, manager: Manager, *, now: str, status: bool, force: bool
) -> tuple[Obj, list[Obj]]:
    """Lay an applied configuration over an object; give the object and its `managedFields`.

    Raise a 409 Problem with one cause for each field that another manager holds with another value, unless `force`.
    """
    config = _without_record(config)
    wanted = ownable(fields_of(shape, config), has_status=status, subresource=manager.subresource)
    if live is None:
        return config, write_entries({manager: Held(wanted, now)})
    plain = _without_record(live)
    entries = _entries_of(shape, live, plain, manager, now)
    before = held_by(entries, manager)
    others = frozenset().union(*(held.fields for other, held in entries.items() if other != manager))
    result = merged(shape, plain, config)
    result = without(shape, result, set(before - wanted - others), set(wanted | others))
    difference = compare(shape, plain, result)
    changed = ownable(difference.added | difference.modified, has_status=status, subresource=manager.subresource)
    found = conflicts(entries, changed, manager)
    if found and not force:
        raise refused(found)
    entries = less(entries, changed | difference.removed, but=manager)
    changes = difference.added or difference.modified or difference.removed
    known = entries[manager].time if manager in entries else ""
    entries[manager] = Held(wanted, now if changes else known)
    return result, write_entries(entries)


def _entries_of(shape: Shape, live: Obj, plain: Obj, manager: Manager, now: str) -> Entries:
    """Read the record of an object; one without a record is held by whoever made it before the first apply."""
    entries = read_entries(dig(live, "metadata", "managedFields"))
    if entries:
        return entries
    first = Manager(name=BEFORE, operation=UPDATE, api_version=manager.api_version)
    difference = compare(shape, _nothing(shape, plain), plain)
    return {first: Held(ownable(difference.added | difference.modified, has_status=False, subresource=""), now)}


__all__ = ["APPLY", "UPDATE", "Manager", "applied", "updated"]
