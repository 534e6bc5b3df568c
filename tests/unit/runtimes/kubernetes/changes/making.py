"""Makes workloads for tables, and plays on them what a draft would send."""

from __future__ import annotations

import json
from typing import Any, cast

from opsmodal.demo import patches
from runtimes.base import Scope
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.changes.draft import Asked, Draft
from runtimes.kubernetes.changes.found import Found
from runtimes.kubernetes.workloads.summary import KINDS

Obj = dict[str, Any]
DIGEST = f"sha256:{'ab' * 32}"
RESOURCES = {kind: resource for resource, kind in KINDS.items()}


def found(kind: str = "Deployment", *, metadata: Obj | None = None, status: Obj | None = None, **spec: Any) -> Found:
    """Give a workload of two containers; `spec` is laid over its own."""
    labels = {"app": "web"}
    web = {"name": "web", "image": f"example.com/web:1@{DIGEST}"}
    side = {"name": "side", "image": "busybox:1", "resources": {"requests": {"cpu": "10m", "example.com/gpu": "1"}}}
    template: Obj = {"metadata": {"labels": labels}, "spec": {"containers": [web, side]}}
    template["spec"]["initContainers"] = [{"name": "prepare", "image": "busybox"}]
    whole: Obj = {"selector": {"matchLabels": labels}, "template": template} | spec
    if kind == "CronJob":
        whole = {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}} | spec
    known = {"name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "7", "generation": 3}
    document = {
        "apiVersion": "batch/v1" if kind in {"Job", "CronJob"} else "apps/v1",
        "kind": kind,
        "metadata": known | (metadata or {}),
        "spec": whole,
        "status": status or {},
    }
    return Found(kind=kind, resource=RESOURCES[kind], namespace="shop", name="web", document=document)


def asked(workload: Found, *, selector: str = "") -> Asked:
    """Give what a draft is made of; one that asks the cluster fails."""
    return Asked(
        client=cast(Client, None), scope=Scope(service="shop", namespace="shop", selector=selector), found=workload
    )


def played(draft: Draft, workload: Found) -> Obj:
    """Give what the workload becomes by the one call of a draft."""
    (call,) = draft.calls
    assert call.path == workload.path
    document = json.loads(json.dumps(workload.document))
    return json.loads(json.dumps(call.body)) if call.method == "PUT" else patches.apply(call.media, document, call.body)


def containers(document: Obj, kind: str = "Deployment") -> dict[str, Obj]:
    """Give the containers of a workload by name."""
    spec = document["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else document["spec"]
    pod = spec["template"]["spec"]
    return {each["name"]: each for each in [*pod["containers"], *pod.get("initContainers", [])]}
