"""A simulated cluster with thousands of pods in a process of its own, told by lines of JSON what to do.

The pods lie there ready made: the cluster's controllers would need a minute to bring 5,000 up, and nothing here is
about them. They do not run, so whatever changes is what was asked for. Each is as large as a real one (6.8 KB).
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from opsmodal.demo import cluster as clusters
from opsmodal.demo.api.app import Api
from opsmodal.demo.documents import Obj
from opsmodal.demo.kinds import PODS
from opsmodal.demo.life.deployment import DEPLOYMENTS
from opsmodal.demo.life.output import NANOSECONDS, Line, nanoseconds

NAMESPACE = "crowd"
QUIET = "quiet"
"""A namespace with nothing in it: what a server costs before it has seen a crowd."""
IMAGE = "registry.example.com/shop/shop-web:1.4.2"
FIELDS_BYTES = 3600
"""What `metadata.managedFields` of a pod of a Deployment takes on a real API server."""
LINE_BYTES = 200
PREFIX = "GET /api/orders/{:09d} 200 "


def main() -> None:
    """Serve until the standard input ends."""
    pods, lines, bytes_s = (int(argument) for argument in sys.argv[1:4])
    asked = _counted()
    cluster = clusters.Cluster(port=0, seed=clusters.SEED, speed=1.0, bookmark_s=60)
    cluster.apply_base()
    for name in (NAMESPACE, QUIET):
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    crowd = Crowd(cluster, pods)
    crowd.log("crowd-00000", Written(lines))
    crowd.log("crowd-00001", Flowing(bytes_s))
    cluster._front.switch_on()  # listens without coming to life
    _say({"kubeconfig": cluster.kubeconfig(), "url": cluster.url, "token": cluster.token(), "ca": cluster.authority})
    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "asked":
            _say(dict(asked))
        else:
            _say(getattr(crowd, told.pop("do"))(**told))
    cluster.stop()


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _counted() -> Counter[str]:
    """Count the requests that the API server gets, by method and path."""
    asked: Counter[str] = Counter()
    answer: Callable[..., Any] = Api.__call__

    def counting(api: Api, environ: dict[str, Any], start: Any) -> Any:
        watch = " (watch)" if "watch=" in environ.get("QUERY_STRING", "") else ""
        asked[f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{watch}"] += 1
        return answer(api, environ, start)

    Api.__call__ = counting  # type: ignore[method-assign]
    return asked


class Crowd:
    """The pods, and what is done to them."""

    def __init__(self, cluster: clusters.Cluster, count: int) -> None:
        self._cluster = cluster
        self._storage = cluster.world.storage
        self._random = random.Random(count)
        self.names = [f"crowd-{number:05d}" for number in range(count)]
        for number, name in enumerate(self.names):
            self._storage.put(PODS, _pod(name, number))

    def log(self, name: str, output: Any) -> None:
        """Give a pod something to read."""
        record = self._storage.get(PODS, NAMESPACE, name)
        if record is not None:
            self._cluster._outputs.begin(record.document["metadata"]["uid"], "web", output)

    def mark(self, *, number: int, name: str = "") -> Obj:
        """Let a pod say Mark<number> where its status stands; give the moment (monotonic, the machine's)."""

        def edit(document: Obj) -> None:
            waiting = {"waiting": {"reason": f"Mark{number}", "message": "marked"}}
            document["status"]["containerStatuses"][0] |= {"state": waiting, "ready": False, "started": False}

        at, wall = time.monotonic(), time.time()
        self._storage.update(PODS, NAMESPACE, name or self.names[0], edit)
        return {"at": at, "wall": wall}

    def churn(self, *, rate: float, seconds: float) -> Obj:
        """Change so many pods a second, also their names: one in ten is deleted and another one comes."""
        began, made = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            while made < passed * rate:
                self._change(made)
                made += 1
            time.sleep(0.01)
        return {"made": made, "seconds": time.monotonic() - began}

    def _change(self, made: int) -> None:
        place = self._random.randrange(len(self.names))
        if made % 10 == 9:
            self._storage.remove(PODS, NAMESPACE, self.names[place])
            self.names[place] = f"crowd-{len(self.names) + made:05d}"
            self._storage.put(PODS, _pod(self.names[place], made))
            return

        def edit(document: Obj) -> None:
            document["status"]["containerStatuses"][0]["restartCount"] += 1

        self._storage.update(PODS, NAMESPACE, self.names[place], edit)

    def workload(self, *, name: str) -> Obj:
        """Put a Deployment of no pods there that stands still, as the controllers, which do not run, would leave it."""
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": name, "namespace": NAMESPACE}
        self._cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})

        def seen(document: Obj) -> None:
            document.setdefault("status", {})["observedGeneration"] = document["metadata"]["generation"]

        self._storage.update(DEPLOYMENTS, NAMESPACE, name, seen)
        return {"made": name}

    def configmap(self, *, name: str, size_bytes: int) -> Obj:
        """Put a ConfigMap there whose one value is so large."""
        metadata = {"name": name, "namespace": NAMESPACE}
        data = {"data": "x" * size_bytes}
        self._cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        return {"made": name}

    def truth(self) -> Obj:
        """Give how often each pod was restarted, by its name."""
        _, records = self._storage.records(PODS, NAMESPACE)
        return {
            record.document["metadata"]["name"]: record.document["status"]["containerStatuses"][0]["restartCount"]
            for record in records
        }


