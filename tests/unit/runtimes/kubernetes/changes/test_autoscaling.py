"""Drafts of autoscalers against the simulated cluster: what they warn of, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster, start
from runtimes.base import Deployment, Runtime, Scope
from runtimes.changes import RemoveAutoscaler, SetAutoscaler, SetReplicas
from runtimes.commands import Scaled
from runtimes.errors import AutoscalerActive, Conflict, Invalid, Lacking
from runtimes.kubernetes.open import open_kubernetes

SCOPE = Scope(service="own", namespace="default")
MEASURED = "/apis/metrics.k8s.io/"
SCALER = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = start(example=False)
    for name, replicas, request in (("three", 3, "100m"), ("none", 0, "100m"), ("blind", 1, ""), ("busy", 3, "100m")):
        started.create(deployment(name, replicas, request))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def runtime(cluster: Cluster) -> Iterator[Runtime]:
    opened = open_kubernetes("own", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct())
    yield opened
    opened.close()


@pytest.fixture
def facet(runtime: Runtime, cluster: Cluster) -> Iterator[Deployment]:
    assert runtime.deployment is not None
    yield runtime.deployment
    cluster.faults.clear()


def deployment(name: str, replicas: int, request: str) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "app", "image": "nginx"}
    container |= {"resources": {"requests": {"cpu": request}}} if request else {}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
    }
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def wanted(name: str, minimum: int = 1, maximum: int = 10, percent: int | None = 80) -> SetAutoscaler:
    return SetAutoscaler(workload=f"deployment.{name}", minimum=minimum, maximum=maximum, cpu_percent=percent)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (wanted("three"), ""),
        (wanted("three", maximum=2), "There are 3 replicas now: it takes 1 away at once."),
        (wanted("three", minimum=5), "3 replicas now: it starts 2 more at once."),
        (wanted("none"), "has 0 replicas, which switches an autoscaler off"),
        (wanted("blind"), "app requests no CPU: it cannot work until that is set."),
    ],
)
def test_a_plan_warns_of_what_happens_at_once_and_of_what_cannot_work(
    facet: Deployment, change: SetAutoscaler, words: str
) -> None:
    warnings = facet.plan(SCOPE, change).warnings
    assert bool(warnings) is bool(words)
    assert words in " ".join(warnings)


@pytest.mark.parametrize(
    "change",
    [
        wanted("three", minimum=0),
        wanted("three", minimum=4, maximum=3),
        wanted("three", maximum=2**31),
        wanted("three", percent=0),
        wanted("three", percent=100_000),
    ],
)
def test_what_no_autoscaler_can_keep_is_refused(facet: Deployment, change: SetAutoscaler) -> None:
    with pytest.raises(Invalid) as refused:
        facet.plan(SCOPE, change)
    assert refused.value.hint


@pytest.mark.parametrize("status", [404, 503])
def test_without_an_answering_metrics_api_none_is_made(facet: Deployment, cluster: Cluster, status: int) -> None:
    cluster.faults.answer(status, MEASURED)
    with pytest.raises(Lacking) as refused:
        facet.apply(SCOPE, wanted("three"))
    assert refused.value.what == "metrics-server"


def test_where_that_may_not_be_asked_it_is_a_warning(facet: Deployment, cluster: Cluster) -> None:
    cluster.faults.answer(403, MEASURED)
    assert "could not be seen" in " ".join(facet.plan(SCOPE, wanted("three")).warnings)


def test_only_what_differs_is_shown_and_nothing_is_sent_when_nothing_does(facet: Deployment) -> None:
    facet.apply(SCOPE, wanted("busy", minimum=2, maximum=6, percent=70))
    plan = facet.plan(SCOPE, wanted("busy", minimum=2, maximum=7, percent=70))
    assert [(each.what, each.before, each.after) for each in plan.differences] == [("maximum", "6", "7")]
    same = facet.plan(SCOPE, wanted("busy", minimum=2, maximum=6, percent=70))
    assert same.unchanged
    left = facet.plan(SCOPE, wanted("busy", minimum=3, maximum=6, percent=None))
    assert "metrics" not in left.command, "what it goes by is left alone where nothing is said of it"
    facet.apply(SCOPE, RemoveAutoscaler(workload="deployment.busy"))
    assert facet.get(SCOPE, "deployment.busy").autoscaler is None


def test_what_is_not_said_stays_and_a_new_one_gets_the_defaults(facet: Deployment) -> None:
    named = SetAutoscaler(workload="deployment.busy")
    facet.apply(SCOPE, named)
    new = facet.get(SCOPE, "deployment.busy").autoscaler
    assert new is not None
    assert (new.minimum, new.maximum, new.cpu_percent) == (1, 10, 80)
    facet.apply(SCOPE, wanted("busy", minimum=2, maximum=6, percent=55))
    assert facet.plan(SCOPE, named).unchanged
    facet.apply(SCOPE, SetAutoscaler(workload="deployment.busy", maximum=7))
    set_ = facet.get(SCOPE, "deployment.busy").autoscaler
    assert set_ is not None
    assert (set_.minimum, set_.maximum, set_.cpu_percent) == (2, 7, 55)
    with pytest.raises(Invalid, match="between 8 and 7"):
        facet.plan(SCOPE, SetAutoscaler(workload="deployment.busy", minimum=8))
    facet.apply(SCOPE, RemoveAutoscaler(workload="deployment.busy"))


def test_one_that_nothing_is_left_of_is_switched_on_by_a_number_within_its_bounds_and_by_no_other(
    runtime: Runtime, facet: Deployment
) -> None:
    assert runtime.commands is not None
    facet.apply(SCOPE, wanted("none", minimum=2, maximum=4))
    for count in (0, 1, 5):
        with pytest.raises(AutoscalerActive, match="switched it off") as locked:
            facet.plan(SCOPE, SetReplicas(workload="deployment.none", replicas=count))
        assert "between 2 and 4" in locked.value.hint
    assert runtime.commands.scaled(SCOPE).switched_off == {"deployment/none": (2, 4)}, "typed lines know the same"
    start_ = SetReplicas(workload="deployment.none", replicas=3)
    assert "switches the autoscaler none on again" in " ".join(facet.plan(SCOPE, start_).warnings)
    assert "switches the autoscaler none on again" in facet.apply(SCOPE, start_).sentence
    assert facet.get(SCOPE, "deployment.none").desired == 3
    with pytest.raises(AutoscalerActive, match="keeps them between 2 and 4"):
        facet.apply(SCOPE, SetReplicas(workload="deployment.none", replicas=2))
    assert runtime.commands.scaled(SCOPE) == Scaled(
        autoscaled=frozenset({"deployment/none"}), owners=runtime.commands.scaled(SCOPE).owners
    )
    facet.apply(SCOPE, RemoveAutoscaler(workload="deployment.none", replicas=0))


def test_a_name_that_another_autoscaler_has_is_said(facet: Deployment, cluster: Cluster) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "elsewhere"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2}
    cluster.create(SCALER | {"metadata": {"name": "blind", "namespace": "default"}, "spec": spec})
    with pytest.raises(Conflict) as refused:
        facet.apply(SCOPE, wanted("blind"))
    assert "exists already" in refused.value.sentence
