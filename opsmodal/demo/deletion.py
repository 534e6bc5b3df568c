"""Delete objects as the API server does: finalizers, grace periods, preconditions and who removes the dependents.

The controllers finish what begins here: the kubelet ends a pod's containers, the garbage collector removes dependents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from opsmodal.demo import problems
from opsmodal.demo.clock import stamp
from opsmodal.demo.documents import Obj, dig, is_leaving, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import PODS, Kind
from opsmodal.demo.storage import Record
from opsmodal.demo.world import World

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that keeps the definition of a custom kind until its objects are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a client asked for. `grace_s` None is the object's own; `propagation` "" is the default, Background."""

    grace_s: int | None = None
    propagation: str = ""
    uid: str = ""
    version: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of it: the object's last state, and whether it is gone already."""

    record: Record
    gone: bool


def _check(kind: Kind, document: Obj, options: Options) -> None:
    for asked, held, field in (
        (options.uid, uid_of(document), "UID"),
        (options.version, document["metadata"]["resourceVersion"], "ResourceVersion"),
    ):
        if asked and asked != held:
            why = f"the {field} in the precondition ({asked}) does not match the {field} in record ({held}). "
            why += "The object might have been deleted and then recreated"
            raise problems.conflict(kind.name, kind.group, name_of(document), why)


def _grace_s(kind: Kind, document: Obj, options: Options) -> int:
    """Give how long the object may stay. Pods that never ran, or have ended, do not wait."""
    if kind is not PODS:
        return 0
    if not dig(document, "spec", "nodeName") or dig(document, "status", "phase") in ("Succeeded", "Failed"):
        return 0
    own = int(dig(document, "spec", "terminationGracePeriodSeconds") or 0)
    return own if options.grace_s is None else max(options.grace_s, 0)


def _finalizers(kind: Kind, document: Obj, propagation: str) -> list[str]:
    if kind.plural == "customresourcedefinitions" and not is_leaving(document):
        return [*(document["metadata"].get("finalizers") or ()), CLEANUP]
    kept = [item for item in document["metadata"].get("finalizers") or () if item not in (ORPHAN, FOREGROUND)]
    added = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(propagation, [])
    if not propagation:
        return list(document["metadata"].get("finalizers") or ())
    return kept + added


def delete(world: World, kind: Kind, record: Record, options: Options) -> Deleted:
    """Delete an object, or begin to. Raise a Conflict Problem when a precondition does not hold."""
    storage, document = world.storage, record.copy()
    metadata = document["metadata"]
    with storage.lock:
        _check(kind, document, options)
        grace_s = _grace_s(kind, document, options)
        finalizers = _finalizers(kind, document, options.propagation)
        if finalizers:
            metadata["finalizers"] = finalizers
        else:
            metadata.pop("finalizers", None)
        stays = (
            bool(finalizers) or grace_s > 0 or (kind.plural == "namespaces" and bool(document["spec"]["finalizers"]))
        )
        if options.dry_run:
            return Deleted(record, gone=not stays)
        if not stays:
            gone = storage.remove(kind, namespace_of(document), name_of(document))
            return Deleted(gone or record, gone=True)
        if is_leaving(document) and grace_s >= metadata.get("deletionGracePeriodSeconds", 0):
            return Deleted(record, gone=False)
        now = world.clock.now()
        metadata["deletionTimestamp"] = stamp(now + timedelta(seconds=grace_s))
        metadata["deletionGracePeriodSeconds"] = grace_s
        if kind.plural == "namespaces":
            document["status"]["phase"] = "Terminating"
        return Deleted(storage.put(kind, document), gone=False)
