"""StatefulSets: numbered pods with claims of their own, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo import deletion, writing
from opsmodal.demo.documents import Obj, copied, dig, encode, is_leaving, labels_of, name_of, namespace_of, owned_by
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.making import ENDED, Maker, is_available, is_ready, noticed
from opsmodal.demo.names import safe_hash
from opsmodal.demo.storage import Change, Key, Record
from opsmodal.demo.world import World

STATEFUL_SETS = stored("statefulsets")
CLAIMS = stored("persistentvolumeclaims")
REVISIONS = stored("controllerrevisions")
HASH = "controller-revision-hash"
POD_NAME = "statefulset.kubernetes.io/pod-name"
INDEX = "apps.kubernetes.io/pod-index"
RETRY_S = 15.0


def _forget(world: World, owner: Obj, past: list[Record]) -> None:
    """Delete the oldest revisions that no pod is of, beyond the limit."""
    limit = dig(owner, "spec", "revisionHistoryLimit")
    pods = world.storage.owned(PODS, owner["metadata"]["uid"])
    used = {labels_of(pod.document).get(HASH) for pod in pods}
    idle = [item for item in past if not {name_of(item.document), labels_of(item.document).get(HASH)} & used]
    idle.sort(key=lambda item: item.document["revision"])
    for item in idle[: max(len(idle) - (10 if limit is None else limit), 0)]:
        deletion.delete(world, REVISIONS, item, deletion.Options())


def revision_name(world: World, kind_owner: Obj) -> str:
    """Give the name of the ControllerRevision of the present template, making it when it is new."""
    data = encode(kind_owner["spec"]["template"])
    hash_ = safe_hash(data)
    name = f"{name_of(kind_owner)}-{hash_}"
    namespace = namespace_of(kind_owner)
    past = world.storage.owned(REVISIONS, kind_owner["metadata"]["uid"])
    highest = max((item.document["revision"] for item in past), default=0)
    if known := world.storage.get(REVISIONS, namespace, name):
        if known.document["revision"] < highest:  # a rollback: what is current has the highest number
            world.storage.update(REVISIONS, namespace, name, lambda document: document.update(revision=highest + 1))
        return name
    _forget(world, kind_owner, past)
    labels = (dig(kind_owner, "spec", "template", "metadata", "labels") or {}) | {HASH: hash_}
    metadata = {"name": name, "labels": labels, "ownerReferences": [owned_by(kind_owner)]}
    template = {"$patch": "replace"} | copied(kind_owner["spec"]["template"])
    document: Obj = {"metadata": metadata, "data": {"spec": {"template": template}}}
    document["revision"] = highest + 1
    writing.create(world, REVISIONS, namespace, document)
    return name


class StatefulSets:
    """Keep the numbered pods of each StatefulSet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._maker = Maker(world, "statefulset-controller")

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed StatefulSets and at those whose pods changed."""
        return noticed(kind, change, STATEFUL_SETS)

    def look(self, key: Key) -> datetime | None:
        """Take the next step: make the next pod, delete the last one, or replace one by its update."""
        record = self._storage.get(STATEFUL_SETS, *key)
        if record is None or is_leaving(record.document):
            return None
        owner = record.document
        revision = revision_name(self._world, owner)
        refused = self._step(owner, revision)
        self._write(key, owner, revision)
        return self._world.clock.after(RETRY_S) if refused else None

    def _pods(self, owner: Obj) -> dict[int, Obj]:
        found = {}
        for record in self._storage.owned(PODS, owner["metadata"]["uid"]):
            number = name_of(record.document).rpartition("-")[2]
            found[int(number)] = record.document
        return found

    def _step(self, owner: Obj, revision: str) -> bool:
        """Tell whether something was refused."""
        pods, wanted = self._pods(owner), dig(owner, "spec", "replicas") or 0
        ordered = dig(owner, "spec", "podManagementPolicy") != "Parallel"
        for place in range(wanted):
            pod = pods.get(place)
            if pod is None:
                if self._make(owner, place, revision):
                    return True
                if ordered:
                    return False
            elif dig(pod, "status", "phase") in ENDED and not is_leaving(pod):
                self._maker.delete(owner, pod)
                return False
            elif ordered and (is_leaving(pod) or not is_ready(pod)):
                self._replace_broken(owner, pod, revision)
                return False
        surplus = sorted(place for place in pods if place >= wanted)
        if surplus:
            if not is_leaving(pods[surplus[-1]]):
                self._maker.delete(owner, pods[surplus[-1]])
            return False
        self._update_one(owner, pods, wanted, revision)
        return False

    def _replace_broken(self, owner: Obj, pod: Obj, revision: str) -> None:
        if not is_leaving(pod) and self._outdated(pod, revision) and self._updates(owner):
            self._maker.delete(owner, pod)

    @staticmethod
    def _outdated(pod: Obj, revision: str) -> bool:
        return labels_of(pod).get(HASH) != revision

    @staticmethod
    def _updates(owner: Obj) -> bool:
        return bool(dig(owner, "spec", "updateStrategy", "type") != "OnDelete")

    def _update_one(self, owner: Obj, pods: dict[int, Obj], wanted: int, revision: str) -> None:
        first = dig(owner, "spec", "updateStrategy", "rollingUpdate", "partition") or 0
        if not self._updates(owner):
            return
        for place in range(wanted - 1, first - 1, -1):
            pod = pods.get(place)
            if pod is None or is_leaving(pod):
                return
            if self._outdated(pod, revision):
                self._maker.delete(owner, pod)
                return
            if not is_ready(pod):
                return

    def _make(self, owner: Obj, place: int, revision: str) -> str:
        name = f"{name_of(owner)}-{place}"
        template = copied(owner["spec"]["template"])
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels |= {POD_NAME: name, INDEX: str(place), HASH: revision}
        volumes = template["spec"].setdefault("volumes", [])
        for claim in dig(owner, "spec", "volumeClaimTemplates") or ():
            claim_name = f"{name_of(claim)}-{name}"
            volumes.append({"name": name_of(claim), "persistentVolumeClaim": {"claimName": claim_name}})
            if self._storage.get(CLAIMS, namespace_of(owner), claim_name) is None:
                metadata = {"name": claim_name, "labels": dig(owner, "spec", "selector", "matchLabels") or {}}
                manifest: Obj = {"metadata": metadata, "spec": copied(claim["spec"])}
                writing.create(self._world, CLAIMS, namespace_of(owner), manifest)
        more = {"hostname": name, "subdomain": dig(owner, "spec", "serviceName") or ""}
        return self._maker.make(owner, template, name=name, more=more)

    def _write(self, key: Key, owner: Obj, revision: str) -> None:
        pods = [record.document for record in self._storage.owned(PODS, owner["metadata"]["uid"])]
        updated = sum(not self._outdated(pod, revision) for pod in pods)
        min_ready_s = dig(owner, "spec", "minReadySeconds") or 0
        status: Obj = {"observedGeneration": owner["metadata"]["generation"], "replicas": len(pods)}
        status |= {"readyReplicas": sum(map(is_ready, pods)), "updateRevision": revision, "collisionCount": 0}
        status |= {"availableReplicas": sum(is_available(self._world, pod, min_ready_s) for pod in pods)}
        through = updated == len(pods)
        status["currentRevision"] = revision if through else dig(owner, "status", "currentRevision") or revision
        status |= {"currentReplicas": updated if through else len(pods) - updated, "updatedReplicas": updated}
        self._storage.update(STATEFUL_SETS, *key, lambda document: document.update(status=status))
