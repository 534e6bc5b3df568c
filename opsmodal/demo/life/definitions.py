"""CustomResourceDefinitions: their kinds are served as soon as they are stored, and emptied before they go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo import deletion
from opsmodal.demo.definitions.reading import accepted_names, kinds_of
from opsmodal.demo.documents import Obj, is_leaving, name_of
from opsmodal.demo.kinds import Kind, stored
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

DEFINITIONS = stored("customresourcedefinitions")
LOOK_S = 0.5


class Definitions:
    """Serve custom kinds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        world.storage.listen(self._serve)

    def _serve(self, kind: Kind, change: Change) -> None:
        """Change the catalogue at once: whoever has seen the definition finds its kinds."""
        if kind is not DEFINITIONS:
            return
        document = change.record.document
        before = change.before.document.get("spec") if change.before else None
        if change.type == "DELETED":
            self._world.catalogue.define(name_of(document), ())
        elif document.get("spec") != before:
            self._world.catalogue.define(name_of(document), kinds_of(document))

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed definitions."""
        return [("", name_of(change.record.document))] if kind is DEFINITIONS and change.type != "DELETED" else []

    def look(self, key: Key) -> datetime | None:
        """Accept the names of a definition; empty one that leaves."""
        record = self._storage.get(DEFINITIONS, *key)
        if record is None:
            return None
        if is_leaving(record.document):
            return self._empty(key, record.document)
        stamp = self._world.clock.stamp()
        self._storage.update(DEFINITIONS, *key, lambda document: _accept(document, stamp))
        return None

    def _empty(self, key: Key, definition: Obj) -> datetime | None:
        if deletion.CLEANUP not in definition["metadata"].get("finalizers", ()):
            return None
        kinds = kinds_of(definition)[:1]
        for kind in kinds:
            for item in self._storage.records(kind)[1]:
                if not is_leaving(item.document):
                    deletion.delete(self._world, kind, item, deletion.Options())
        if any(self._storage.count(kind) for kind in kinds):
            return self._world.clock.after(LOOK_S)
        self._storage.update(DEFINITIONS, *key, _release)
        record = self._storage.get(DEFINITIONS, *key)
        if record and not record.document["metadata"].get("finalizers"):
            self._storage.remove(DEFINITIONS, *key)
        return None


def _release(document: Obj) -> None:
    kept = [item for item in document["metadata"]["finalizers"] if item != deletion.CLEANUP]
    document["metadata"]["finalizers"] = kept


def _accept(document: Obj, stamp: str) -> None:
    status = document.setdefault("status", {})
    status["acceptedNames"] = accepted_names(document)
    kept = next((item["name"] for item in document["spec"]["versions"] if item.get("storage")), "")
    status["storedVersions"] = list(dict.fromkeys([*(status.get("storedVersions") or ()), kept]))
    set_condition(document, "NamesAccepted", "True", stamp, reason="NoConflicts", message="no conflicts found")
    words = "the initial names have been accepted"
    set_condition(document, "Established", "True", stamp, reason="InitialNamesAccepted", message=words)
