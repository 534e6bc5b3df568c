"""Controllers at work: what they adopt, let go, roll back and forget, and what follows a load."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.demo.cluster import Cluster
from opsmodal.demo.life.usage import LOAD
from tests.demo.conftest import Client, deployment, pod, settle

PODS = "/api/v1/namespaces/default/pods"
APPS = "/apis/apps/v1/namespaces/default"
MERGE = {"Content_Type": "application/merge-patch+json"}


def patch(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, answer = client.answer("PATCH", path, body, **MERGE)
    assert status == 200, answer
    return dict(answer)


def named(client: Client, selector: str) -> list[dict[str, Any]]:
    return list(client.get(f"{PODS}?labelSelector={selector}")["items"])


def test_a_relabelled_pod_leaves_its_replicaset_and_is_replaced(cluster: Cluster, client: Client) -> None:
    cluster.create(deployment("loose", 1))
    first = settle(lambda: named(client, "app=loose"), lambda found: len(found) == 1)[0]
    patch(client, f"{PODS}/{first['metadata']['name']}", {"metadata": {"labels": {"app": "seen"}}})
    after = settle(lambda: named(client, "app=loose"), lambda found: len(found) == 1)
    assert after[0]["metadata"]["uid"] != first["metadata"]["uid"]
    assert "ownerReferences" not in named(client, "app=seen")[0]["metadata"]
    client.answer("DELETE", f"{APPS}/deployments/loose")


def test_a_bare_pod_that_matches_is_adopted_and_counts(cluster: Cluster, client: Client) -> None:
    cluster.create(deployment("home", 1))
    first = settle(lambda: named(client, "app=home"), lambda found: len(found) == 1)[0]
    stray = pod("stray", "sleep", "1000")
    stray["metadata"]["labels"] = first["metadata"]["labels"]
    cluster.create(stray)
    left = settle(lambda: named(client, "app=home"), lambda found: len(found) == 1)
    assert left[0]["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
    client.answer("DELETE", f"{APPS}/deployments/home")


def test_a_load_is_shared_and_an_autoscaler_follows_it(cluster: Cluster, client: Client) -> None:
    manifest = deployment("busy", 1, resources={"requests": {"cpu": "100m"}})
    manifest["metadata"]["annotations"] = {LOAD: "300m"}
    cluster.create(manifest)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"}
    target = {"type": "Utilization", "averageUtilization": 100}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    cluster.create(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "busy", "namespace": "default"},
            "spec": {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 5, "metrics": metrics},
        }
    )
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/busy"
    settle(lambda: client.get(f"{APPS}/deployments/busy")["spec"]["replicas"], lambda found: found == 3, within_s=40)
    settle(lambda: client.get(path)["status"].get("currentCPUUtilizationPercentage"), lambda found: found == 100, 40)
    assert client.get(f"{APPS}/deployments/busy")["spec"]["replicas"] == 3
    client.answer("DELETE", path)
    client.answer("DELETE", f"{APPS}/deployments/busy")


def test_revisions_beyond_the_limit_are_forgotten(cluster: Cluster, client: Client) -> None:
    manifest = deployment("past", 1)
    manifest |= {"kind": "StatefulSet"}
    manifest["spec"] |= {"serviceName": "past", "revisionHistoryLimit": 1}
    cluster.create(manifest)

    def revisions() -> list[int]:
        found = client.get(f"{APPS}/controllerrevisions?labelSelector=app=past")["items"]
        return sorted(item["revision"] for item in found)

    path = f"{APPS}/statefulsets/past"
    for number in range(2, 5):
        changed = {"spec": {"template": {"metadata": {"annotations": {"n": str(number)}}}}}
        patch(client, path, changed)
        settle(lambda: client.get(path), _is_through)
    assert revisions()[-1] == 4
    assert len(revisions()) <= 3
    client.answer("DELETE", f"{APPS}/statefulsets/past")


def _is_through(document: dict[str, Any]) -> bool:
    status = document["status"]
    seen = status.get("observedGeneration") == document["metadata"]["generation"]
    return bool(seen and status["currentRevision"] == status["updateRevision"] and status.get("readyReplicas") == 1)


@pytest.mark.parametrize("policy", ["Foreground", "Background", "Orphan"])
def test_dependents_go_as_the_deletion_says(cluster: Cluster, client: Client, policy: str) -> None:
    name = f"tree-{policy.lower()}"
    cluster.create(deployment(name, 2))
    settle(lambda: named(client, f"app={name}"), lambda found: len(found) == 2)
    client.answer("DELETE", f"{APPS}/deployments/{name}", {"propagationPolicy": policy})
    settle(lambda: client.answer("GET", f"{APPS}/deployments/{name}")[0], lambda status: status == 404)
    if policy == "Orphan":
        sets = client.get(f"{APPS}/replicasets?labelSelector=app={name}")["items"]
        assert ["ownerReferences" in item["metadata"] for item in sets] == [False]
        assert len(named(client, f"app={name}")) == 2
        client.answer("DELETE", f"{APPS}/replicasets/{sets[0]['metadata']['name']}")
    settle(lambda: named(client, f"app={name}"), lambda found: not found)


def test_a_chunked_request_is_read(client: Client) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"pieces"},"data":{"a":"b"}}'
    response = client._pool.request(
        "POST",
        f"{client.cluster.url}/api/v1/namespaces/default/configmaps",
        body=iter([body[:20], body[20:]]),
        headers={"Authorization": f"Bearer {client.cluster.token()}", "Content-Type": "application/json"},
        timeout=10.0,
        retries=False,
    )
    assert response.status == 201
