"""The Python client of Kubernetes on the simulated cluster: lists, watches, patches, exec sockets, reviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from opsmodal.demo.cluster import Cluster
from tests.demo.conftest import deployment, settle


@pytest.fixture(scope="module")
def connected(cluster: Cluster) -> Iterator[Any]:
    from kubernetes.client import CoreV1Api
    from kubernetes.config import new_client_from_config_dict

    client = new_client_from_config_dict(yaml.safe_load(cluster.kubeconfig()))
    yield CoreV1Api(client)
    client.close()


def test_pods_are_read_into_models(connected: Any) -> None:
    pods = connected.list_namespaced_pod("shop").items
    assert {pod.status.phase for pod in pods} == {"Running"}
    assert pods[0].metadata.name == "db-0"


def test_pages_follow_each_other(connected: Any) -> None:
    first = connected.list_namespaced_pod("shop", limit=3)
    assert first.metadata.remaining_item_count == 1
    rest = connected.list_namespaced_pod("shop", limit=3, _continue=first.metadata._continue)
    assert len(first.items) + len(rest.items) == 4


def test_a_watch_gives_what_happens(connected: Any, cluster: Cluster) -> None:
    from kubernetes.watch import Watch

    version = connected.list_namespaced_pod("default").metadata.resource_version
    cluster.create(deployment("seen", 1))
    kinds = set()
    watch = Watch()
    for event in watch.stream(connected.list_namespaced_pod, "default", resource_version=version, timeout_seconds=20):
        kinds.add(event["type"])
        if event["object"].status.phase == "Running":
            watch.stop()
    assert kinds == {"ADDED", "MODIFIED"}


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [(["sh", "-c", "echo hi; exit 4"], 4, "hi\n"), (["true"], 0, ""), (["nothing"], None, "")],
)
def test_exec_gives_output_and_status(connected: Any, command: list[str], code: int | None, output: str) -> None:
    from kubernetes.stream import stream

    call = connected.connect_get_namespaced_pod_exec
    options = {"stderr": True, "stdin": False, "stdout": True, "tty": False}
    session = stream(call, "db-0", "shop", command=command, _preload_content=False, **options)
    session.run_forever(timeout=20)
    assert session.read_stdout() == output
    if code is not None:
        assert session.returncode == code
    session.close()
    session.sock.shutdown()  # the client leaves its socket open where the server said good-bye first


def test_exec_reads_what_is_typed(connected: Any) -> None:
    from kubernetes.stream import stream

    call = connected.connect_get_namespaced_pod_exec
    options = {"stderr": True, "stdin": True, "stdout": True, "tty": False}
    session = stream(call, "db-0", "shop", command=["cat"], _preload_content=False, **options)
    session.write_stdin("typed\n")
    assert settle(lambda: session.read_stdout(timeout=1), bool) == "typed\n"
    session.close()


def test_what_is_missing_is_an_api_exception(connected: Any) -> None:
    from kubernetes.client import ApiException

    with pytest.raises(ApiException) as refused:
        connected.read_namespaced_pod("nothing", "shop")
    assert refused.value.status == 404
    assert 'pods \\"nothing\\" not found' in refused.value.body


def test_metrics_are_there_for_what_runs(connected: Any) -> None:
    from kubernetes.client import CustomObjectsApi

    metrics = CustomObjectsApi(connected.api_client)
    shown = metrics.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", "shop", "pods")
    assert {item["metadata"]["name"] for item in shown["items"]} >= {"db-0"}
    usage = shown["items"][0]["containers"][0]["usage"]
    assert usage["cpu"].endswith("n")
    assert usage["memory"].endswith("Ki")
    assert metrics.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", "reports", "pods")["items"] == []


def test_a_review_says_what_one_may_do(cluster: Cluster) -> None:
    from kubernetes.client import AuthorizationV1Api
    from kubernetes.config import new_client_from_config_dict

    client = new_client_from_config_dict(yaml.safe_load(cluster.kubeconfig("narrow", namespace="shop")))
    asked = AuthorizationV1Api(client)
    answers = []
    for namespace in ("shop", "payments", None):
        attributes = {"verb": "list", "resource": "pods", "namespace": namespace}
        body = {"spec": {"resourceAttributes": attributes}}
        answers.append(asked.create_self_subject_access_review(body).status.allowed)
    client.close()
    assert answers == [True, False, False]
