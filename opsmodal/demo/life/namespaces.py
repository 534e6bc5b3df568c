"""Namespaces: what each gets when it is made, and how it is emptied before it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo import deletion, writing
from opsmodal.demo.documents import Obj, is_leaving, name_of, namespace_of
from opsmodal.demo.kinds import NAMESPACES, Kind, stored
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.problems import Problem
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

ACCOUNTS = stored("serviceaccounts")
CONFIG_MAPS = stored("configmaps")
ROOT = "kube-root-ca.crt"
"""The ConfigMap with the authority's certificate that every namespace has."""
LOOK_S = 0.5
NO_FINALIZERS = "All content-preserving finalizers finished"
DELETION = (
    (
        "NamespaceDeletionDiscoveryFailure",
        "False",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
)
"""What a namespace that is being emptied says whatever is left in it."""


class Namespaces:
    """Furnish and empty namespaces."""

    def __init__(self, world: World, authority: str) -> None:
        self._world = world
        self._authority = authority
        self._storage = world.storage
        self._leaving: set[str] = set()

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at namespaces, and at those that leave when something in them is gone."""
        document = change.record.document
        if kind is NAMESPACES:
            if change.type == "DELETED":
                self._leaving.discard(name_of(document))
                return []
            return [("", name_of(document))]
        leaves = change.type == "DELETED" and namespace_of(document) in self._leaving
        return [("", namespace_of(document))] if leaves else []

    def look(self, key: Key) -> datetime | None:
        """Furnish a namespace that stays; empty one that leaves."""
        record = self._storage.get(NAMESPACES, *key)
        if record is None:
            return None
        if not is_leaving(record.document):
            self._furnish(key[1])
            return None
        self._leaving.add(key[1])
        kinds = [kind for kind in self._world.catalogue.stored() if kind.namespaced]
        for kind in kinds:
            for item in self._storage.records(kind, key[1])[1]:
                if not is_leaving(item.document):
                    deletion.delete(self._world, kind, item, deletion.Options(propagation="Background"))
        left = [kind for kind in kinds if self._storage.count(kind, key[1])]
        if left:
            stamp = self._world.clock.stamp()
            self._storage.update(NAMESPACES, *key, lambda document: self._explain(document, left, stamp))
            return self._world.clock.after(LOOK_S)
        self._storage.remove(NAMESPACES, *key)
        return None

    def _explain(self, document: Obj, left: list[Kind], stamp: str) -> None:
        """Say on a namespace why it is still there."""
        kinds = ", ".join(
            f"{kind.resource if kind.group else kind.plural + '.'} has {self._storage.count(kind, name_of(document))}"
            " resource instances"
            for kind in left
        )
        holders = Counter(
            finalizer
            for kind in left
            for item in self._storage.records(kind, name_of(document))[1]
            for finalizer in item.document["metadata"].get("finalizers") or ()
        )
        words = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(holders.items()))
        held = f"Some content in the namespace has finalizers remaining: {words}"
        for type_, status, reason, message in (
            *DELETION,
            ("NamespaceContentRemaining", "True", "SomeResourcesRemain", f"Some resources are remaining: {kinds}"),
            ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", held)
            if words
            else ("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", NO_FINALIZERS),
        ):
            set_condition(document, type_, status, stamp, reason=reason, message=message)

    def _furnish(self, namespace: str) -> None:
        root = {"metadata": {"name": ROOT}, "data": {"ca.crt": self._authority}}
        for kind, manifest in ((ACCOUNTS, {"metadata": {"name": "default"}}), (CONFIG_MAPS, root)):
            if self._storage.get(kind, namespace, name_of(manifest)) is None:
                self._make(kind, namespace, manifest)

    def _make(self, kind: Kind, namespace: str, manifest: Obj) -> None:
        try:
            writing.create(self._world, kind, namespace, manifest)
        except Problem as problem:
            if problem.reason != "AlreadyExists":
                raise
