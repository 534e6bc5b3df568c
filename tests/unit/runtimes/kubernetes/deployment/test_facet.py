"""Reading workloads of the simulated cluster: lists, one by name, revisions, stuck rollouts, what is not allowed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster, start
from runtimes.base import Runtime, Scope
from runtimes.changes import Rollback, SetImage
from runtimes.deployment import Deployment
from runtimes.errors import Denied, Invalid, Missing, Unavailable
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.open import open_kubernetes
from runtimes.planning import Progress

SHOP = Scope(service="shop", namespace="shop", selector="app.kubernetes.io/part-of=shop")
PAYMENTS = Scope(service="payments", namespace="payments")
OWN = Scope(service="own", namespace="own")
SETTLE_S = 30.0
GOOD, BAD = "registry.example.com/base/busybox:1", "registry.example.com/base/busybox:no-such-tag"
STAY = ["sh", "-c", "sleep 3600"]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = start(speed=10)
    started.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "own"}})
    yield started
    started.stop()


@pytest.fixture(scope="module")
def runtime(cluster: Cluster) -> Iterator[Runtime]:
    opened = open_kubernetes("demo", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct())
    yield opened
    opened.close()


@pytest.fixture
def facet(runtime: Runtime, cluster: Cluster) -> Iterator[Deployment]:
    assert runtime.deployment is not None
    yield runtime.deployment
    cluster.faults.clear()


@pytest.fixture
def fresh(cluster: Cluster) -> Iterator[Deployment]:
    """Give the facet of a runtime that nobody has looked by yet: it keeps no list, and asks for each."""
    opened = open_kubernetes("demo", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct())
    assert opened.deployment is not None
    yield opened.deployment
    cluster.faults.clear()
    opened.close()


def make(cluster: Cluster, kind: str, name: str, *, replicas: int = 1, numbered: bool = True) -> str:
    """Make a workload of pods that stay, under a name that a further try does not meet again; give its id."""
    name = f"{name}-{next(_NUMBERS)}" if numbered else name
    container = {"name": "web", "image": GOOD, "command": STAY}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    whole: dict[str, Any] = {"selector": {"matchLabels": {"app": name}}, "template": template}
    whole |= {} if kind == "DaemonSet" else {"replicas": replicas}
    whole |= {"serviceName": name} if kind == "StatefulSet" else {}
    meta = {"name": name, "namespace": "own"}
    cluster.create({"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": whole})
    return f"{kind.lower()}.{name}"


def until(ask: Callable[[], Progress], state: str) -> Progress:
    """Ask until a rollout is in a state."""
    deadline = time.monotonic() + SETTLE_S
    while (said := ask()).state != state:
        assert time.monotonic() < deadline, f"not {state}: {said}"
        time.sleep(0.05)
    return said


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note the path of every request that is sent."""
    asked: list[str] = []
    real = Client._accepted  # the one place through which every request goes

    def noted(self: Client, given: Any, path: str, *more: Any, **named: Any) -> Any:
        asked.append(path)
        return real(self, given, path, *more, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Client, "_accepted", noted)
        yield asked


def test_the_workloads_of_a_service_are_listed_with_their_revisions(facet: Deployment) -> None:
    found = facet.list(SHOP)
    assert [each.id for each in found.items] == ["deployment.web", "statefulset.db"]
    assert {id_: [each.revision for each in known] for id_, known in found.revisions.items()} == {
        "deployment.web": [1],
        "statefulset.db": [1],
    }
    web = found.items[0]
    assert (web.ready, web.desired, web.progress, web.revision) == (3, 3, None, 1)
    assert web.containers[0].probes[0][0] == "readiness"
    assert found.notes == ()


