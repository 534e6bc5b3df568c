"""How the Metrics API stands: judged from its answer, its registration and its pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster, start
from opsmodal.demo.kinds import stored
from runtimes.base import Runtime, Scope, Upkeep
from runtimes.errors import Conflict, Denied, Disallowed, Unavailable
from runtimes.kubernetes.open import open_kubernetes
from runtimes.planning import Progress
from runtimes.upkeep import Cleanup
from tests.contract.worlds import settle

SCOPE = Scope(service="shop", namespace="shop")
MEASURED, REGISTERED = "/apis/metrics.k8s.io/", "/apis/apiregistration.k8s.io/"
SYSTEM = "kube-system"
Obj = dict[str, Any]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    started = start(speed=10.0)
    yield started
    started.stop()


@pytest.fixture
def opened(cluster: Cluster) -> Iterator[Callable[[str], Upkeep]]:
    runtimes: list[Runtime] = []

    def opened(user: str = "admin") -> Upkeep:
        runtime = open_kubernetes("demo", kubeconfig=cluster.kubeconfig(user), context=None, connection=Direct())
        runtimes.append(runtime)
        assert runtime.upkeep is not None
        return runtime.upkeep

    yield opened
    for runtime in runtimes:
        runtime.close()


def removed(upkeep: Upkeep) -> None:
    upkeep.remove_metrics_server(SCOPE, lambda _: None)


def registered(cluster: Cluster, name: str, namespace: str = SYSTEM) -> None:
    """Register somebody's server of metrics, of which nothing is there yet."""
    spec = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100}
    spec |= {"service": {"name": name, "namespace": namespace}}
    head = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    cluster.create(head | {"metadata": {"name": "v1beta1.metrics.k8s.io"}, "spec": spec})


def served(cluster: Cluster, image: str) -> None:
    """Give it a Service and pods of this image."""
    labels = {"k8s-app": "metrics-server"}
    spec: Obj = {"selector": labels, "ports": [{"port": 443, "targetPort": 10250}]}
    metadata = {"name": "metrics-server", "namespace": SYSTEM}
    cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": image}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


def test_one_that_nobody_has_installed_is_absent_and_says_what_to_do(opened: Callable[..., Upkeep]) -> None:
    upkeep = opened()
    removed(upkeep)
    found = upkeep.metrics_server(SCOPE)
    assert (found.state, found.ours, found.image) == ("absent", False, "")
    assert "Install" in found.hint


def test_one_whose_image_cannot_be_pulled_fails_and_says_so(cluster: Cluster, opened: Callable[..., Upkeep]) -> None:
    upkeep = opened()
    removed(upkeep)
    served(cluster, "registry.example.com/does-not-exist:1")
    registered(cluster, "metrics-server")
    settle(lambda: upkeep.metrics_server(SCOPE).state == "failing", "a pull that fails")
    found = upkeep.metrics_server(SCOPE, diagnose=True)
    assert "ImagePull" in found.sentence
    assert found.image == "registry.example.com/does-not-exist:1"
    assert not found.ours
    assert any(event.kind == "Warning" for event in found.events)


def test_one_that_has_just_begun_is_starting(cluster: Cluster, opened: Callable[..., Upkeep]) -> None:
    upkeep = opened()
    removed(upkeep)
    registered(cluster, "metrics-server")
    assert upkeep.metrics_server(SCOPE).state == "starting"


def test_who_may_not_look_into_the_system_is_told_what_can_be_told(
    cluster: Cluster, opened: Callable[..., Upkeep]
) -> None:
    narrow = opened("narrow")
    assert narrow.metrics_server(SCOPE).state == "answering"
    cluster.faults.answer(503, MEASURED)
    found = narrow.metrics_server(SCOPE)
    assert found.state == "unknown"
    assert found.hint
    with pytest.raises(Denied):
        narrow.plan_metrics_server(SCOPE)
    with pytest.raises(Denied):
        narrow.nodes(SCOPE)


