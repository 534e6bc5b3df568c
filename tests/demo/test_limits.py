"""Quotas, limit ranges and the arithmetic of Jobs and autoscalers: pure tables of what they say."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.demo import limits, quotas
from opsmodal.demo.kinds import PODS, stored
from opsmodal.demo.life import scaling
from opsmodal.demo.life.completions import spans, tally
from opsmodal.demo.versions import kept, served


def pod(requests: dict[str, str] | None = None, limit: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    resources = {name: part for name, part in (("requests", requests), ("limits", limit)) if part}
    return {"metadata": {}, "spec": {"containers": [{"name": "main", "resources": resources}]} | more}


def ranged(**item: Any) -> dict[str, Any]:
    return {"spec": {"limits": [{"type": "Container"} | item]}}


@pytest.mark.parametrize(
    ("limit_range", "subject", "words"),
    [
        (
            ranged(max={"cpu": "500m"}),
            pod({}, {"cpu": "2"}),
            ["maximum cpu usage per Container is 500m, but limit is 2"],
        ),
        (ranged(max={"cpu": "500m"}), pod(), ["maximum cpu usage per Container is 500m. No limit is specified"]),
        (
            ranged(min={"cpu": "50m"}),
            pod({"cpu": "10m"}),
            ["minimum cpu usage per Container is 50m, but request is 10m"],
        ),
        (ranged(min={"cpu": "50m"}), pod(), ["minimum cpu usage per Container is 50m. No request is specified"]),
        (
            ranged(maxLimitRequestRatio={"cpu": "3"}),
            pod({"cpu": "100m"}, {"cpu": "400m"}),
            ["cpu max limit to request ratio per Container is 3, but provided ratio is 4.000000"],
        ),
        (
            ranged(maxLimitRequestRatio={"cpu": "3"}),
            pod(),
            ["cpu max limit to request ratio per Container is 3, but no request is specified or request is 0"],
        ),
        (
            ranged(type="Pod", max={"cpu": "1"}),
            pod({}, {"cpu": "2"}),
            ["maximum cpu usage per Pod is 1, but limit is 2"],
        ),
        (ranged(min={"cpu": "50m"}, max={"cpu": "1"}), pod({"cpu": "50m"}, {"cpu": "1"}), []),
    ],
)
def test_a_limit_range_refuses_what_is_out_of_bounds(
    limit_range: dict[str, Any], subject: dict[str, Any], words: list[str]
) -> None:
    assert list(limits.judge_pod(limit_range, subject)) == words


def test_a_limit_range_says_what_it_added() -> None:
    limit_range = ranged(default={"cpu": "200m", "memory": "1Gi"}, defaultRequest={"cpu": "100m"})
    subject = pod(limit={"memory": "2Gi"})
    limits.add(limit_range, subject)
    container = subject["spec"]["containers"][0]
    assert container["resources"] == {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m", "memory": "2Gi"}}
    words = "LimitRanger plugin set: cpu request for container main; cpu limit for container main"
    assert subject["metadata"]["annotations"] == {limits.MARK: words}


def test_the_bounds_of_a_limit_range_are_its_defaults() -> None:
    limit_range = ranged(min={"cpu": "50m"}, max={"memory": "1Gi"})
    limits.fill(limit_range)
    item = limit_range["spec"]["limits"][0]
    assert item["default"] == {"memory": "1Gi"}
    assert item["defaultRequest"] == {"cpu": "50m", "memory": "1Gi"}


def quota(scopes: tuple[str, ...] = (), **hard: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"hard": {name.replace("_", "."): value for name, value in hard.items()}}
    return {"metadata": {"name": "q"}, "spec": spec | ({"scopes": list(scopes)} if scopes else {})}


def test_a_compute_quota_wants_every_container_to_say_something() -> None:
    wanted = quota(requests_cpu="1", limits_memory="1Gi", pods="3")
    assert quotas.unspecified(wanted, pod()) == "limits.memory for: main; requests.cpu for: main"
    assert quotas.unspecified(wanted, pod({"cpu": "1"}, {"memory": "1Gi"})) == ""


@pytest.mark.parametrize(
    ("scopes", "subject", "counts"),
    [
        ((), pod(), True),
        (("Terminating",), pod(activeDeadlineSeconds=5), True),
        (("Terminating",), pod(), False),
        (("NotTerminating",), pod(), True),
        (("BestEffort",), pod() | {"status": {"qosClass": "BestEffort"}}, True),
        (("NotBestEffort",), pod() | {"status": {"qosClass": "BestEffort"}}, False),
    ],
)
def test_scopes_decide_which_pods_count(scopes: tuple[str, ...], subject: dict[str, Any], counts: bool) -> None:
    assert bool(quotas.demand(quota(scopes, pods="1"), PODS, subject)) is counts


def test_what_goes_beyond_a_quota_is_named_with_numbers() -> None:
    wanted = quotas.demand(quota(requests_cpu="1", pods="9"), PODS, pod({"cpu": "200m"}))
    present = {"requests.cpu": quotas.amount("900m"), "pods": quotas.amount("1")}
    words = "requested: requests.cpu=200m, used: requests.cpu=900m, limited: requests.cpu=1"
    assert quotas.exceeded(quota(requests_cpu="1", pods="9"), wanted, present) == words


def test_any_kind_can_be_counted() -> None:
    assert quotas.takes(stored("deployments"), {}, "count/deployments.apps") == 1
    assert quotas.takes(stored("deployments"), {}, "pods") is None
    service = {"spec": {"type": "NodePort", "ports": [{"port": 80}, {"port": 81}]}}
    assert quotas.takes(stored("services"), service, "services.nodeports") == 2


@pytest.mark.parametrize(
    ("wanted", "now", "size", "reason"),
    [
        (2, 1, 2, "DesiredWithinRange"),
        (30, 9, 10, "TooManyReplicas"),
        (9, 1, 5, "ScaleUpLimit"),
        (0, 3, 2, "TooFewReplicas"),
        (8, 4, 8, "DesiredWithinRange"),
    ],
)
def test_an_autoscaler_keeps_its_bounds(wanted: int, now: int, size: int, reason: str) -> None:
    found, limited = scaling.bounded(wanted, now, 2, 10)
    assert (found, limited[1]) == (size, reason)


@pytest.mark.parametrize(
    ("percent", "now", "replicas"), [(50, 3, 3), (54, 3, 3), (56, 3, 4), (100, 3, 6), (10, 5, 1), (45, 4, 4)]
)
def test_a_metric_asks_for_replicas_beyond_the_tolerance(percent: int, now: int, replicas: int) -> None:
    metric = {"resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    measured = scaling.Measured(name="cpu", average=0.1, percent=percent)
    assert scaling.proposed(metric, measured, now) == replicas


def _job(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "j"}, "spec": {"parallelism": 1} | spec}


def _pods(*phases: str) -> list[dict[str, Any]]:
    marks = {"batch.kubernetes.io/job-completion-index": ""}
    return [
        {"metadata": {"annotations": {name: str(place) for name in marks}}, "status": {"phase": phase}}
        for place, phase in enumerate(phases)
    ]


@pytest.mark.parametrize(
    ("job", "phases", "missing", "complete"),
    [
        (_job(completions=3, parallelism=2), (), [None, None], False),
        (_job(completions=3, parallelism=2), ("Succeeded", "Running"), [None], False),
        (_job(completions=1), ("Succeeded",), [], True),
        (_job(parallelism=2), (), [None, None], False),
        (_job(parallelism=2), ("Succeeded", "Running"), [], False),
        (_job(parallelism=2), ("Succeeded",), [], True),
        (_job(completions=3, parallelism=3, completionMode="Indexed"), ("Succeeded", "Failed", "Running"), [1], False),
        (_job(completions=2, parallelism=2, completionMode="Indexed"), ("Succeeded", "Succeeded"), [], True),
    ],
)
def test_a_job_knows_which_pods_it_still_needs(
    job: dict[str, Any], phases: tuple[str, ...], missing: list[Any], complete: bool
) -> None:
    counts = tally(_pods(*phases))
    assert (counts.missing(job), counts.complete(job)) == (missing, complete)


@pytest.mark.parametrize(
    ("indexes", "text"), [(set(), ""), ({0}, "0"), ({0, 1, 2}, "0-2"), ({0, 2, 3, 7}, "0,2-3,7"), ({4, 5}, "4-5")]
)
def test_indexes_are_written_as_spans(indexes: set[int], text: str) -> None:
    assert spans(frozenset(indexes)) == text


def test_an_autoscaler_survives_its_older_version() -> None:
    target = {"type": "Utilization", "averageUtilization": 70}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    reference = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    current = {
        "type": "Resource",
        "resource": {"name": "cpu", "current": {"averageUtilization": 12, "averageValue": "6m"}},
    }
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 4, "metrics": metrics},
        "status": {"currentReplicas": 1, "desiredReplicas": 1, "currentMetrics": [current]},
    }
    older = _other("horizontalpodautoscalers")
    shown = served(older, scaler)
    assert shown["spec"]["targetCPUUtilizationPercentage"] == 70
    assert shown["status"]["currentCPUUtilizationPercentage"] == 12
    assert kept(older, shown) == scaler


def test_an_event_survives_its_newer_version() -> None:
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": "Killing", "message": "Stopping"}
    event |= {"involvedObject": {"kind": "Pod"}, "count": 2, "reportingComponent": "kubelet"}
    newer = _other("events")
    shown = served(newer, event)
    assert (shown["note"], shown["regarding"], shown["deprecatedCount"]) == ("Stopping", {"kind": "Pod"}, 2)
    assert kept(newer, shown) == event


def _other(plural: str) -> Any:
    from opsmodal.demo.kinds import OTHER_VERSIONS

    return next(kind for kind in OTHER_VERSIONS if kind.plural == plural)
