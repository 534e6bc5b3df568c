"""Kubernetes worlds: pods of small shell scripts in fresh namespaces, on the simulated cluster and on a real one.

What is made and looked at here goes through a plain HTTP client of its own, never through the code under test. The
runtime under test reaches the API server through a relay, so that its line can be cut while the cluster lives on.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
import yaml

from runtimes.base import Scope
from runtimes.kubernetes.open import open_kubernetes
from tests.contract.relay import Relay
from tests.contract.ways import LOOPBACK, Way
from tests.contract.worlds import SECRET_VALUE, Absent, World, settle

if TYPE_CHECKING:
    from opsmodal.demo.cluster import Cluster

IMAGE = os.environ.get("OPSMODAL_TEST_IMAGE", "docker.io/library/busybox:1")
STAY = "exec sleep 3600"
TIMEOUT_S = 20.0
Obj = dict[str, Any]


class Refused(Exception):
    """The API server answered with an error; `status` is its code."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status


class Api:
    """A plain client of one API server, from a kubeconfig with everything inlined."""

    def __init__(self, kubeconfig: str) -> None:
        from kubernetes.config import new_client_from_config_dict

        self.kubeconfig = kubeconfig
        self._client = new_client_from_config_dict(yaml.safe_load(kubeconfig))
        self.server = str(self._client.configuration.host)

    def call(self, method: str, path: str, body: Obj | None = None) -> Obj:
        settings = self._client.configuration.auth_settings().values()
        headers = {each["key"]: each["value"] for each in settings} | {"Content-Type": "application/json"}
        answer = self._client.rest_client.pool_manager.request(
            method,
            f"{self.server}{path}",
            headers=headers,
            body=json.dumps(body) if body is not None else None,
            timeout=urllib3.Timeout(TIMEOUT_S),
            retries=False,
        )
        if answer.status >= 300:
            raise Refused(answer.status, answer.data)
        return dict(json.loads(answer.data)) if answer.data.startswith(b"{") else {"text": answer.data}

    def there(self, path: str) -> Obj | None:
        try:
            return self.call("GET", path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def close(self) -> None:
        self._client.rest_client.pool_manager.clear()


class KubernetesEngine:
    """A real API server that somebody else keeps running."""

    name = "cluster"

    def __init__(self, api: Api) -> None:
        self.api = api

    def world(self, way: Way) -> KubernetesWorld:
        return KubernetesWorld(self.api, way)

    def close(self) -> None:
        self.api.close()


class SimulatedEngine(KubernetesEngine):
    """A simulated cluster of our own."""

    name = "simulated"

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(Api(cluster.kubeconfig()))
        self._cluster = cluster

    def world(self, way: Way) -> KubernetesWorld:
        return SimulatedWorld(self.api, way, self._cluster)

    def close(self) -> None:
        super().close()
        self._cluster.stop()


def simulated() -> SimulatedEngine:
    """Start an empty simulated cluster."""
    from opsmodal.demo.cluster import start

    return SimulatedEngine(start(port=0, example=False))


def cluster() -> KubernetesEngine:
    """Find the real cluster that OPSMODAL_TEST_KUBECONFIG names."""
    named = os.environ.get("OPSMODAL_TEST_KUBECONFIG", "")
    if not named:
        raise Absent("no real cluster: name its kubeconfig in OPSMODAL_TEST_KUBECONFIG")
    api = Api(Path(named).expanduser().read_text())
    try:
        api.call("GET", "/version")
    except (urllib3.exceptions.HTTPError, Refused) as error:
        api.close()
        raise Absent(f"the cluster of {named} does not answer: {type(error).__name__}") from error
    return KubernetesEngine(api)


class KubernetesWorld(World):
    """Two services in two fresh namespaces."""

    kind = "kubernetes"

    def __init__(self, api: Api, way: Way) -> None:
        self.api = api
        self._made = 0
        own = f"opsmodal-test-{secrets.token_hex(4)}"
        self.scope = Scope(service="own", namespace=own)
        self.other_scope = Scope(service="other", namespace=f"{own}-other")
        for namespace in (own, f"{own}-other"):
            self.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        for namespace in (own, f"{own}-other"):
            account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
            settle(lambda path=account: self.api.there(path) is not None, "a namespace's service account")
        address = urlsplit(api.server)
        server = (str(address.hostname), int(address.port or 443))
        self.line = self._relay = Relay(server, way.place(LOOPBACK), binding=way.listening)
        self.connection = way.open(lambda: self._relay.url)
        self.runtime = open_kubernetes(
            "test",
            kubeconfig=api.kubeconfig,
            context=None,
            connection=self.connection,
            namespaces=(own, f"{own}-other"),
        )

    def healthy(self, *, elsewhere: bool = False) -> str:
        return self._pod(f"echo ready; {STAY}", ready, elsewhere=elsewhere)

    def replicas(self, count: int, *, lines: int = 0) -> Sequence[str]:
        name = self._name()
        spec = {
            "replicas": count,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": self._spec(f"{_counting(lines)}{STAY}")},
        }
        path = f"/apis/apps/v1/namespaces/{self.scope.namespace}/deployments"
        self.api.call("POST", path, {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec})

        def mine() -> list[Obj]:
            listed = self.api.call("GET", f"{self._pods()}?labelSelector=app%3D{name}")["items"]
            return [pod for pod in listed if ready(pod)]

        settle(lambda: len(mine()) == count, f"{count} replicas of {name}")
        names = sorted(pod["metadata"]["name"] for pod in mine())
        for each in names:
            self._wait_for_lines(each, lines)
        return names

    def chatty(self, lines: int) -> str:
        name = self._pod(f"{_counting(lines)}{STAY}", ready)
        self._wait_for_lines(name, lines)
        return name

    def ticking(self, *, elsewhere: bool = False) -> str:
        script = "for i in $(seq 1 36000); do echo tick $i; sleep 0.1; done"
        return self._pod(script, ready, elsewhere=elsewhere)

    def saying(self, data: bytes) -> str:
        """Write bytes through a mounted ConfigMap: the kernel takes 128 KiB for one argument (MAX_ARG_STRLEN)."""
        source = f"said-{secrets.token_hex(2)}"
        body = {"metadata": {"name": source}, "binaryData": {"said": base64.b64encode(data).decode()}}
        self.api.call("POST", f"/api/v1/namespaces/{self.scope.namespace}/configmaps", body)
        mounts = {"volumeMounts": [{"name": "said", "mountPath": "/said"}]}
        volumes = {"volumes": [{"name": "said", "configMap": {"name": source}}]}
        name = self._pod(f"cat /said/said; {STAY}", ready, container=mounts, spec=volumes)
        # not by length: containerd's logger takes the carriage return off the end of a line
        last = data.splitlines()[-1:]
        settle(lambda: self._log(name).splitlines()[-1:] == last, f"{len(data)} bytes of {name}")
        return name

    def logged(self, instance: str) -> bytes:
        return self._log(instance)

    def crashing(self, *, exit_code: int = 3, last_words: str = "no database to talk to") -> str:
        return self._pod(f"echo {shlex.quote(last_words)}; exit {exit_code}", restarted)

    def finished(self) -> str:
        return self._pod("echo done", phase("Succeeded"), restart="Never")

    def never_ready(self) -> str:
        probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
        return self._pod(f"echo warming up; {STAY}", running_but_not_ready, container={"readinessProbe": probe})

    def secretive(self) -> str:
        body = {"metadata": {"name": "bait"}, "stringData": {"password": SECRET_VALUE}}
        self.api.call("POST", f"/api/v1/namespaces/{self.scope.namespace}/secrets", body)
        reference = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "bait", "key": "password"}}}
        return self._pod(f"echo ready; {STAY}", ready, container={"env": [reference]})

    def pending(self) -> str:
        return self._pod(STAY, unschedulable, spec={"nodeSelector": {"opsmodal.dev/no-such": "node"}})

    def image_missing(self) -> str:
        container = {"image": "127.0.0.1:9/opsmodal/does-not-exist:1", "imagePullPolicy": "Always"}
        return self._pod(STAY, waiting("ImagePullBackOff", "ErrImagePull"), container=container)

    def paired(self) -> str:
        say = "for i in 1 2 3 4 5 6 7 8 9 10; do echo {}; done; " + STAY
        side = self._container(say.format("side"), "side")
        name = self._pod(say.format("web"), ready, name="web", extra=[side])
        for container in ("web", "side"):
            settle(lambda c=container: len(self._log(name, c).split()) >= 10, f"ten lines of {container}")
        return name

    def raw(self, spec: Obj, script: str = STAY) -> str:
        """Make a pod of this spec, whose containers get image and script where they have none; wait for nothing."""
        named, whole = self._name(), json.loads(json.dumps(spec))
        for container in [*whole["containers"], *whole.get("initContainers", [])]:
            given = dict(container)
            container.update(self._container(script, container["name"]) | given)
        body = {
            "metadata": {"name": named, "labels": {"app": named}},
            "spec": {"terminationGracePeriodSeconds": 1} | whole,
        }
        self.api.call("POST", self._pods(), body)
        return named

    def remove(self, instance: str) -> None:
        pod = self.api.there(f"{self._pods()}/{instance}") or {}
        for owner in pod.get("metadata", {}).get("ownerReferences", []):
            if owner["kind"] == "ReplicaSet":
                deployment = owner["name"].rpartition("-")[0]
                self._delete(f"/apis/apps/v1/namespaces/{self.scope.namespace}/deployments/{deployment}")
        self._delete(f"{self._pods()}/{instance}")
        settle(lambda: self.api.there(f"{self._pods()}/{instance}") is None, f"the end of {instance}")

    def exists(self, instance: str) -> bool:
        pod = self.api.there(f"{self._pods()}/{instance}") or self.api.there(f"{self._pods(other=True)}/{instance}")
        return pod is not None and "deletionTimestamp" not in pod["metadata"]

    def close(self) -> None:
        self.runtime.close()
        self.connection.close()
        self._relay.close()
        for scope in (self.scope, self.other_scope):
            self._delete(f"/api/v1/namespaces/{scope.namespace}")

    def _delete(self, path: str) -> None:
        with contextlib.suppress(Refused):
            self.api.call("DELETE", path, {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})

    def _pods(self, *, other: bool = False) -> str:
        return f"/api/v1/namespaces/{(self.other_scope if other else self.scope).namespace}/pods"

    def _name(self) -> str:
        self._made += 1
        return f"i{self._made}-{secrets.token_hex(2)}"

    def _pod(
        self,
        script: str,
        settled: Callable[[Obj], bool],
        *,
        elsewhere: bool = False,
        restart: str = "Always",
        name: str = "web",
        container: Mapping[str, Any] | None = None,
        extra: Sequence[Obj] = (),
        spec: Mapping[str, Any] | None = None,
    ) -> str:
        named, pods = self._name(), self._pods(other=elsewhere)
        whole = self._spec(script, name, container or {}) | {"restartPolicy": restart} | dict(spec or {})
        whole["containers"] += list(extra)
        self.api.call("POST", pods, {"metadata": {"name": named, "labels": {"app": named}}, "spec": whole})
        settle(lambda: settled(self.api.call("GET", f"{pods}/{named}")), f"{settled.__name__} of {named}")
        return named

    def _spec(self, script: str, name: str = "web", container: Mapping[str, Any] | None = None) -> Obj:
        one = self._container(script, name) | dict(container or {})
        return {"containers": [one], "terminationGracePeriodSeconds": 1}

    def _container(self, script: str, name: str) -> Obj:
        return {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]}

    def _log(self, name: str, container: str = "web") -> bytes:
        return bytes(self.api.call("GET", f"{self._pods()}/{name}/log?container={container}").get("text", b""))

    def _wait_for_lines(self, name: str, count: int) -> None:
        settle(lambda: self._log(name).count(b"\n") >= count, f"{count} lines of {name}")


