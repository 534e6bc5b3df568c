"""The pods of a service out of memory, against an API server that fails in every way it can."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any, cast

import pytest

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster
from opsmodal.demo.kinds import PODS as KIND
from runtimes.base import Runtime, Scope
from runtimes.errors import Denied, Unavailable
from runtimes.kubernetes.accounts.facets import ByScope
from runtimes.kubernetes.instances.facet import PodInstances
from runtimes.kubernetes.open import open_kubernetes
from runtimes.watched import Pace

SPACE = "team"
SCOPE = Scope(service="team", namespace=SPACE)
PODS = f"/api/v1/namespaces/{SPACE}/pods"


def eventually(condition: Callable[[], bool], what: str, *, within_s: float = 10.0) -> None:
    deadline = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline, what
        sleep(0.01)


@pytest.fixture
def cluster(empty_cluster: Cluster) -> Cluster:
    empty_cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    for name in ("one", "two"):
        pod(empty_cluster, name)
    return empty_cluster


@pytest.fixture
def runtime(cluster: Cluster) -> Iterator[Runtime]:
    opened = open_kubernetes("prod", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct(), timeout_s=3)
    yield opened
    opened.close()
    assert not [each.name for each in threading.enumerate() if each.name == f"watch: pods of {SPACE} on prod"]


def pod(cluster: Cluster, name: str, **labels: str) -> None:
    spec = {"containers": [{"name": "web", "image": "busybox", "command": ["sh", "-c", "exec sleep 3600"]}]}
    metadata = {"name": name, "namespace": SPACE, "labels": {"app": name} | labels}
    cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def names(runtime: Runtime, scope: Scope = SCOPE) -> list[str]:
    return [each.name for each in runtime.instances.list(scope).items]


def watched(runtime: Runtime) -> None:
    """Return once the pods are being watched: their age then moves with the clock."""

    def moves() -> bool:
        first = runtime.instances.list(SCOPE).as_of
        return runtime.instances.list(SCOPE).as_of > first

    eventually(moves, "a watch")


def test_a_second_look_asks_for_nothing(cluster: Cluster, runtime: Runtime) -> None:
    assert names(runtime) == ["one", "two"]
    watched(runtime)
    cluster.faults.answer(500, PODS)
    assert names(runtime) == ["one", "two"]
    assert not runtime.instances.list(SCOPE).stale


def test_a_change_shows_by_itself(cluster: Cluster, runtime: Runtime) -> None:
    names(runtime)
    watched(runtime)
    pod(cluster, "three")
    eventually(lambda: names(runtime) == ["one", "three", "two"], "a new pod", within_s=2)
    assert runtime.overview.read(SCOPE).desired == 3


def test_a_deletion_shows_in_the_very_next_list(cluster: Cluster, runtime: Runtime) -> None:
    names(runtime)
    watched(runtime)
    for _ in range(5):
        pod(cluster, "doomed")
        eventually(lambda: "doomed" in names(runtime), "the pod to delete")
        runtime.instances.delete(SCOPE, "doomed", force=True)
        gone = [each for each in runtime.instances.list(SCOPE).items if each.name == "doomed"]
        assert not gone or gone[0].status == "Terminating"
        eventually(lambda: "doomed" not in names(runtime), "its end")


def test_a_service_sees_what_its_selector_takes(cluster: Cluster, runtime: Runtime) -> None:
    pod(cluster, "three", tier="db")
    for selector, found in [
        ("app=one", ["one"]),
        ("app in (one, two)", ["one", "two"]),
        ("tier", ["three"]),
        ("!tier", ["one", "two"]),
        ("app!=one,tier!=db", ["two"]),
        ("app=none", []),
    ]:
        assert names(runtime, Scope(service="x", namespace=SPACE, selector=selector)) == found


@pytest.mark.parametrize("fault", ["killed", "cut", "500", "429", "half", "silence"])
def test_silence_shows_the_last_truth_with_its_age_and_ends_within_ten_seconds(
    cluster: Cluster, runtime: Runtime, fault: str
) -> None:
    names(runtime)
    watched(runtime)
    if fault == "killed":
        cluster.pause()
    elif fault in {"500", "429"}:
        cluster.faults.answer(int(fault), retry_after_s=1 if fault == "429" else None)
    else:
        getattr(cluster.faults, fault)()
    cluster.world.storage.forget()  # half an answer is none: a list is needed, not only another watch
    cluster.faults.drop_watches()
    eventually(lambda: runtime.instances.list(SCOPE).stale, "stale")
    old = runtime.instances.list(SCOPE)
    assert [each.name for each in old.items] == ["one", "two"]
    assert old.problem
    began = monotonic()
    assert runtime.instances.list(SCOPE).as_of == old.as_of
    assert monotonic() - began < 0.5
    with pytest.raises(Unavailable):  # and not an overview in which everything but the pods is missing
        runtime.overview.read(SCOPE)
    pod(cluster, "three")
    if fault == "killed":
        cluster.resume()
    cluster.faults.clear()
    eventually(lambda: not runtime.instances.list(SCOPE).stale, "recovery", within_s=10)
    eventually(lambda: names(runtime) == ["one", "three", "two"], "what happened meanwhile")


def test_a_history_that_is_gone_is_no_trouble(cluster: Cluster, runtime: Runtime) -> None:
    names(runtime)
    watched(runtime)
    for number in range(5):
        cluster.world.storage.forget()
        pod(cluster, f"new-{number}")
        cluster.faults.drop_watches()
        eventually(lambda n=number: f"new-{n}" in names(runtime), "a pod made after the history was dropped")  # type: ignore[misc]


def test_a_credential_that_is_refused_is_told_and_hides_behind_nothing(cluster: Cluster, runtime: Runtime) -> None:
    names(runtime)
    watched(runtime)
    cluster.faults.answer(403, PODS)
    cluster.faults.drop_watches()

    def refused() -> bool:
        try:
            names(runtime)
        except Denied:
            return True
        return False

    eventually(refused, "the refusal")
    cluster.faults.clear()
    assert names(runtime) == ["one", "two"]


def test_a_closed_runtime_watches_nothing(runtime: Runtime) -> None:
    names(runtime)
    runtime.close()
    with pytest.raises(Unavailable):
        names(runtime)


def test_a_watch_tells_of_pods_and_of_figures(cluster: Cluster, runtime: Runtime) -> None:
    watch = runtime.instances.watch(SCOPE)
    try:
        watched(runtime)
        pod(cluster, "three")
        eventually(lambda: watch.wait(1) and "three" in names(runtime), "news of a pod", within_s=3)

        def measured() -> bool:
            return any(row.usage.cpu_cores is not None for row in runtime.instances.list(SCOPE).items)

        eventually(lambda: watch.wait(1) and measured(), "news of figures", within_s=40)
    finally:
        watch.close()
    assert watch.ended


def test_a_watch_on_a_silent_cluster_never_raises_and_recovers(cluster: Cluster, runtime: Runtime) -> None:
    cluster.pause()
    watch = runtime.instances.watch(SCOPE)
    try:
        eventually(lambda: watch.wait(1), "news of the silence")
        cluster.resume()
        eventually(lambda: watch.wait(1) and names(runtime) == ["one", "two"], "recovery")
    finally:
        watch.close()


def test_closing_the_runtime_ends_its_watches(runtime: Runtime) -> None:
    watch = runtime.instances.watch(SCOPE)
    runtime.close()
    assert watch.ended
    assert watch.wait(10)
    assert not watch.wait(10)
    watch.close()
    with pytest.raises(Unavailable):
        runtime.instances.watch(SCOPE)


def own(runtime: Runtime) -> PodInstances:
    """Give the facet of the runtime's own credential out of those of all accounts."""
    facet = cast(ByScope, runtime.instances)
    instances = facet._accounts.of(Scope(service="")).instances
    assert isinstance(instances, PodInstances)
    return instances