def test_listing_costs_the_same_however_many_workloads_there_are(
    fresh: Deployment, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.list(OWN)
    make(cluster, "Deployment", "many-a")
    make(cluster, "StatefulSet", "many-b")
    with counting(monkeypatch) as asked:
        assert len(fresh.list(OWN).items) >= 2
    assert len([path for path in asked if "/pods" not in path]) == 8
    assert len(asked) == len(set(asked))


def test_one_that_crashes_is_explained_without_its_log(facet: Deployment) -> None:
    found = facet.get(PAYMENTS, "worker")
    assert found.progress is not None
    assert found.progress.state == "failed"
    assert found.progress.sentence.startswith("Not all pods are well: worker-")
    assert "exit code 1" in found.progress.sentence
    assert "log" in found.progress.hint


def test_following_a_rollout_does_not_ask_for_reasons_again_and_again(
    facet: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    facet.progress(PAYMENTS, "deployment.worker")
    with counting(monkeypatch) as asked:
        facet.progress(PAYMENTS, "deployment.worker")
    assert len(asked) == 3, asked
    assert not any("/events" in path for path in asked)


@pytest.mark.parametrize("name", ["deployment.api", "nothing", "deployment.nothing", "../web", "DEPLOYMENT.web", ""])
def test_what_is_not_the_services_is_missing(facet: Deployment, name: str) -> None:
    for ask in (facet.get, facet.revisions, facet.manifest, facet.progress):
        with pytest.raises(Missing):
            ask(SHOP, name)


def test_a_bare_name_is_enough_where_only_one_has_it(facet: Deployment, cluster: Cluster) -> None:
    assert facet.get(SHOP, "web") == facet.get(SHOP, "deployment.web")
    id_ = make(cluster, "Deployment", "both")
    name = id_.partition(".")[2]
    make(cluster, "StatefulSet", name, numbered=False)
    with pytest.raises(Invalid) as caught:
        facet.get(OWN, name)
    assert id_ in caught.value.hint


def test_a_manifest_is_what_can_be_given_again(facet: Deployment) -> None:
    found = facet.manifest(SHOP, "web")
    known = yaml.safe_load(found.text)
    assert found.workload == "deployment.web"
    assert found.revision
    assert {"status"} & set(known) == set()
    assert set(known["metadata"]) == {"name", "namespace", "labels"}


def test_a_bad_image_sticks_with_its_pod_and_reason_and_a_rollback_gets_the_next_number(
    facet: Deployment, cluster: Cluster
) -> None:
    id_ = make(cluster, "Deployment", "story", replicas=2)
    until(lambda: facet.progress(OWN, id_), "done")
    done = facet.apply(OWN, SetImage(workload=id_, image=BAD, reason="new version"))
    stuck = until(lambda: facet.progress(OWN, id_, generation=done.generation), "failed")
    assert "story-" in stuck.sentence
    assert "image" in stuck.sentence
    assert "roll back to revision 1" in stuck.hint
    assert {each.name.split(" ")[0] for each in stuck.steps} == {"ReplicaSet", "Pod"}
    assert [(each.revision, each.current, each.images) for each in facet.revisions(OWN, id_)] == [
        (2, True, (BAD,)),
        (1, False, (GOOD,)),
    ]
    back = facet.apply(OWN, Rollback(workload=id_, reason="does not start"))
    until(lambda: facet.progress(OWN, id_, generation=back.generation), "done")
    assert [(each.revision, each.current, each.images) for each in facet.revisions(OWN, id_)] == [
        (3, True, (GOOD,)),
        (2, False, (BAD,)),
    ]
    assert facet.get(OWN, id_).revision == 3


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_the_others_that_roll_out_stick_and_go_back_likewise(facet: Deployment, cluster: Cluster, kind: str) -> None:
    id_ = make(cluster, kind, f"too-{kind.lower()}")
    until(lambda: facet.progress(OWN, id_), "done")
    done = facet.apply(OWN, SetImage(workload=id_, image=BAD))
    stuck = until(lambda: facet.progress(OWN, id_, generation=done.generation), "failed")
    assert "roll back to revision 1" in stuck.hint
    assert facet.get(OWN, id_).revision == 2
    back = facet.apply(OWN, Rollback(workload=id_))
    until(lambda: facet.progress(OWN, id_, generation=back.generation), "done")
    assert [(each.revision, each.current) for each in facet.revisions(OWN, id_)] == [(3, True), (2, False)]


def test_pods_that_a_quota_refuses_are_told_with_the_quota(facet: Deployment, cluster: Cluster) -> None:
    space = f"tight-{next(_NUMBERS)}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    quota = {"metadata": {"name": "few", "namespace": space}, "spec": {"hard": {"pods": "0"}}}
    cluster.create({"apiVersion": "v1", "kind": "ResourceQuota"} | quota)
    scope = Scope(service="tight", namespace=space)
    for kind in ("Deployment", "StatefulSet"):
        container = {"name": "web", "image": GOOD, "command": STAY}
        template = {"metadata": {"labels": {"app": kind}}, "spec": {"containers": [container]}}
        spec: dict[str, Any] = {"replicas": 1, "selector": {"matchLabels": {"app": kind}}, "template": template}
        meta = {"name": kind.lower(), "namespace": space}
        cluster.create({"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": spec})
        said = until(lambda kind=kind: facet.progress(scope, f"{kind.lower()}.{kind.lower()}"), "failed")  # type: ignore[misc]  # one kind at a time
        assert "exceeded quota: few" in said.sentence
        assert "quota" in said.hint


def test_a_list_that_is_refused_is_noted_and_the_rest_is_shown(fresh: Deployment, cluster: Cluster) -> None:
    cluster.faults.answer(403, "/apis/apps/v1/namespaces/shop/replicasets")
    cluster.faults.answer(403, "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers")
    found = fresh.list(SHOP)
    assert [each.id for each in found.items] == ["deployment.web", "statefulset.db"]
    assert [note.split(" could")[0] for note in found.notes] == ["The replicasets", "The autoscalers"]
    assert set(found.revisions) == {"statefulset.db"}
    with pytest.raises(Denied):
        fresh.revisions(SHOP, "deployment.web")


def test_where_no_workload_may_be_read_the_list_is_refused(fresh: Deployment, cluster: Cluster) -> None:
    cluster.faults.answer(403, "/apis/apps/v1/namespaces/shop")
    cluster.faults.answer(403, "/apis/batch/v1/namespaces/shop")
    with pytest.raises(Denied):
        fresh.list(SHOP)


def test_a_cluster_that_does_not_answer_is_unavailable(fresh: Deployment, cluster: Cluster) -> None:
    cluster.faults.cut("/apis/apps/v1/namespaces/shop")
    for ask in (lambda: fresh.get(SHOP, "deployment.web"), lambda: fresh.progress(SHOP, "deployment.web")):
        with pytest.raises(Unavailable):
            ask()


def test_many_may_look_at_once(facet: Deployment) -> None:
    problems: list[BaseException] = []

    def look() -> None:
        try:
            assert facet.list(SHOP).items
            assert facet.get(PAYMENTS, "deployment.worker").progress
        except BaseException as problem:  # noqa: BLE001  (told by the test's own thread)
            problems.append(problem)

    threads = [threading.Thread(target=look, name=f"look {number}") for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SETTLE_S)
    assert problems == []