def test_another_program_that_serves_it_is_left_alone(cluster: Cluster, opened: Callable[..., Upkeep]) -> None:
    upkeep = opened()
    removed(upkeep)
    registered(cluster, "prometheus-adapter", "shop")
    for remove in (False, True):
        with pytest.raises(Conflict) as refused:
            upkeep.plan_metrics_server(SCOPE, remove=remove)
        assert "shop/prometheus-adapter" in refused.value.sentence
    with pytest.raises(Conflict):
        upkeep.install_metrics_server(SCOPE, lambda _: None)
    with pytest.raises(Conflict):
        removed(upkeep)


def test_somebody_elses_is_taken_over_with_its_selector(cluster: Cluster, opened: Callable[..., Upkeep]) -> None:
    upkeep = opened()
    removed(upkeep)
    served(cluster, "registry.example.com/metrics:old")
    registered(cluster, "metrics-server")
    plan = upkeep.plan_metrics_server(SCOPE)
    assert any("Somebody else installed" in warning for warning in plan.warnings)
    assert [each.before for each in plan.differences] == ["registry.example.com/metrics:old"]
    told: list[Progress] = []
    upkeep.install_metrics_server(SCOPE, told.append)
    assert told[-1].state == "done"
    found = upkeep.metrics_server(SCOPE)
    assert (found.state, found.ours) == ("answering", True)


def test_one_of_another_selector_is_made_anew(cluster: Cluster, opened: Callable[..., Upkeep]) -> None:
    upkeep = opened()
    removed(upkeep)
    labels = {"app.kubernetes.io/name": "metrics-server"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": "a:1"}]}}
    spec: Obj = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "metrics-server", "namespace": SYSTEM}
    cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    spec = {"selector": labels, "ports": [{"port": 443, "targetPort": 10250}]}
    cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    registered(cluster, "metrics-server")
    upkeep.install_metrics_server(SCOPE, lambda _: None)
    assert upkeep.metrics_server(SCOPE).ours


def test_an_installation_that_is_stopped_stops(opened: Callable[..., Upkeep]) -> None:
    upkeep = opened()
    removed(upkeep)

    def stop(progress: Progress) -> None:
        raise Unavailable("stopped")

    with pytest.raises(Unavailable, match="stopped"):
        upkeep.install_metrics_server(SCOPE, stop)
    assert upkeep.metrics_server(SCOPE).state == "absent"


def test_a_node_that_is_not_ready_is_left_out_and_told(cluster: Cluster, opened: Callable[..., Upkeep]) -> None:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "KubeletNotReady",
        "message": "",
        "lastHeartbeatTime": now(),
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "broken"}}
    cluster.create(node | {"spec": {}, "status": {"conditions": [condition]}})
    upkeep = opened()
    plan = upkeep.plan_cleanup(SCOPE, Cleanup())
    assert "broken: not ready, is left out" in plan.hits
    with pytest.raises(Conflict, match="ready"):
        upkeep.plan_cleanup(SCOPE, Cleanup(node="broken"))
    told: list[Progress] = []
    with pytest.raises(Conflict, match="broken"):
        upkeep.clean_images(SCOPE, Cleanup(), told.append)
    states = {step.name: step.state for step in told[-1].steps}
    assert states.pop("broken") == "failed"
    assert set(states.values()) == {"done"}


def test_where_pod_security_forbids_it_nothing_is_begun(cluster: Cluster, opened: Callable[..., Upkeep]) -> None:
    space = cluster.world.storage.get(stored("namespaces"), "", SYSTEM)
    assert space is not None

    def restrict(document: Obj) -> None:
        document["metadata"].setdefault("labels", {})["pod-security.kubernetes.io/enforce"] = "baseline"

    cluster.world.storage.update(stored("namespaces"), "", SYSTEM, restrict)
    upkeep, told = opened(), list[Progress]()
    for act in (
        lambda: upkeep.plan_cleanup(SCOPE, Cleanup()),
        lambda: upkeep.clean_images(SCOPE, Cleanup(), told.append),
    ):
        with pytest.raises(Disallowed) as refused:
            act()
        assert refused.value.rule == "pod-security"
        assert "does not let images be cleaned" in refused.value.sentence
        assert "crictl rmi --prune" in refused.value.hint
    assert told == []


def now() -> str:
    return (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
