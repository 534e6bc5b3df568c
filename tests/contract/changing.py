"""A cluster for changes: workloads to change, a namespace for us and one for kubectl, and what differs."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster
from runtimes.base import Scope
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.login import kubeconfig as kubeconfigs
from runtimes.kubernetes.login.access import Access
from runtimes.kubernetes.login.configuring import dialled, from_kubeconfig
from tests.contract.world_kubernetes import Api

Obj = dict[str, Any]
KUBECTL_S = 60.0
SETTLE_S = 30.0
STAMP = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
DIGEST = f"sha256:{'ab' * 32}"


@dataclass(frozen=True)
class Both:
    """One cluster with a namespace that we change, and one that kubectl changes."""

    api: Api
    client: Client
    folder: Path
    ours: str
    theirs: str

    def scope(self, namespace: str) -> Scope:
        return Scope(service="shop", namespace=namespace)

    def make(self, manifest: Obj) -> None:
        for namespace in (self.ours, self.theirs):
            self.api.call("POST", collection(manifest, namespace), manifest)

    def read(self, manifest: Obj, namespace: str) -> Obj:
        return self.api.call("GET", f"{collection(manifest, namespace)}/{manifest['metadata']['name']}")

    def check_alike(self, manifest: Obj) -> Obj:
        """Check that both have the same set, once the cluster has numbered their revisions; give ours."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            ours, theirs = (self.read(manifest, namespace) for namespace in (self.ours, self.theirs))
            if plain(ours) == plain(theirs) or time.monotonic() > deadline:
                assert plain(ours) == plain(theirs)
                return ours
            time.sleep(0.1)

    def type(self, line: str) -> str:
        """Run a line as a person would, in a shell."""
        environment = {
            **os.environ,
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "KUBECONFIG": str(self.folder / "config"),
        }
        done = subprocess.run(
            ["sh", "-c", line], capture_output=True, text=True, timeout=KUBECTL_S, check=False, env=environment
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout


def opened(cluster: Cluster, user: str = "admin", *, namespace: str = "") -> Client:
    return client_of(cluster.kubeconfig(user, namespace=namespace))


def client_of(kubeconfig: str) -> Client:
    chosen = kubeconfigs.chosen(kubeconfig, None, ())
    target = dialled(chosen.cluster.server, Direct())
    return Client(
        Access(from_kubeconfig(chosen, target, timeout_s=10), server=target.server), runtime="test", timeout_s=10
    )


def collection(manifest: Obj, namespace: str) -> str:
    return f"/apis/{manifest['apiVersion']}/namespaces/{namespace}/{manifest['kind'].lower()}s"


def workload(kind: str = "Deployment", *, annotations: Obj | None = None, **spec: Any) -> Obj:
    """Give a workload of two containers and one that prepares them."""
    labels = {"app": "web"}
    containers = [
        {"name": "web", "image": f"registry.example.com/shop/web:1.0@{DIGEST}", "ports": [{"containerPort": 80}]},
        {"name": "side", "image": "busybox:1", "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "1Gi"}}},
    ]
    template: Obj = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    template["spec"]["initContainers"] = [{"name": "prepare", "image": "busybox:1", "command": ["true"]}]
    metadata = {"name": "web", "labels": labels, "annotations": annotations or {}}
    if kind == "CronJob":
        template["spec"]["restartPolicy"] = "Never"
        whole: Obj = {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"template": template}}} | spec
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": whole}
    whole = {"selector": {"matchLabels": labels}, "template": template} | spec
    whole |= {"serviceName": "web"} if kind == "StatefulSet" else {}
    whole |= {"replicas": 2} if kind != "DaemonSet" and "replicas" not in spec else {}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": whole}


def plain(document: Obj) -> Obj:
    """Give what somebody set: without the state, what the server keeps, and the moment at which it was."""
    own = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace", "generation"}
    metadata = {key: value for key, value in document["metadata"].items() if key not in own}
    metadata["annotations"] = metadata.get("annotations") or {}
    left = {key: value for key, value in document.items() if key != "status"} | {"metadata": metadata}
    return dict(yaml.safe_load(STAMP.sub("(then)", yaml.safe_dump(left))))
