"""ReplicaSets: as many pods as are wanted, always; a pod that goes is made anew."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo.documents import Obj, dig, is_leaving, labels_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.adoption import Adoption
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.life.making import Maker, deletion_rank, is_active, is_available, is_ready, noticed
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

REPLICA_SETS = stored("replicasets")
RETRY_S = 15.0
"""How long a ReplicaSet waits after a refused pod before it tries again."""
BURST = 500
"""Pods made or deleted in one go (BurstReplicas)."""


class ReplicaSets:
    """Keep the number of pods of each ReplicaSet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._maker = Maker(world, "replicaset-controller")
        self._adoption = Adoption(world, REPLICA_SETS, PODS)

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed ReplicaSets and at those whose pods changed."""
        return [*noticed(kind, change, REPLICA_SETS), *self._adoption.keys(kind, change)]

    def look(self, key: Key) -> datetime | None:
        """Make or delete pods until there are as many as wanted."""
        record = self._world.storage.get(REPLICA_SETS, *key)
        if record is None or is_leaving(record.document):
            return None
        owner = record.document
        self._adoption.settle(owner)
        pods = [pod.document for pod in self._maker.pods(owner) if is_active(pod.document)]
        refusal = self._balance(owner, pods)
        pods = [pod.document for pod in self._maker.pods(owner) if is_active(pod.document)]
        self._write(key, owner, pods, refusal)
        return self._again(owner, pods, refusal)

    def _again(self, owner: Obj, pods: list[Obj], refusal: str) -> datetime | None:
        if refusal:
            return self._world.clock.after(RETRY_S)
        wanted, min_ready_s = dig(owner, "spec", "replicas"), dig(owner, "spec", "minReadySeconds") or 0
        settling = min_ready_s and any(
            is_ready(pod) and not is_available(self._world, pod, min_ready_s) for pod in pods
        )
        if settling or len(pods) != wanted:
            return self._world.clock.after(1.0)
        return None

    def _balance(self, owner: Obj, pods: list[Obj]) -> str:
        missing = (dig(owner, "spec", "replicas") or 0) - len(pods)
        for _ in range(min(missing, BURST)):
            if refusal := self._maker.make(owner, owner["spec"]["template"]):
                return refusal
        if missing < 0:
            for pod in sorted(pods, key=deletion_rank)[: min(-missing, BURST)]:
                self._maker.delete(owner, pod)
        return ""

    def _write(self, key: Key, owner: Obj, pods: list[Obj], refusal: str) -> None:
        stamp = self._world.clock.stamp()
        wanted = (dig(owner, "spec", "template", "metadata", "labels") or {}).items()
        min_ready_s = dig(owner, "spec", "minReadySeconds") or 0
        counts = {
            "fullyLabeledReplicas": sum(wanted <= labels_of(pod).items() for pod in pods),
            "readyReplicas": sum(map(is_ready, pods)),
            "availableReplicas": sum(is_available(self._world, pod, min_ready_s) for pod in pods),
        }

        def edit(document: Obj) -> None:
            status = {"replicas": len(pods), "observedGeneration": owner["metadata"]["generation"]}
            kept = dig(document, "status", "conditions")
            document["status"] = status | {name: count for name, count in counts.items() if count}
            document["status"] |= {"conditions": kept} if kept else {}
            if refusal:
                set_condition(document, "ReplicaFailure", "True", stamp, reason="FailedCreate", message=refusal)
            elif kept:
                document["status"]["conditions"] = [c for c in kept if c["type"] != "ReplicaFailure"]

        self._world.storage.update(REPLICA_SETS, *key, edit)
