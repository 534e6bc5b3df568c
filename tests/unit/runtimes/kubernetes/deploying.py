"""Makes workloads and what stands around them for tables, decoded by the very models that the adapter uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.workloads import ControllerRevision, DeployedObject
from runtimes.kubernetes.workloads.around import Around
from tests.unit.runtimes.kubernetes import making

Obj = dict[str, Any]
UID = "u-web"
IMAGE = "registry.example.com/web:2"


def owned(kind: str = "Deployment", name: str = "web", uid: str = UID) -> list[Obj]:
    return [{"kind": kind, "name": name, "uid": uid, "controller": True}]


def workload(
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
    revision: int = 2,
    generation: int = 4,
) -> DeployedObject:
    """Make a Deployment web of three pods at a revision, whose cluster has seen its generation."""
    metadata = {"name": "web", "namespace": "shop", "uid": UID, "generation": generation}
    metadata["annotations"] = {"deployment.kubernetes.io/revision": str(revision)} if revision else {}
    known = {"observedGeneration": generation, **(status or {})}
    return msgspec.convert(
        {
            "metadata": {**metadata, **(meta or {})},
            "spec": {"replicas": 3, "template": template(), **(spec or {})},
            "status": known,
        },
        DeployedObject,
    )


def template(image: str = IMAGE) -> Obj:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}


def counted(replicas: int, updated: int, ready: int, available: int | None = None) -> Obj:
    there = ready if available is None else available
    return {
        "replicas": replicas,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": there,
    }


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Obj:
    return {"type": kind, "status": status, "reason": reason, "message": message}


LATE = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-new" has timed out progressing.')
THROUGH = condition("Progressing", "True", "NewReplicaSetAvailable")
MOVING = condition("Progressing", "True", "ReplicaSetUpdated")


def replicaset(
    name: str,
    revision: int,
    *,
    replicas: int = 0,
    ready: int = 0,
    image: str = IMAGE,
    conditions: Sequence[Obj] = (),
    annotations: Mapping[str, str] | None = None,
    owner: str = UID,
) -> DeployedObject:
    marks = {"deployment.kubernetes.io/revision": str(revision), **(annotations or {})}
    meta = {"name": name, "uid": f"u-{name}", "annotations": marks, "ownerReferences": owned(uid=owner)}
    meta["creationTimestamp"] = making.ago(1000 - revision)
    status = {"replicas": replicas, "readyReplicas": ready, "conditions": list(conditions)}
    spec = {"replicas": replicas, "template": template(image)}
    return msgspec.convert({"metadata": meta, "spec": spec, "status": status}, DeployedObject)


def numbered(name: str, revision: int, *, kind: str = "StatefulSet", image: str = IMAGE) -> ControllerRevision:
    meta = {"name": name, "ownerReferences": owned(kind), "labels": {"controller-revision-hash": name[-3:]}}
    data = {"spec": {"template": template(image)}}
    return msgspec.convert({"metadata": meta, "revision": revision, "data": data}, ControllerRevision)


def pod(name: str, *, owner: Obj, labels: Mapping[str, str] | None = None, state: str = "ready") -> HeldPod:
    """Make a pod in one of the states below; "fallen" has ended once, "evicted" for good."""
    meta = {"name": name, "namespace": "shop", "ownerReferences": [owner], "labels": dict(labels or {})}
    if state == "leaving":
        meta["deletionTimestamp"] = making.ago(-30)
    states: dict[str, Obj] = {
        "ready": making.container(making.running()),
        "leaving": making.container(making.running()),
        "starting": making.container(making.waiting("ContainerCreating")),
        "crashing": making.container(making.waiting("CrashLoopBackOff", "back-off 10s"), restarts=2),
        "fallen": making.container(making.ended(1, "Error", ago_s=1)),
        "unpullable": making.container(making.waiting("ImagePullBackOff", "no such image")),
        "evicted": making.container(making.ended(137, "Error")),
        "unready": making.container(making.running(20), ready=False),
    }
    good = "True" if state in {"ready", "leaving"} else "False"
    phase = {"starting": "Pending", "unpullable": "Pending", "evicted": "Failed"}.get(state, "Running")
    made = making.pod(
        states[state],
        phase=phase,
        conditions={"Ready": (good, "", 20)},
        meta=meta,
        age_s=7200 if good == "True" else 60,
    )
    return msgspec.convert(msgspec.to_builtins(made), HeldPod)


def of(maker: DeployedObject | ControllerRevision, kind: str = "ReplicaSet") -> Obj:
    return {"kind": kind, "name": maker.metadata.name, "uid": maker.metadata.uid, "controller": True}


def around(**known: Any) -> Around:
    return Around(now=making.NOW, **known)
