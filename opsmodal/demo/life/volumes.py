"""Volume claims: bound at once, or when the first pod that uses them has a node, as their class says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo import writing
from opsmodal.demo.admission import PROTECTION
from opsmodal.demo.documents import Obj, dig, is_leaving, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

CLAIMS = stored("persistentvolumeclaims")
VOLUMES = stored("persistentvolumes")
CLASSES = stored("storageclasses")
RETRY_S = 15.0
OVER = ("Succeeded", "Failed")


class Volumes:
    """Provision volumes for claims."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._reports = Reporter(world, "persistentvolume-controller")

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at claims, and at those of pods that have got a node."""
        document = change.record.document
        if kind is CLAIMS:
            if change.type == "DELETED" and (volume := dig(document, "spec", "volumeName")):
                self._storage.remove(VOLUMES, "", volume)
            return [] if change.type == "DELETED" else [(namespace_of(document), name_of(document))]
        if kind is PODS and (change.type == "DELETED" or dig(document, "status", "phase") in OVER):
            return [(namespace_of(document), name) for name in _claims_of(document)]
        if kind is PODS and dig(document, "spec", "nodeName") and change.type == "MODIFIED":
            before = change.before.document if change.before else {}
            if not dig(before, "spec", "nodeName"):
                return [(namespace_of(document), name) for name in _claims_of(document)]
        return []

    def look(self, key: Key) -> datetime | None:
        """Bind a claim, or say what it waits for."""
        record = self._storage.get(CLAIMS, *key)
        if record is not None and is_leaving(record.document):
            self._let_go(key, record.document)
            return None
        if record is None or dig(record.document, "status", "phase") == "Bound":
            return None
        claim = record.document
        class_name = dig(claim, "spec", "storageClassName") or ""
        class_ = self._storage.get(CLASSES, "", class_name)
        if class_ is None:
            words = f'storageclass.storage.k8s.io "{class_name}" not found'
            self._reports.warn(claim, "ProvisioningFailed", words)
            return self._world.clock.after(RETRY_S)
        if class_.document.get("volumeBindingMode") == "WaitForFirstConsumer" and not self._used(claim):
            words = "waiting for first consumer to be created before binding"
            self._reports.normal(claim, "WaitForFirstConsumer", words)
            return None
        self._bind(key, claim, class_.document)
        return None

    def _let_go(self, key: Key, claim: Obj) -> None:
        """Let a deleted claim go when no pod uses it any more."""
        finalizers = claim["metadata"].get("finalizers") or []
        pods = [pod.document for pod in self._storage.records(PODS, key[0])[1]]
        if PROTECTION not in finalizers or any(
            key[1] in _claims_of(pod) and dig(pod, "status", "phase") not in OVER for pod in pods
        ):
            return
        left = [item for item in finalizers if item != PROTECTION]
        if not left:
            self._storage.remove(CLAIMS, *key)
            return
        self._storage.update(CLAIMS, *key, lambda document: document["metadata"].update(finalizers=left))

    def _used(self, claim: Obj) -> bool:
        pods = self._storage.records(PODS, namespace_of(claim))[1]
        return any(dig(pod.document, "spec", "nodeName") and name_of(claim) in _claims_of(pod.document) for pod in pods)

    def _bind(self, key: Key, claim: Obj, class_: Obj) -> None:
        volume = f"pvc-{uid_of(claim)}"
        size = dig(claim, "spec", "resources", "requests", "storage") or "1Gi"
        modes = dig(claim, "spec", "accessModes") or []
        reference = {"kind": "PersistentVolumeClaim", "namespace": key[0], "name": key[1], "uid": uid_of(claim)}
        spec = {"capacity": {"storage": size}, "accessModes": modes, "claimRef": reference}
        spec |= {"storageClassName": name_of(class_), "volumeMode": "Filesystem"}
        spec |= {"persistentVolumeReclaimPolicy": class_.get("reclaimPolicy", "Delete")}
        writing.create(self._world, VOLUMES, "", {"metadata": {"name": volume}, "spec": spec})
        self._storage.update(VOLUMES, "", volume, lambda document: document.update(status={"phase": "Bound"}))

        def edit(document: Obj) -> None:
            document["spec"]["volumeName"] = volume
            document["status"] = {"phase": "Bound", "accessModes": modes, "capacity": {"storage": size}}

        self._storage.update(CLAIMS, *key, edit)
        self._reports.normal(claim, "ProvisioningSucceeded", f"Successfully provisioned volume {volume}")


def _claims_of(pod: Obj) -> list[str]:
    volumes = dig(pod, "spec", "volumes") or ()
    names = [dig(volume, "persistentVolumeClaim", "claimName") for volume in volumes]
    return [name for name in names if name]
