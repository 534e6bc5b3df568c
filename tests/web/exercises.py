"""The exercises of a course on Kubernetes, played on any cluster: made with kubectl as there, operated by the API.

A namespace, a Deployment of three replicas with a Service, a pod in another namespace, and a CronJob at half past
eleven at night which is then set to every minute. Whether the pod reaches the Service is not tried: a simulated cluster
carries no packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.web.deploying import Deploying, Kubectl, Obj, settled

WEB, JOB = "deployment.nginx-deployment", "cronjob.checking-cj"
NIGHTLY, EVERY_MINUTE = "30 23 * * *", "* * * * *"
MINUTE_S = 100.0
"""A minute until the clock is there, and the time of a pod."""


@dataclass(frozen=True, kw_only=True)
class Exercises:
    """Who plays them, where, and with which images."""

    tab: Deploying
    kubectl: Kubectl
    namespace: str
    web: str = "nginx:latest"
    alpine: str = "alpine"
    command: Sequence[str] = ()
    sleep: str = "30s"

    def namespace_made(self) -> None:
        """Create the namespace by a manifest; the service on it has nothing yet."""
        metadata = {"name": self.namespace, "labels": {"environment": "qa"}}
        said = self.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        assert said.strip() == f"namespace/{self.namespace} created"
        assert self.tab.workloads() == {}

    def deployed(self) -> None:
        """Create a Deployment with 3 replicas: the page shows it, its pods, and what they run."""
        labels = {"app": "nginx"}
        container: Obj = {"name": "nginx", "image": self.web, "ports": [{"containerPort": 80}]}
        container |= {"command": list(self.command), "imagePullPolicy": "IfNotPresent"} if self.command else {}
        pod = {"containers": [container], "terminationGracePeriodSeconds": 1}
        spec = {"replicas": 3, "selector": {"matchLabels": labels}}
        spec["template"] = {"metadata": {"labels": labels}, "spec": pod}
        metadata = {"name": "nginx-deployment", "namespace": self.namespace, "labels": labels}
        self.kubectl.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
        row = settled(lambda: self.tab.workloads().get(WEB, {}), lambda found: found.get("ready") == 3)
        assert (row["kind"], row["replicas"], row["images"]) == ("Deployment", 3, {"nginx": self.web})
        assert (row["strategy"], row["severity"]) == ("RollingUpdate", "ok")
        rows = settled(lambda: self.read("instances")["items"], lambda found: len(found) == 3)
        assert all(row["name"].startswith("nginx-deployment-") for row in rows)

    def exposed(self) -> None:
        """Create a Service that matches the labels: a domain can be given to it, at its port."""
        ports = [{"protocol": "TCP", "port": 80, "targetPort": 80}]
        spec = {"selector": {"app": "nginx"}, "ports": ports, "type": "ClusterIP"}
        metadata = {"name": "nginx-service", "namespace": self.namespace}
        self.kubectl.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        choices = self.read("domains")["choices"]
        assert list(choices["backends"]["nginx-service"]) == ["80"]

    def apart(self, name: str) -> None:
        """Create a pod in another namespace: the service shows nothing of it."""
        container: Obj = {"name": "alpine", "image": self.alpine, "args": ["sleep", "1d"]}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
        metadata = {"name": name, "namespace": "default"}
        self.kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        try:
            assert name not in {row["name"] for row in self.read("instances")["items"]}
            path = f"/services/{self.tab.service}/instances/{name}"
            assert self.tab.made.client(self.tab.actor).get(path).status_code == 404
        finally:
            self.kubectl.said(f"-n default delete pod {name} --wait=false")

    def scheduled(self) -> None:
        """Create a CronJob for every day at 11:30 PM, hold it, let it go, and run it at once."""
        container = {"name": "check-cj-c", "image": self.alpine, "args": ["sleep", self.sleep]}
        labels = {"app": "check-cj"}
        pod = {"containers": [container], "restartPolicy": "OnFailure", "terminationGracePeriodSeconds": 1}
        job = {"metadata": {"labels": labels}, "spec": {"template": {"metadata": {"labels": labels}, "spec": pod}}}
        metadata = {"name": "checking-cj", "namespace": self.namespace}
        spec = {"schedule": NIGHTLY, "jobTemplate": job}
        self.kubectl.apply({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec})
        row = self.tab.workload(JOB)
        assert (row["schedule"], row["suspended"], row["runs"]) == (NIGHTLY, False, [])
        self.tab.change("PUT", f"{JOB}/suspend", {"suspended": True}, reason="not tonight")
        assert self.tab.workload(JOB)["suspended"] is True
        assert self.kubectl.items(f"-n {self.namespace} get cronjobs")[0]["spec"]["suspend"] is True
        self.tab.change("PUT", f"{JOB}/suspend", {"suspended": False})
        self.tab.change("POST", f"{JOB}/run", reason="a first try")
        runs = settled(lambda: self.tab.workload(JOB)["runs"], lambda found: [r["state"] for r in found] == ["done"])
        assert _moment(runs[0]["ended_at"]) > _moment(runs[0]["began_at"])
        (made,) = self.kubectl.items(f"-n {self.namespace} get jobs")
        assert made["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"

    def rescheduled(self) -> None:
        """Change its schedule to every minute in its YAML, at what was read; another who was faster is not overrun."""
        read = self.tab.call("GET", f"{JOB}/manifest")
        assert read.status_code == 200, read.text
        text = read.json["text"].replace(f"schedule: {NIGHTLY}", f"schedule: '{EVERY_MINUTE}'")
        assert text != read.json["text"]
        plan = self.tab.plan("PUT", f"{JOB}/manifest", {"text": text})
        assert f"+  schedule: '{EVERY_MINUTE}'" in plan["diff"]
        headers = {"If-Match": read.headers["ETag"]}
        done = self.tab.call("PUT", f"{JOB}/manifest", json={"text": text}, headers=headers)
        assert done.status_code in (200, 202), done.text
        assert self.tab.workload(JOB)["schedule"] == EVERY_MINUTE
        late = self.tab.call("PUT", f"{JOB}/manifest", json={"text": text.replace("* *", "1 *", 1)}, headers=headers)
        assert late.status_code == 412, late.text
        assert self.tab.workload(JOB)["schedule"] == EVERY_MINUTE

    def ran_by_the_clock(self) -> None:
        """Wait for the next minute: it has run once more."""
        settled(lambda: self.tab.workload(JOB)["runs"], lambda runs: len(runs) >= 2, within_s=MINUTE_S)

    def read(self, tab: str) -> Obj:
        """Read another tab of the service."""
        answer = self.tab.made.client(self.tab.actor).get(f"/services/{self.tab.service}/{tab}")
        assert answer.status_code == 200, answer.text
        found: Obj = answer.json
        return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