@pytest.fixture
def hasty(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[PodInstances]:
    """A runtime that gives back half a second after the last look."""
    monkeypatch.setattr("runtimes.kubernetes.open.Pace", lambda: Pace(idle_s=0.5))
    opened = open_kubernetes("prod", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct(), timeout_s=3)
    yield own(opened)
    opened.close()


def imaged(image: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["spec"]["containers"][0].update(image=image)


def held(instances: PodInstances) -> tuple[object, ...]:
    known = instances._live._reflectors.there((SPACE, "pods"))
    return (known._shown._replica.items if known else (), instances._rows._made, instances._figures._kept)


def test_everything_is_given_back_after_the_last_viewer(cluster: Cluster, hasty: PodInstances) -> None:
    watch = hasty.watch(SCOPE)
    eventually(lambda: watch.wait(1) and len(hasty.list(SCOPE).items) == 2, "rows")
    eventually(lambda: all(held(hasty)), "pods, rows and figures")
    for number in range(10):
        sleep(0.1)
        pod(cluster, f"more-{number}")  # while somebody watches, nothing is given back, however long nobody reads
    assert all(held(hasty))
    watch.close()
    for number in range(100):  # it is the next event after the pause that ends the watch
        pod(cluster, f"beat-{number}")
        sleep(0.1)
        if not any(held(hasty)):
            break
    assert not any(held(hasty))
    names = {f"watch: pods of {SPACE} on prod", "figures: prod"}
    eventually(lambda: not names.intersection(each.name for each in threading.enumerate()), "the end of the threads")
    assert len(hasty.list(SCOPE).items) > 12


def test_two_hundred_changes_a_second_are_all_seen_and_nothing_grows(cluster: Cluster, runtime: Runtime) -> None:
    storage, number = cluster.world.storage, 0
    for each in range(300):
        pod(cluster, f"many-{each:03d}")
    watch = runtime.instances.watch(SCOPE)
    ends = monotonic() + 3
    try:
        while monotonic() < ends:
            for _ in range(20):
                number += 1
                name = f"many-{number * 7 % 300:03d}"
                if number % 10:
                    storage.update(KIND, SPACE, name, imaged(f"busybox:{number}"))
                else:
                    storage.remove(KIND, SPACE, name)
                    pod(cluster, name)
            if number == 200:
                cluster.faults.drop_watches()
            watch.wait(0.1)
            runtime.instances.list(SCOPE)

        def shown() -> set[tuple[str, str]]:
            return {(each.uid, each.image) for each in runtime.instances.list(SCOPE).items}

        def truth() -> set[tuple[str, str]]:
            pods = [record.document for record in storage.records(KIND, SPACE)[1]]
            return {(each["metadata"]["uid"], each["spec"]["containers"][0]["image"]) for each in pods}

        eventually(lambda: shown() == truth(), "every pod as it is")
    finally:
        watch.close()
    assert number >= 500
    instances = own(runtime)
    made = instances._rows._made[SPACE]
    assert len(made.by_name) == len(made.rows) == 302
    assert len(instances._rows._restarts._changed) <= 302
