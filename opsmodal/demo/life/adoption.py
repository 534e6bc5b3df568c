"""Who belongs to whom: a controller adopts what matches it and belongs to nobody, and lets go what no longer does.

Source: k8s.io/kubernetes pkg/controller/controller_ref_manager.go. People rely on both: relabelling takes a pod out of
its ReplicaSet for a closer look, and a Deployment that is made again finds the ReplicaSets that it left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opsmodal.demo.documents import (
    Obj,
    controller_of,
    dig,
    is_leaving,
    labels_of,
    name_of,
    namespace_of,
    owned_by,
    uid_of,
)
from opsmodal.demo.kinds import Kind
from opsmodal.demo.selectors import of_object
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World


class Adoption:
    """Adopt and release children of one kind for owners of another."""

    def __init__(self, world: World, owners: Kind, children: Kind) -> None:
        self._storage = world.storage
        self._owners = owners
        self._children = children
        self._known: set[str] = set()
        """Owners whose orphans have been looked for: later ones come by `keys`."""

    def keys(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Give the owners that a child without a controller could belong to."""
        document = change.record.document
        if kind is self._owners and change.type == "DELETED":
            self._known.discard(uid_of(document))
        if kind is not self._children or change.type == "DELETED" or controller_of(document) or is_leaving(document):
            return []
        labels, found = labels_of(document), []
        for record in self._storage.records(self._owners, namespace_of(document))[1]:
            if of_object(dig(record.document, "spec", "selector"))(labels):
                self._known.discard(uid_of(record.document))
                found.append((namespace_of(document), name_of(record.document)))
        return found

    def settle(self, owner: Obj) -> None:
        """Release what no longer matches, and adopt what matches and belongs to nobody."""
        matches, uid = of_object(dig(owner, "spec", "selector")), uid_of(owner)
        for record in self._storage.owned(self._children, uid):
            if not matches(labels_of(record.document)):
                self._edit(record.document, lambda document: _disown(document, uid))
        if uid in self._known:
            return
        self._known.add(uid)
        for record in self._storage.records(self._children, namespace_of(owner))[1]:
            child = record.document
            if not controller_of(child) and not is_leaving(child) and matches(labels_of(child)):
                self._edit(child, lambda document: _own(document, owner))

    def _edit(self, child: Obj, edit: Callable[[Obj], None]) -> None:
        self._storage.update(self._children, namespace_of(child), name_of(child), edit)


def _own(document: Obj, owner: Obj) -> None:
    document["metadata"].setdefault("ownerReferences", []).append(owned_by(owner))


def _disown(document: Obj, uid: str) -> None:
    left = [item for item in document["metadata"]["ownerReferences"] if item["uid"] != uid]
    document["metadata"]["ownerReferences"] = left
    if not left:
        del document["metadata"]["ownerReferences"]
