"""What happens in the simulated cluster by itself: restarts with back-off, reasons, ownership, quotas."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.demo.cluster import Cluster
from opsmodal.demo.documents import dig
from tests.demo.conftest import Client, deployment, pod, settle

HERE = "/api/v1/namespaces/default"


def read(client: Client, name: str) -> Any:
    return client.get(f"{HERE}/pods/{name}")


def status(client: Client, name: str) -> Any:
    return (dig(read(client, name), "status", "containerStatuses") or [{}])[0]


def reasons(client: Client, name: str) -> dict[str, str]:
    events = client.get(f"{HERE}/events?fieldSelector=involvedObject.name={name}")["items"]
    return {event["reason"]: event["message"] for event in events}


def waits_for(client: Client, name: str, reason: str) -> Any:
    return settle(lambda: status(client, name), lambda found: dig(found, "state", "waiting", "reason") == reason)


def test_a_crashing_container_backs_off_ever_longer(cluster: Cluster, client: Client) -> None:
    cluster.create(pod("crashes", "sh", "-c", "echo boom; exit 7"))
    seen: list[str] = []
    for delay in ("10s", "20s"):
        found = settle(
            lambda: status(client, "crashes"),
            lambda now, d=delay: f"back-off {d} " in (dig(now, "state", "waiting", "message") or ""),  # type: ignore[misc]
        )
        seen.append(found["state"]["waiting"]["reason"])
        assert found["lastState"]["terminated"]["exitCode"] == 7
    assert seen == ["CrashLoopBackOff"] * 2
    assert reasons(client, "crashes")["BackOff"].startswith("Back-off restarting failed container main in pod crashes_")
    code, log = client.answer("GET", f"{HERE}/pods/crashes/log?previous=true")
    assert (code, log) == (200, "boom\n")


ANNOTATION = "demo.opsmodal.dev/program"


def test_a_container_that_uses_too_much_memory_is_killed(cluster: Cluster, client: Client) -> None:
    cluster.create(pod("greedy", annotations={ANNOTATION: "oom"}))
    found = settle(lambda: status(client, "greedy"), lambda now: bool(dig(now, "lastState", "terminated")))
    assert (found["lastState"]["terminated"]["reason"], found["lastState"]["terminated"]["exitCode"]) == (
        "OOMKilled",
        137,
    )


@pytest.mark.parametrize(
    ("name", "manifest", "reason", "words"),
    [
        ("no-image", {"annotations": {ANNOTATION: "missing"}}, "ImagePullBackOff", "not found"),
        ("private", {"annotations": {ANNOTATION: "private"}}, "ImagePullBackOff", "authorization failed"),
        (
            "never",
            {"container": {"imagePullPolicy": "Never", "image": "un:1"}},
            "ErrImageNeverPull",
            "pull policy of Never",
        ),
        (
            "no-map",
            {"container": {"envFrom": [{"configMapRef": {"name": "nothing"}}]}},
            "CreateContainerConfigError",
            'configmap "nothing" not found',
        ),
        (
            "no-key",
            {"container": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}}]}},
            "CreateContainerConfigError",
            "couldn't find key b in Secret default/keys",
        ),
    ],
)
def test_a_container_that_cannot_start_says_why(
    cluster: Cluster, client: Client, name: str, manifest: dict[str, Any], reason: str, words: str
) -> None:
    if name == "no-key":
        cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"a": "1"}})
    cluster.create(pod(name, **manifest))
    assert words in waits_for(client, name, reason)["state"]["waiting"]["message"]
    events = client.get(f"{HERE}/events?fieldSelector=involvedObject.name={name},type=Warning")["items"]
    assert any(words in event["message"] for event in events)


def test_what_was_missing_is_found_when_it_comes(cluster: Cluster, client: Client) -> None:
    cluster.create(pod("waits", "sleep", "99", container={"envFrom": [{"configMapRef": {"name": "later"}}]}))
    waits_for(client, "waits", "CreateContainerConfigError")
    cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later"}, "data": {"A": "1"}})
    settle(lambda: read(client, "waits")["status"]["phase"], lambda found: found == "Running")


def test_a_volume_that_is_missing_keeps_the_pod_waiting(cluster: Cluster, client: Client) -> None:
    cluster.create(pod("unmounted", volumes=[{"name": "v", "configMap": {"name": "gone"}}]))
    settle(lambda: reasons(client, "unmounted"), lambda found: "FailedMount" in found)
    words = 'MountVolume.SetUp failed for volume "v" : configmap "gone" not found'
    assert reasons(client, "unmounted")["FailedMount"] == words
    assert waits_for(client, "unmounted", "ContainerCreating")


@pytest.mark.parametrize(
    ("name", "spec", "words"),
    [
        ("huge", {"container": {"resources": {"requests": {"memory": "64Gi"}}}}, "2 Insufficient memory"),
        ("picky", {"nodeSelector": {"disk": "ssd"}}, "2 node(s) didn't match Pod's node affinity/selector"),
        (
            "claims",
            {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "none"}}]},
            'persistentvolumeclaim "none" not found',
        ),
    ],
)
def test_a_pod_that_fits_nowhere_says_why(
    cluster: Cluster, client: Client, name: str, spec: dict[str, Any], words: str
) -> None:
    cluster.create(pod(name, **spec))
    events = settle(lambda: reasons(client, name), lambda found: "FailedScheduling" in found)
    assert events["FailedScheduling"].startswith("0/3 nodes are available: ")
    assert words in events["FailedScheduling"]
    conditions = {item["type"]: item for item in read(client, name)["status"]["conditions"]}
    assert conditions["PodScheduled"]["message"] == events["FailedScheduling"]


def test_a_pod_is_placed_when_room_appears(cluster: Cluster, client: Client) -> None:
    cluster.create(pod("selects", "sleep", "99", nodeSelector={"fresh": "yes"}))
    settle(lambda: reasons(client, "selects"), lambda found: "FailedScheduling" in found)
    patch = {"metadata": {"labels": {"fresh": "yes"}}}
    merge = "application/merge-patch+json"
    assert client.answer("PATCH", "/api/v1/nodes/demo-worker-1", patch, Content_Type=merge)[0] == 200
    settle(lambda: read(client, "selects")["status"]["phase"], lambda found: found == "Running")


def test_a_failing_probe_keeps_a_pod_unready_until_it_succeeds(cluster: Cluster, client: Client) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1}
    script = "sleep 30; touch /tmp/ready; sleep 999"
    cluster.create(pod("probed", "sh", "-c", script, container={"readinessProbe": probe}))
    words = settle(lambda: reasons(client, "probed"), lambda found: "Unhealthy" in found)["Unhealthy"]
    assert words.startswith("Readiness probe failed: cat: can't open '/tmp/ready'")
    assert status(client, "probed")["ready"] is False
    settle(lambda: status(client, "probed").get("ready"), bool)


def test_init_containers_go_first(cluster: Cluster, client: Client) -> None:
    init = {"name": "first", "image": "busybox:1", "command": ["sh", "-c", "sleep 20"]}
    cluster.create(pod("ordered", "sleep", "99", initContainers=[init]))
    settle(lambda: dig(read(client, "ordered"), "status", "initContainerStatuses"), bool)
    assert dig(status(client, "ordered"), "state", "waiting", "reason") == "PodInitializing"
    settle(lambda: read(client, "ordered")["status"]["phase"], lambda found: found == "Running")


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
def test_dependents_go_as_the_deletion_says(cluster: Cluster, client: Client, policy: str) -> None:
    name = f"owner-{policy.lower()}"
    cluster.create(deployment(name, 2))
    path = f"/apis/apps/v1/namespaces/default/deployments/{name}"
    settle(lambda: dig(client.get(path), "status", "readyReplicas"), lambda count: count == 2)
    client.answer("DELETE", path, {"propagationPolicy": policy})
    settle(lambda: client.answer("GET", path)[0], lambda code: code == 404)
    sets = f"/apis/apps/v1/namespaces/default/replicasets?labelSelector=app%3D{name}"
    pods = f"{HERE}/pods?labelSelector=app%3D{name}"
    if policy == "Orphan":
        kept = client.get(sets)["items"]
        assert len(kept) == 1
        assert "ownerReferences" not in kept[0]["metadata"]
        assert len(client.get(pods)["items"]) == 2
    else:
        settle(lambda: client.get(sets)["items"] + client.get(pods)["items"], lambda left: not left)


def test_a_finalizer_holds_what_was_deleted(cluster: Cluster, client: Client) -> None:
    metadata = {"name": "held", "finalizers": ["example.com/hold"]}
    cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    path = f"{HERE}/configmaps/held"
    client.answer("DELETE", path)
    assert client.get(path)["metadata"]["deletionTimestamp"]
    client.answer("PATCH", path, {"metadata": {"finalizers": None}}, Content_Type="application/merge-patch+json")
    assert client.answer("GET", path)[0] == 404


def test_a_quota_stops_pods_and_says_so_on_their_owner(cluster: Cluster, client: Client) -> None:
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "small"}})
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": "small"}}
    cluster.create(quota | {"spec": {"hard": {"pods": "1"}}})
    cluster.create(deployment("many", 3, namespace="small"))
    path = "/api/v1/namespaces/small/events?fieldSelector=reason=FailedCreate"
    event = settle(lambda: client.get(path)["items"], bool)[0]
    assert event["involvedObject"]["kind"] == "ReplicaSet"
    assert "exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1" in event["message"]


def test_a_statefulset_makes_numbered_pods_one_after_the_other(cluster: Cluster, client: Client) -> None:
    manifest = deployment("numbered", 3) | {"kind": "StatefulSet"}
    manifest["spec"]["serviceName"] = "numbered"
    cluster.create(manifest)
    path = "/apis/apps/v1/namespaces/default/statefulsets/numbered"
    settle(lambda: dig(client.get(path), "status", "readyReplicas"), lambda count: count == 3)
    names = [item["metadata"]["name"] for item in client.get(f"{HERE}/pods?labelSelector=app%3Dnumbered")["items"]]
    assert names == ["numbered-0", "numbered-1", "numbered-2"]
    created = [read(client, name)["metadata"]["creationTimestamp"] for name in names]
    assert created == sorted(created)


def test_a_daemonset_has_a_pod_on_each_node_that_takes_it(cluster: Cluster, client: Client) -> None:
    manifest = deployment("everywhere", 1) | {"kind": "DaemonSet"}
    del manifest["spec"]["replicas"]
    cluster.create(manifest)
    path = "/apis/apps/v1/namespaces/default/daemonsets/everywhere"
    settle(lambda: dig(client.get(path), "status", "numberReady"), lambda count: count == 2)
    pods = client.get(f"{HERE}/pods?labelSelector=app%3Deverywhere")["items"]
    assert {item["spec"]["nodeName"] for item in pods} == {"demo-worker-1", "demo-worker-2"}


def test_a_job_that_fails_too_often_gives_up(cluster: Cluster, client: Client) -> None:
    template = {"spec": pod("x", "sh", "-c", "exit 1", restartPolicy="Never")["spec"]}
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "hopeless"}}
    cluster.create(manifest | {"spec": {"backoffLimit": 1, "template": template}})
    path = "/apis/batch/v1/namespaces/default/jobs/hopeless"
    done = settle(lambda: client.get(path), lambda job: bool(dig(job, "status", "conditions")))
    failed = next(item for item in done["status"]["conditions"] if item["type"] == "Failed")
    assert (failed["reason"], done["status"]["failed"]) == ("BackoffLimitExceeded", 2)


def test_the_same_seed_gives_the_same_world() -> None:
    from opsmodal.demo.cluster import start

    worlds = []
    for _ in range(2):
        started = start(seed=7)
        records = started.world.storage.records
        from opsmodal.demo.kinds import PODS

        worlds.append([record.document["metadata"]["name"] for record in records(PODS)[1]])
        started.stop()
    assert worlds[0] == worlds[1]


def test_thousands_of_pods_come_up_and_are_listed_quickly(client: Client, cluster: Cluster) -> None:
    room = {"cpu": "999", "memory": "999Gi", "pods": "2000"}
    ready = [{"type": "Ready", "status": "True"}]
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "large"}, "spec": {}}
    cluster.create(node | {"status": {"allocatable": room, "capacity": room, "conditions": ready}})
    cluster.create(deployment("crowd", 1500))
    path = "/apis/apps/v1/namespaces/default/deployments/crowd"
    settle(lambda: dig(client.get(path), "status", "readyReplicas"), lambda count: count == 1500, within_s=60)
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    rows = client.answer("GET", f"{HERE}/pods?labelSelector=app%3Dcrowd", Accept=table)[1]["rows"]
    assert len(rows) == 1500
