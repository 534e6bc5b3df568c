"""One simulated cluster for each module of these tests, the real kubectl on it, and a way to wait with a deadline."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import urllib3
import yaml

from opsmodal.demo.cluster import Cluster, start
from opsmodal.demo.documents import decode, encode

T = TypeVar("T")
SETTLE_S = 30.0
KUBECTL_S = 60.0
SPEED = 10.0
"""Back-off and probes pass ten times as fast in these tests."""

LEFT = (
    "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
    *(f"/apis/apps/v1/namespaces/default/{kind}" for kind in ("deployments", "statefulsets", "daemonsets")),
    *(f"/apis/batch/v1/namespaces/default/{kind}" for kind in ("cronjobs", "jobs")),
    "/apis/apps/v1/namespaces/default/replicasets",
    "/api/v1/namespaces/default/pods",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = start(speed=SPEED)
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def _swept(request: pytest.FixtureRequest) -> None:
    """Take away what the first try of this test left in `default`, before another one: the cluster is the module's."""
    if getattr(request.node, "execution_count", 1) > 1 and "cluster" in request.fixturenames:
        client = Client(request.getfixturevalue("cluster"))
        for path in LEFT:
            client.answer("DELETE", path)
        settle(lambda: [client.get(path)["items"] for path in LEFT], lambda found: not any(found))
        client.close()


@dataclass(frozen=True)
class Kubectl:
    """The real kubectl on one kubeconfig."""

    program: Path
    kubeconfig: Path

    def __call__(self, line: str, *more: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, "--kubeconfig", self.kubeconfig, *line.split(), *more],
            capture_output=True,
            text=True,
            input=typed,
            timeout=KUBECTL_S,
            check=False,
        )

    def said(self, line: str, *more: str, typed: str | None = None) -> str:
        done = self(line, *more, typed=typed)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def admin(cluster: Cluster, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    path = tmp_path_factory.mktemp("admin") / "kubeconfig"
    path.write_text(cluster.kubeconfig())
    return Kubectl(kubectl, path)


@pytest.fixture(scope="module")
def narrow(cluster: Cluster, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    path = tmp_path_factory.mktemp("narrow") / "kubeconfig"
    path.write_text(cluster.kubeconfig("narrow", namespace="shop"))
    return Kubectl(kubectl, path)


class Client:
    """A plain HTTP client with the token of one user."""

    def __init__(self, cluster: Cluster, user: str = "admin") -> None:
        import ssl

        self.cluster = cluster
        self._token = cluster.token(user)
        self._pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cadata=cluster.authority))

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._pool.request(
            method,
            self.cluster.url + path,
            body=None if body is None else encode(body),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"} | named,
            timeout=10.0,
            retries=False,
            preload_content=False,
        )

    def answer(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        response = self.request(method, path, body, **headers)
        try:
            data = response.read()
        finally:
            response.close()
        return response.status, decode(data) if data.startswith(b"{") else data.decode()

    def get(self, path: str) -> Any:
        return self.answer("GET", path)[1]

    def close(self) -> None:
        self._pool.clear()


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    made = Client(cluster)
    yield made
    made.close()


def settle(read: Callable[[], T], holds: Callable[[T], bool], within_s: float = SETTLE_S) -> T:
    """Poll until `holds`; give what was read last."""
    deadline = time.monotonic() + within_s
    while True:
        found = read()
        if holds(found):
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {found!r}"
        time.sleep(0.05)


def pod(name: str, *command: str, namespace: str = "default", **spec: Any) -> dict[str, Any]:
    """Give the manifest of a pod with one container that runs a command of the interpreter."""
    container: dict[str, Any] = {"name": "main", "image": "busybox:1"} | spec.pop("container", {})
    container |= {"command": list(command)} if command else {}
    metadata = {"name": name, "namespace": namespace, "annotations": spec.pop("annotations", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]} | spec}


def deployment(name: str, replicas: int, namespace: str = "default", **container: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "web:1"} | container]},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def loaded(text: str) -> Any:
    return yaml.safe_load(text)