class SimulatedWorld(KubernetesWorld):
    """Two services on the simulated cluster, whose interpreter knows no base64: bytes are put into the log as such."""

    def __init__(self, api: Api, way: Way, cluster: Cluster) -> None:
        super().__init__(api, way)
        self.cluster = cluster

    def crash(self) -> None:
        self.cluster.pause()

    def revive(self) -> None:
        self.cluster.resume()

    def saying(self, data: bytes) -> str:
        name = self._pod(STAY, ready)
        for line in data.removesuffix(b"\n").split(b"\n"):
            assert self.cluster.write_log(self.scope.namespace, name, "web", line)
        settle(lambda: len(self._log(name)) >= len(data), f"{len(data)} bytes of {name}")
        return name


def _counting(lines: int) -> str:
    return "".join(f"echo line {number}; " for number in range(1, lines + 1))


def _status(pod: Obj) -> Obj:
    found: list[Obj] = pod.get("status", {}).get("containerStatuses") or [{}]
    return found[0]


def ready(pod: Obj) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarted(pod: Obj) -> bool:
    return int(_status(pod).get("restartCount", 0)) >= 1


def running_but_not_ready(pod: Obj) -> bool:
    return "running" in _status(pod).get("state", {}) and not ready(pod)


def unschedulable(pod: Obj) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each.get("reason") == "Unschedulable" for each in conditions)


def phase(name: str) -> Callable[[Obj], bool]:
    def reached(pod: Obj) -> bool:
        return bool(pod.get("status", {}).get("phase") == name)

    return reached


def waiting(*reasons: str) -> Callable[[Obj], bool]:
    def held(pod: Obj) -> bool:
        return _status(pod).get("state", {}).get("waiting", {}).get("reason") in reasons

    return held
