"""Garbage collection: what belonged to something that is gone goes too, in the foreground or behind it.

Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from opsmodal.demo import deletion
from opsmodal.demo.documents import Obj, is_leaving, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import Kind
from opsmodal.demo.storage import Change, Key, Record
from opsmodal.demo.world import World

FREE = ("events", "nodes", "namespaces")
"""Kinds that belong to nothing."""


class Garbage:
    """Delete dependents. Its keys are ("gone" or "leaving", uid of the owner)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._leaving: dict[str, tuple[Kind, Key]] = {}

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at owners that are gone or wait for their dependents."""
        if kind.plural == "events":
            return []
        document = change.record.document
        if change.type == "DELETED":
            self._leaving.pop(uid_of(document), None)
            owners = [owner["uid"] for owner in document["metadata"].get("ownerReferences") or ()]
            return [("gone", uid_of(document)), *(("leaving", uid) for uid in owners if uid in self._leaving)]
        finalizers = document["metadata"].get("finalizers") or ()
        if is_leaving(document) and {deletion.FOREGROUND, deletion.ORPHAN} & set(finalizers):
            self._leaving[uid_of(document)] = (kind, (namespace_of(document), name_of(document)))
            return [("leaving", uid_of(document))]
        return []

    def look(self, key: Key) -> datetime | None:
        """Delete or set free what an owner leaves behind."""
        state, uid = key
        if state == "gone":
            for kind, record in self._dependents(uid):
                self._let_go(kind, record, uid)
        elif uid in self._leaving:
            self._finish(uid)
        return None

    def _dependents(self, uid: str) -> Iterator[tuple[Kind, Record]]:
        for kind in self._world.catalogue.stored():
            if kind.resource in FREE:
                continue
            for record in self._storage.owned(kind, uid):
                yield kind, record

    def _let_go(self, kind: Kind, record: Record, uid: str) -> None:
        """Delete a dependent unless another owner still holds it."""
        owners = record.document["metadata"]["ownerReferences"]
        if len(owners) > 1:
            self._disown(kind, record.document, uid)
        elif not is_leaving(record.document):
            deletion.delete(self._world, kind, record, deletion.Options(propagation="Background"))

    def _disown(self, kind: Kind, document: Obj, uid: str) -> None:
        def edit(changed: Obj) -> None:
            owners = [owner for owner in changed["metadata"]["ownerReferences"] if owner["uid"] != uid]
            changed["metadata"]["ownerReferences"] = owners
            if not owners:
                del changed["metadata"]["ownerReferences"]

        self._storage.update(kind, namespace_of(document), name_of(document), edit)

    def _finish(self, uid: str) -> None:
        kind, key = self._leaving[uid]
        record = self._storage.get(kind, *key)
        if record is None:
            return
        finalizers = record.document["metadata"].get("finalizers") or ()
        dependents = list(self._dependents(uid))
        if deletion.ORPHAN in finalizers:
            for child, item in dependents:
                self._disown(child, item.document, uid)
            self._release(kind, key, deletion.ORPHAN)
            return
        for child, item in dependents:
            if not is_leaving(item.document):
                deletion.delete(self._world, child, item, deletion.Options(propagation="Foreground"))
        if not dependents:
            self._release(kind, key, deletion.FOREGROUND)

    def _release(self, kind: Kind, key: Key, finalizer: str) -> None:
        def edit(changed: Obj) -> None:
            changed["metadata"]["finalizers"] = [f for f in changed["metadata"]["finalizers"] if f != finalizer]

        record = self._storage.update(kind, *key, edit)
        if record and not record.document["metadata"]["finalizers"]:
            self._storage.remove(kind, *key)