def _pod(name: str, number: int) -> Obj:
    labels = {"app": "crowd", "app.kubernetes.io/part-of": "crowd", "pod-template-hash": "5d4f8c7b9"}
    started = (datetime.now(UTC) - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"f:status": {"f:conditions": {"filler": "x" * FIELDS_BYTES}}}
    managed = {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": started, "fieldsV1": fields}
    metadata: Obj = {"name": name, "namespace": NAMESPACE, "labels": labels, "creationTimestamp": started}
    metadata |= {"uid": f"00000000-0000-4000-8000-{number:012d}", "managedFields": [managed]}
    container: Obj = {"name": "web", "image": IMAGE, "imagePullPolicy": "IfNotPresent"}
    container["resources"] = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
    container["env"] = [{"name": f"SETTING_{place}", "value": "a value of usual length"} for place in range(8)]
    spec: Obj = {"nodeName": "demo-worker-1", "containers": [container], "restartPolicy": "Always"}
    running = {"running": {"startedAt": started}}
    status: Obj = {"name": "web", "image": IMAGE, "imageID": f"{IMAGE}@sha256:{'a' * 64}", "ready": True}
    status |= {"started": True, "restartCount": 0, "state": running, "lastState": {}}
    status["containerID"] = f"containerd://{number:064x}"
    conditions = [
        {"type": type_, "status": "True", "lastTransitionTime": started, "lastProbeTime": None}
        for type_ in ("PodScheduled", "Initialized", "Ready", "ContainersReady")
    ]
    state: Obj = {"phase": "Running", "qosClass": "Burstable", "conditions": conditions, "startTime": started}
    state |= {"hostIP": "172.18.0.3", "podIP": "10.244.1.2", "containerStatuses": [status]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": state}


class Written:
    """A log of so many lines, all there, one a millisecond until a minute ago."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._first_ns = nanoseconds(datetime.now(UTC)) - count * 1_000_000 - 60 * NANOSECONDS

    def count(self, until_ns: int) -> int:
        """Give how many lines were written up to a moment."""
        return max(0, min(self._count, (until_ns - self._first_ns) // 1_000_000))

    def line(self, place: int) -> Line:
        """Give the line at `place`."""
        return Line(self._first_ns + place * 1_000_000, text_of(place))


class Flowing:
    """A log that grows by so many bytes a second, from now on."""

    def __init__(self, bytes_s: int) -> None:
        self._period_ns = max(1, NANOSECONDS * LINE_BYTES // bytes_s)
        self._first_ns = nanoseconds(datetime.now(UTC))

    def count(self, until_ns: int) -> int:
        """Give how many lines were written up to a moment."""
        return max(0, (until_ns - self._first_ns) // self._period_ns)

    def line(self, place: int) -> Line:
        """Give the line at `place`."""
        return Line(self._first_ns + (place + 1) * self._period_ns, text_of(place))


def text_of(place: int) -> bytes:
    """Give the line of a number, LINE_BYTES with its end."""
    return PREFIX.format(place).encode().ljust(LINE_BYTES - 1, b"x")


if __name__ == "__main__":
    main()
