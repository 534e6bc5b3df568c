"""The entries of `metadata.managedFields`: what each manager holds, and how a write changes that.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/. An update takes every field that it changes;
an apply takes every field that it names and is refused where another manager holds one with another value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opsmodal.demo.documents import Obj
from opsmodal.demo.ownership.paths import NOTHING, Fields, Path, read, shown, under, written
from opsmodal.demo.problems import Problem

APPLY, UPDATE = "Apply", "Update"
BEFORE = "before-first-apply"
"""Who holds the fields of an object that was made without a record, at the first apply."""
STATUS: Path = ("f:status",)
NEVER: tuple[Path, ...] = (
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    *(
        ("f:metadata", f"f:{name}")
        for name in ("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "resourceVersion")
    ),
)
"""Fields that nobody holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Who writes: the name, the way, in which version of the API and through which subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def words(self) -> str:
        """Name the manager as a conflict does."""
        name = f'"{self.name}"' + (f' with subresource "{self.subresource}"' if self.subresource else "")
        return f"{name} using {self.api_version}" if self.operation == UPDATE else name


@dataclass(frozen=True, slots=True)
class Held:
    """The fields of one manager, and when it last changed the object ("" when it never has)."""

    fields: Fields
    time: str


Entries = dict[Manager, Held]


def read_entries(written_entries: Any) -> Entries:
    """Read `managedFields`; what cannot be read is left out."""
    found: Entries = {}
    for entry in written_entries or ():
        if not (isinstance(entry, dict) and entry.get("manager") is not None and entry.get("operation")):
            continue
        manager = Manager(
            name=entry["manager"],
            operation=entry["operation"],
            api_version=entry.get("apiVersion", ""),
            subresource=entry.get("subresource", ""),
        )
        found[manager] = Held(read(entry.get("fieldsV1") or {}), entry.get("time", ""))
    return found


def write_entries(entries: Entries) -> list[Obj]:
    """Write `managedFields`: appliers first, then by time and name."""
    order = sorted(entries.items(), key=lambda pair: (pair[0].operation, pair[1].time, pair[0].name))
    return [_entry(manager, held) for manager, held in order if held.fields]


def _entry(manager: Manager, held: Held) -> Obj:
    entry: Obj = {"manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version}
    entry |= {"time": held.time} if held.time else {}
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": written(held.fields)}
    return entry | ({"subresource": manager.subresource} if manager.subresource else {})


def ownable(fields: Iterable[Path], *, has_status: bool, subresource: str) -> Fields:
    """Leave out what nobody holds, and what this way of writing cannot set."""
    kept = (
        path for path in fields if path and path not in NEVER and not under(path, ("f:metadata", "f:managedFields"))
    )
    if subresource == "status":
        return frozenset(path for path in kept if under(path, STATUS))
    if has_status:
        return frozenset(path for path in kept if not under(path, STATUS))
    return frozenset(kept)


def less(entries: Entries, taken: Iterable[Path], but: Manager | None = None) -> Entries:
    """Give the entries without some fields; `but` keeps its own."""
    gone = frozenset(taken)
    if not gone:
        return dict(entries)
    return {
        manager: held if manager == but or not held.fields & gone else Held(held.fields - gone, held.time)
        for manager, held in entries.items()
    }


def conflicts(entries: Entries, changed: Fields, manager: Manager) -> list[tuple[Manager, Path]]:
    """Give which fields that an apply changes are held by others."""
    return [
        (other, path)
        for other, held in sorted(entries.items(), key=lambda pair: pair[0].words())
        if other != manager
        for path in sorted(held.fields & changed)
    ]


def refused(found: list[tuple[Manager, Path]]) -> Problem:
    """Word an apply that others are in the way of."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {other.words()}", "field": shown(path)}
        for other, path in found
    ]
    if len(found) == 1:
        words = f"1 conflict: conflict with {found[0][0].words()}: {shown(found[0][1])}"
    else:
        lines = []
        for other in dict.fromkeys(other for other, _ in found):
            lines.append(f"conflicts with {other.words()}:")
            lines += [f"- {shown(path)}" for holder, path in found if holder == other]
        words = f"{len(found)} conflicts: " + "\n".join(lines)
    return Problem(409, "Conflict", f"Apply failed with {words}", details={"causes": causes})


def held_by(entries: Entries, manager: Manager) -> Fields:
    """Give what one manager holds."""
    return entries[manager].fields if manager in entries else NOTHING
