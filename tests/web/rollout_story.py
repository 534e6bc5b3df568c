"""The story of a rollout that goes wrong, as tutorials tell it, played on any cluster through the API of opsmodal.

A Deployment is scaled, gets a new image, then one whose tag does not exist; its rollout gets stuck with most of the old
pods still there; it is rolled back, which takes the revision that it goes back to out of the history and appends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from tests.web.deploying import Deploying, Kubectl, Obj, settled

WEB = "deployment.nginx"
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, kw_only=True)
class Story:
    """Who plays it, where, and with which images: one, another, and one that nobody has."""

    tab: Deploying
    kubectl: Kubectl
    namespace: str
    images: tuple[str, str, str]
    replicas: int = 12
    command: Sequence[str] = ()

    def played(self) -> None:
        """Play all of it, in order."""
        self.begun()
        self.scaled()
        self.renewed()
        self.stuck()
        self.rolled_back()
        self.rolled_back_further()

    def begun(self) -> None:
        """Apply the manifest by hand; the page shows one revision."""
        labels, (first, _, _) = {"app": "nginx"}, self.images
        container: Obj = {"name": "nginx", "image": first, "imagePullPolicy": "IfNotPresent"}
        container |= {"command": list(self.command)} if self.command else {}
        spec: Obj = {"replicas": self.replicas, "selector": {"matchLabels": labels}}
        pod = {"containers": [container], "terminationGracePeriodSeconds": 1}
        spec["template"] = {"metadata": {"labels": labels}, "spec": pod}
        metadata = {"name": "nginx", "namespace": self.namespace, "labels": labels}
        self.kubectl.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
        self.ready(self.replicas)
        assert self.sizes() == [self.replicas]
        assert self.tab.revisions(WEB) == [1]
        assert self.tab.workload(WEB)["images"] == {"nginx": first}

    def scaled(self) -> None:
        """Scale: the ReplicaSet is changed, no other is made."""
        fewer = self.replicas - 2
        job = self.tab.change("PUT", f"{WEB}/replicas", {"replicas": fewer}, reason="a quiet night")
        assert job["state"] == "done", job
        assert self.sizes() == [fewer]
        assert self.tab.change("PUT", f"{WEB}/replicas", {"replicas": self.replicas})["state"] == "done"
        assert self.tab.revisions(WEB) == [1]

    def renewed(self) -> None:
        """Change the tag: a second ReplicaSet takes over, the first one stays at 0."""
        first, second, _ = self.images
        plan = self.tab.plan("PUT", f"{WEB}/image", {"image": second})
        assert [(each["before"], each["after"]) for each in plan["differences"]] == [(first, second)]
        job = self.tab.change("PUT", f"{WEB}/image", {"image": second}, reason="the second version")
        assert job["state"] == "done", job
        assert self.sizes() == [0, self.replicas]
        assert self.tab.revisions(WEB) == [2, 1]

    def stuck(self) -> None:
        """Change to a tag that does not exist: the rollout fails, says why, and most of the old pods stay."""
        job = self.tab.change("PUT", f"{WEB}/image", {"image": self.images[2]}, reason="mistyped")
        assert job["state"] == "failed", job
        told = f"{job['error']} {job['hint']} {job['steps']}"
        assert self.images[2] in told
        assert "nginx-" in told, "the pod that does not start"
        assert "roll" in job["hint"].lower()
        share = self.replicas / 4
        kept = self.replicas - int(share)
        assert self.sizes() == [0, kept, self.replicas + ceil(share) - kept]
        found = self.tab.workload(WEB)
        assert found["severity"] == "error"
        assert found["progress"]["state"] == "failed"
        assert found["ready"] == kept
        assert self.tab.revisions(WEB) == [3, 2, 1]

    def rolled_back(self) -> None:
        """Go back by one: revision 2 is gone from the history and stands at its end as revision 4."""
        plan = self.tab.plan("POST", f"{WEB}/rollback", {})
        _, second, bad = self.images
        assert f"image: {bad}" in plan["diff"]
        assert f"image: {second}" in plan["diff"]
        assert "rollout undo" in plan["command"]
        assert self.tab.call("POST", f"{WEB}/rollback", json={}).status_code == 409, "going back is confirmed"
        assert self.tab.change("POST", f"{WEB}/rollback", {}, reason="it was mistyped")["state"] == "done"
        assert self.sizes() == [0, 0, self.replicas]
        assert self.tab.revisions(WEB) == self.numbers() == [4, 3, 1]
        assert self.tab.workload(WEB)["images"] == {"nginx": second}
        assert self.tab.workload(WEB)["severity"] == "ok"

    def rolled_back_further(self) -> None:
        """Go back to the first revision: it becomes revision 5, and what is no longer there cannot be gone to."""
        assert self.tab.change("POST", f"{WEB}/rollback", {"revision": 1})["state"] == "done"
        assert self.tab.revisions(WEB) == self.numbers() == [5, 4, 3]
        assert self.tab.workload(WEB)["images"] == {"nginx": self.images[0]}
        gone = self.tab.call("POST", f"{WEB}/rollback?preview=true", json={"revision": 2})
        assert gone.status_code in (404, 422), gone.text

    def ready(self, count: int) -> None:
        """Wait until the page shows so many ready."""
        settled(lambda: self.tab.workloads().get(WEB, {}), lambda row: row.get("ready") == count)

    def sizes(self) -> list[int]:
        """Give how many pods each ReplicaSet has, by its revision, as kubectl lists them."""
        found = sorted(self.kubectl.items(f"-n {self.namespace} get replicasets"), key=_revision)
        return [int(each["status"].get("replicas", 0)) for each in found]

    def numbers(self) -> list[int]:
        """Give the revisions as kubectl prints them, the newest first."""
        lines = self.kubectl.said(f"-n {self.namespace} rollout history deployment/nginx").splitlines()
        return sorted((int(line.split()[0]) for line in lines if line[:1].isdigit()), reverse=True)


def _revision(replicaset: Obj) -> int:
    return int(replicaset["metadata"]["annotations"][REVISION])
