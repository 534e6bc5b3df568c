"""Deployments: a ReplicaSet for each template, rolled from one to the next.

Source: k8s.io/kubernetes pkg/controller/deployment (rolling.go, recreate.go, sync.go, progress.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo import writing
from opsmodal.demo.deletion import Options, delete
from opsmodal.demo.documents import Obj, annotations_of, copied, dig, encode, is_leaving, name_of, owned_by
from opsmodal.demo.kinds import Kind, stored
from opsmodal.demo.life.adoption import Adoption
from opsmodal.demo.life.making import noticed
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.life.rollout import (
    CREATED,
    FAILURE,
    HASH,
    REVISION,
    Counts,
    failure,
    next_sizes,
    progress,
    put_condition,
    share_of,
)
from opsmodal.demo.names import safe_hash
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

DEPLOYMENTS = stored("deployments")
REPLICA_SETS = stored("replicasets")
CAUSE = "kubernetes.io/change-cause"
HISTORY = "deployment.kubernetes.io/revision-history"
OWN_MARKS = (REVISION, "kubectl.kubernetes.io/last-applied-configuration", HISTORY)
PROGRESS_LOOK_S = 5.0


def plain_template(document: Obj) -> Obj:
    """Give the template of an object without the label that tells ReplicaSets apart."""
    template = copied(document["spec"]["template"])
    labels = dig(template, "metadata", "labels") or {}
    labels.pop(HASH, None)
    return template


def revision_of(document: Obj) -> int:
    """Give the revision that an object carries, 0 when it has none."""
    return int(annotations_of(document).get(REVISION) or 0)


class Deployments:
    """Roll Deployments out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._reports = Reporter(world, "deployment-controller")
        self._adoption = Adoption(world, DEPLOYMENTS, REPLICA_SETS)

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed Deployments and at those whose ReplicaSets changed."""
        return [*noticed(kind, change, DEPLOYMENTS, (REPLICA_SETS,)), *self._adoption.keys(kind, change)]

    def look(self, key: Key) -> datetime | None:
        """Take one step of a rollout."""
        record = self._storage.get(DEPLOYMENTS, *key)
        if record is None or is_leaving(record.document):
            return None
        owner = record.document
        self._adoption.settle(owner)
        sets = [found.document for found in self._storage.owned(REPLICA_SETS, owner["metadata"]["uid"])]
        wanted = plain_template(owner)
        new = next((item for item in sets if plain_template(item) == wanted), None)
        paused = bool(dig(owner, "spec", "paused"))
        if new is None and not paused:
            new = self._make(owner, wanted, sets)
            sets.append(new)
        elif new is not None:
            self._take_revision(owner, new, sets)
        old = [item for item in sets if new is None or name_of(item) != name_of(new)]
        self._resize(owner, new, old)
        self._forget_old(owner, old)
        return self._write(key, new)

    def _make(self, owner: Obj, template: Obj, sets: list[Obj]) -> Obj:
        hash_ = safe_hash(encode(template))
        labels = (dig(template, "metadata", "labels") or {}) | {HASH: hash_}
        template = copied(template)
        template["metadata"]["labels"] = labels
        selector = copied(owner["spec"]["selector"])
        selector["matchLabels"] = (selector.get("matchLabels") or {}) | {HASH: hash_}
        desired = dig(owner, "spec", "replicas") or 0
        marks = {key: value for key, value in annotations_of(owner).items() if key not in OWN_MARKS}
        marks[REVISION] = str(max(map(revision_of, sets), default=0) + 1)
        marks["deployment.kubernetes.io/desired-replicas"] = str(desired)
        marks["deployment.kubernetes.io/max-replicas"] = str(desired + share_of(owner, "maxSurge", desired))
        metadata = {"name": f"{name_of(owner)}-{hash_}", "labels": labels, "annotations": marks}
        metadata["ownerReferences"] = [owned_by(owner)]
        spec = {"replicas": 0, "selector": selector, "template": template}
        spec |= {"minReadySeconds": owner["spec"]["minReadySeconds"]} if dig(owner, "spec", "minReadySeconds") else {}
        manifest: Obj = {"metadata": metadata, "spec": spec}
        made = writing.create(self._world, REPLICA_SETS, owner["metadata"]["namespace"], manifest)
        return made.document

    def _take_revision(self, owner: Obj, new: Obj, sets: list[Obj]) -> None:
        """Give the ReplicaSet that is current again the highest revision, as a rollback does."""
        highest = max(map(revision_of, sets))
        cause = annotations_of(owner).get(CAUSE)
        if revision_of(new) == highest and annotations_of(new).get(CAUSE) == cause:
            return

        def edit(document: Obj) -> None:
            marks = document["metadata"].setdefault("annotations", {})
            if revision_of(document) != highest:
                past = [*filter(None, marks.get(HISTORY, "").split(",")), marks[REVISION]]
                marks |= {REVISION: str(highest + 1), HISTORY: ",".join(past)}
            if cause:
                marks[CAUSE] = cause

        self._storage.update(REPLICA_SETS, owner["metadata"]["namespace"], name_of(new), edit)

    def _resize(self, owner: Obj, new: Obj | None, old: list[Obj]) -> None:
        for name, size, before in next_sizes(owner, new, old):

            def edit(document: Obj, size: int = size) -> None:
                document["spec"]["replicas"] = size

            self._storage.update(REPLICA_SETS, owner["metadata"]["namespace"], name, edit)
            word = "up" if size > before else "down"
            words = f"Scaled {word} replica set {name} from {before} to {size}"
            self._reports.normal(owner, "ScalingReplicaSet", words)

    def _forget_old(self, owner: Obj, old: list[Obj]) -> None:
        empty = [item for item in old if not dig(item, "spec", "replicas") and not dig(item, "status", "replicas")]
        limit = dig(owner, "spec", "revisionHistoryLimit")
        for item in sorted(empty, key=revision_of)[: max(len(empty) - (10 if limit is None else limit), 0)]:
            record = self._storage.get(REPLICA_SETS, item["metadata"]["namespace"], name_of(item))
            if record:
                delete(self._world, REPLICA_SETS, record, Options())

    def _write(self, key: Key, new: Obj | None) -> datetime | None:
        record = self._storage.get(DEPLOYMENTS, *key)
        if record is None:
            return None
        owner = record.document
        sets = [item.document for item in self._storage.owned(REPLICA_SETS, owner["metadata"]["uid"])]
        current = next((item for item in sets if new and name_of(item) == name_of(new)), None)
        counts = Counts.of(owner, current, sets)
        going, refused = progress(owner, current, counts, self._world.clock), failure(sets)
        # a new ReplicaSet is noted before pods are counted, all else after
        is_new = going is not None and going.reason == CREATED
        conditions = [going, counts.availability(), refused] if is_new else [counts.availability(), going, refused]
        stamp = self._world.clock.stamp()

        def edit(document: Obj) -> None:
            kept = dig(document, "status", "conditions") or []
            kept = [item for item in kept if item["type"] != FAILURE or refused]
            document["status"] = counts.status(owner) | {"conditions": kept}
            for item in filter(None, conditions):
                put_condition(document, item, stamp)
            if current:
                document["metadata"].setdefault("annotations", {})[REVISION] = str(revision_of(current))

        self._storage.update(DEPLOYMENTS, *key, edit)
        # What goes on after a deadline is told by its ReplicaSet; only the deadline itself has to be looked for.
        is_over = counts.complete(owner) or (going is not None and going.status == "False")
        return None if is_over else self._world.clock.after(PROGRESS_LOOK_S)
