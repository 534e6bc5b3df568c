"""Conditions of an object's status. Pure: they change the document they are given."""

from __future__ import annotations

from opsmodal.demo.documents import Obj, dig


def set_condition(
    document: Obj, type_: str, status: str, stamp: str | None, *, reason: str = "", message: str = ""
) -> None:
    """Set one condition; its time of transition changes only when its status does."""
    conditions = document.setdefault("status", {}).setdefault("conditions", [])
    known = next((item for item in conditions if item["type"] == type_), None)
    fresh: Obj = {"type": type_, "status": status, "lastTransitionTime": stamp}
    if document.get("kind") == "Pod":
        fresh["lastProbeTime"] = None
    if known and known["status"] == status:
        fresh["lastTransitionTime"] = known["lastTransitionTime"]
    fresh |= {"reason": reason} if reason else {}
    fresh |= {"message": message} if message else {}
    if known is None:
        conditions.append(fresh)
    else:
        conditions[conditions.index(known)] = fresh


def condition(document: Obj, type_: str) -> Obj:
    """Give one condition, empty when the object has none of that type."""
    conditions: list[Obj] = dig(document, "status", "conditions") or []
    return next((item for item in conditions if item["type"] == type_), {})


def is_true(document: Obj, type_: str) -> bool:
    """Tell whether a condition holds."""
    return condition(document, type_).get("status") == "True"
