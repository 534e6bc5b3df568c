"""Workloads for the cases on changes: they are made and looked at by the plain client, never by the code under test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtimes.base import Scope
from runtimes.changes import Change
from runtimes.deployment import Deployment
from runtimes.planning import Applied, Plan, Progress
from tests.contract.conftest import NAMED
from tests.contract.world_kubernetes import IMAGE, STAY, KubernetesWorld, Obj
from tests.contract.worlds import settle

CLUSTERS = [name for name in NAMED if name in ("simulated", "cluster")]
on_clusters = pytest.mark.parametrize("engine", CLUSTERS, indirect=True)
"""What engines of containers have no facet for."""
OTHER = IMAGE.rpartition(":")[0] + ":no-such-tag"
"""An image of which only the tag is wrong."""
GROUP = {"deployments": "apps", "statefulsets": "apps", "daemonsets": "apps", "replicasets": "apps"}
GROUP |= {"jobs": "batch", "cronjobs": "batch"}
KIND = {"deployment": "deployments", "statefulset": "statefulsets", "daemonset": "daemonsets"}
KIND |= {"replicaset": "replicasets", "job": "jobs", "cronjob": "cronjobs"}


class Workloads:
    """The workloads of one namespace of a world."""

    def __init__(self, world: KubernetesWorld) -> None:
        self.world = world
        self.scope: Scope = world.scope
        found = world.runtime.deployment
        assert found is not None
        self.facet: Deployment = found

    def path(self, id_: str, *, namespace: str = "") -> str:
        """Give the path of an object by an id such as `deployment.web`."""
        kind, _, name = id_.partition(".")
        resource = KIND[kind]
        space = namespace or self.scope.namespace
        return f"/apis/{GROUP[resource]}/v1/namespaces/{space}/{resource}" + (f"/{name}" if name else "")

    def make(self, id_: str, *, replicas: int = 1, elsewhere: bool = False, **spec: Any) -> str:
        """Make a workload of pods that stay; give its id."""
        kind, _, name = id_.partition(".")
        space = self.world.other_scope.namespace if elsewhere else self.scope.namespace
        whole: Obj = {"selector": {"matchLabels": {"app": name}}, "template": template(name)}
        whole |= {} if kind == "daemonset" else {"replicas": replicas}
        whole |= {"serviceName": name} if kind == "statefulset" else {}
        body = {"metadata": {"name": name, "labels": {"app": name}}, "spec": whole | spec}
        self.world.api.call("POST", self.path(f"{kind}.", namespace=space), body)
        return id_

    def settled(self, id_: str) -> None:
        """Wait until the cluster itself says that a rollout is through."""
        settle(lambda: _through(self.read(id_)), f"the rollout of {id_}")

    def ready(self, id_: str, **more: Any) -> str:
        """Make a workload and wait for it."""
        self.make(id_, **more)
        self.settled(id_)
        return id_

    def cronjob(self, name: str = "tick", schedule: str = "0 3 1 1 *") -> str:
        """Make a CronJob that nothing starts while a test runs."""
        spec = {"schedule": schedule, "jobTemplate": {"spec": {"template": template(name, "echo done", "Never")}}}
        self.world.api.call("POST", self.path("cronjob."), {"metadata": {"name": name}, "spec": spec})
        return f"cronjob.{name}"

    def autoscaler(self, id_: str, name: str = "own", **spec: Any) -> None:
        """Make an autoscaler behind the runtime's back."""
        kind, _, target = id_.partition(".")
        words = {"deployment": "Deployment", "statefulset": "StatefulSet"}
        reference = {"apiVersion": "apps/v1", "kind": words[kind], "name": target}
        body = {"metadata": {"name": name}, "spec": {"scaleTargetRef": reference, "maxReplicas": 5} | spec}
        self.world.api.call("POST", self.autoscalers(), body)

    def autoscalers(self) -> str:
        """Give the path of the namespace's autoscalers."""
        return f"/apis/autoscaling/v2/namespaces/{self.scope.namespace}/horizontalpodautoscalers"

    def read(self, id_: str) -> Obj:
        """Read a workload as the cluster has it."""
        return self.world.api.call("GET", self.path(id_))

    def replicas(self, id_: str) -> int:
        """Read how many are wanted."""
        return int(self.read(id_)["spec"]["replicas"])

    def image(self, id_: str) -> str:
        """Read the image of the first container."""
        return str(self.read(id_)["spec"]["template"]["spec"]["containers"][0]["image"])

    def sets(self, name: str) -> list[Obj]:
        """Read the ReplicaSets of a Deployment, the oldest revision first."""
        found = self.world.api.call("GET", f"{self.path('replicaset.')}?labelSelector=app%3D{name}")["items"]
        return sorted(found, key=_revision)

    def plan(self, change: Change) -> Plan:
        """Plan a change."""
        return self.facet.plan(self.scope, change)

    def apply(self, change: Change, *, revision: str = "") -> Applied:
        """Do a change."""
        return self.facet.apply(self.scope, change, revision=revision)

    def through(self, id_: str, state: str = "done", *, generation: int = 0) -> Progress:
        """Wait until a rollout is said to be in a state; give what was said."""
        said: list[Progress] = []

        def reached() -> bool:
            said[:] = [self.facet.progress(self.scope, id_, generation=generation)]
            return said[0].state == state

        settle(reached, f"{id_} {state}; {said}")
        return said[0]

    def says(self, id_: str, holds: Callable[[Progress], bool], what: str) -> Progress:
        """Wait until what is said of a rollout holds; give it."""
        said: list[Progress] = []

        def told() -> bool:
            said[:] = [self.facet.progress(self.scope, id_)]
            return holds(said[0])

        try:
            settle(told, what)
        except AssertionError as late:
            raise AssertionError(f"{what}; said last: {said}") from late
        return said[0]


def template(name: str, script: str = STAY, restart: str = "Always") -> Obj:
    """Give a pod template of one container `web`."""
    container = {"name": "web", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, "restartPolicy": restart}
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def _revision(replicaset: Obj) -> int:
    return int(replicaset["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", 0))


def _through(workload: Obj) -> bool:
    status, spec = workload.get("status", {}), workload["spec"]
    if status.get("observedGeneration") != workload["metadata"]["generation"]:
        return False
    if "desiredNumberScheduled" in status:
        wanted = status["desiredNumberScheduled"]
        return bool(wanted and status.get("updatedNumberScheduled") == wanted == status.get("numberReady"))
    counts = {status.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas")}
    return counts == {spec.get("replicas", 1)}
