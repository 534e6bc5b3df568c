"""Debug pods against a cluster: made, found, opened up, taken away with nothing left; of a service, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from runtimes.base import Debugging, Scope
from runtimes.debugging import CopyPod, DebugPod, NewPod
from runtimes.errors import Denied, Disallowed, Invalid, Missing
from tests.contract.test_accounts_kubernetes import LOOKS, account
from tests.contract.world_kubernetes import IMAGE, KubernetesWorld
from tests.contract.worlds import World, settle


@pytest.fixture
def cluster(world: World) -> KubernetesWorld:
    """Give a world of Kubernetes."""
    if not isinstance(world, KubernetesWorld):
        pytest.skip(f"{world.kind} has no debug pods")
    return world


@pytest.fixture
def debugging(cluster: KubernetesWorld) -> Iterator[Debugging]:
    """Give the facet; what was made with it is gone afterwards, or the test fails."""
    found = cluster.runtime.debugging
    assert found is not None
    yield found
    for each in found.list(cluster.scope):
        found.remove(cluster.scope, each.name)
    settle(lambda: found.list(cluster.scope) == (), "nothing is left of debug pods")


def made(debugging: Debugging, scope: Scope, wanted: CopyPod | NewPod) -> DebugPod:
    drafted = debugging.draft(scope, wanted, person="alice", reason="it does not come up")
    return debugging.make(scope, drafted)


def running(debugging: Debugging, scope: Scope) -> DebugPod:
    settle(lambda: [each.state for each in debugging.list(scope)] == ["Running"], "the debug pod runs")
    return debugging.list(scope)[0]


def test_a_copy_of_a_pod_that_crashes_stays_up_and_is_no_part_of_the_service(
    cluster: KubernetesWorld, debugging: Debugging
) -> None:
    crashing = cluster.crashing()
    found = made(debugging, cluster.scope, CopyPod(instance=crashing))
    assert found.copy_of == crashing
    assert found.made_by == "alice"
    up = running(debugging, cluster.scope)
    pod = cluster.api.call("GET", f"/api/v1/namespaces/{cluster.scope.namespace}/pods/{up.pod}")
    original = cluster.api.call("GET", f"/api/v1/namespaces/{cluster.scope.namespace}/pods/{crashing}")
    assert not set((original["metadata"].get("labels") or {}).items()) & set(pod["metadata"]["labels"].items())
    assert pod["spec"]["containers"][0]["command"] == ["sleep", "3600"]
    assert pod["spec"]["containers"][0]["image"] == original["spec"]["containers"][0]["image"]
    assert not [
        each for each in pod["spec"]["containers"][0].get("volumeMounts") or () if "serviceaccount" in str(each)
    ]
    assert up.ends_at is not None
    assert up.made_at is not None
    assert (up.ends_at - up.made_at).total_seconds() == 3600


def test_the_cluster_itself_ends_it_and_takes_it_away(cluster: KubernetesWorld, debugging: Debugging) -> None:
    found = made(debugging, cluster.scope, NewPod(image=IMAGE))
    path = f"/apis/batch/v1/namespaces/{cluster.scope.namespace}/jobs/{found.name}"
    job = cluster.api.call("GET", path)
    assert job["spec"]["activeDeadlineSeconds"] == job["spec"]["template"]["spec"]["activeDeadlineSeconds"] == 3600
    assert job["spec"]["ttlSecondsAfterFinished"] == 60
    assert job["spec"]["backoffLimit"] == 0


def test_a_pod_of_an_image_is_made_and_removed_with_its_pod(cluster: KubernetesWorld, debugging: Debugging) -> None:
    made(debugging, cluster.scope, NewPod(image=IMAGE))
    up = running(debugging, cluster.scope)
    assert up.command == f"kubectl -n {cluster.scope.namespace} exec {up.pod} -- id"
    debugging.remove(cluster.scope, up.name)
    settle(lambda: not cluster.exists(up.pod), "its pod goes with it")
    assert debugging.list(cluster.scope) == ()


def test_nothing_is_made_by_a_draft(cluster: KubernetesWorld, debugging: Debugging) -> None:
    drafted = debugging.draft(cluster.scope, NewPod(image=IMAGE), person="alice")
    assert drafted.plan.command.startswith(f"kubectl -n {cluster.scope.namespace} run debug --image={IMAGE} ")
    assert debugging.list(cluster.scope) == ()


def test_pods_of_another_service_are_neither_copied_nor_seen_nor_removed(
    cluster: KubernetesWorld, debugging: Debugging
) -> None:
    foreign = cluster.healthy(elsewhere=True)
    with pytest.raises(Missing):
        debugging.draft(cluster.scope, CopyPod(instance=foreign), person="alice")
    found = made(debugging, cluster.scope, NewPod(image=IMAGE))
    neighbour = replace(cluster.scope, service="neighbour")
    assert debugging.list(neighbour) == ()
    for scope in (neighbour, cluster.other_scope):
        with pytest.raises(Missing):
            debugging.remove(scope, found.name)
    assert [each.name for each in debugging.list(cluster.scope)] == [found.name]


def test_a_job_that_was_not_made_here_is_not_removed(cluster: KubernetesWorld, debugging: Debugging) -> None:
    place = f"/apis/batch/v1/namespaces/{cluster.scope.namespace}/jobs"
    container = {"name": "work", "image": IMAGE, "command": ["sleep", "60"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    cluster.api.call("POST", place, {"metadata": {"name": "work"}, "spec": {"template": template}})
    with pytest.raises(Missing):
        debugging.remove(cluster.scope, "work")
    with pytest.raises(Missing):
        debugging.remove(cluster.scope, "../../pods")
    assert cluster.api.there(f"{place}/work") is not None


@pytest.mark.parametrize("image", ["", "has space", "shop/UPPER", "busybox --privileged", "-n kube-system"])
def test_what_is_no_image_is_refused(cluster: KubernetesWorld, debugging: Debugging, image: str) -> None:
    with pytest.raises(Invalid):
        debugging.draft(cluster.scope, NewPod(image=image), person="alice")


def test_a_container_that_the_pod_has_not_is_missing(cluster: KubernetesWorld, debugging: Debugging) -> None:
    with pytest.raises(Missing, match="no container"):
        debugging.draft(cluster.scope, CopyPod(instance=cluster.healthy(), container="nope"), person="alice")


def test_what_a_quota_refuses_is_said_before_anything_is_made(cluster: KubernetesWorld, debugging: Debugging) -> None:
    cluster.healthy()
    body = {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
    cluster.api.call("POST", f"/api/v1/namespaces/{cluster.scope.namespace}/resourcequotas", body)
    with pytest.raises(Disallowed, match="The quota few is used up") as refused:
        debugging.draft(cluster.scope, NewPod(image=IMAGE), person="alice")
    assert refused.value.rule == "quota"
    assert debugging.list(cluster.scope) == ()


def test_it_is_made_as_the_account_of_the_service(cluster: KubernetesWorld, debugging: Debugging) -> None:
    looks = account(cluster, "looks", LOOKS)
    with pytest.raises(Denied, match="looks") as denied:
        debugging.draft(looks, NewPod(image=IMAGE), person="alice")
    assert "create" in denied.value.grant
