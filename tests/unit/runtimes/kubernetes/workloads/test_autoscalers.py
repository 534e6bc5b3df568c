"""Autoscalers as they are read: what each goes by, where it stands, and what its conditions mean in words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtimes.kubernetes.workloads.autoscalers import AutoscalerObject, autoscaler, target_of

Obj = dict[str, Any]
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}


def read(*, metrics: list[Obj] | None = None, status: Obj | None = None, **spec: Any) -> AutoscalerObject:
    document = {
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "maxReplicas": 5,
            "metrics": [CPU] if metrics is None else metrics,
            **spec,
        },
        "status": status or {},
    }
    return msgspec.json.decode(msgspec.json.encode(document), type=AutoscalerObject)


def condition(type_: str, status: str, reason: str, message: str = "") -> Obj:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def test_one_on_cpu_says_its_target_and_what_is_used_and_can_be_edited() -> None:
    measured = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 31}}}]
    status = {"currentReplicas": 2, "desiredReplicas": 3, "lastScaleTime": "2026-01-02T03:04:05Z"}
    found = autoscaler(read(minReplicas=2, status={**status, "currentMetrics": measured}))
    assert (found.minimum, found.maximum, found.cpu_percent, found.current_cpu_percent) == (2, 5, 70, 31)
    assert (found.current, found.desired, found.editable, found.metrics) == (2, 3, True, ())
    assert found.scaled_at is not None
    assert found.scaled_at.isoformat() == "2026-01-02T03:04:05+00:00"


def test_without_a_minimum_it_keeps_one() -> None:
    assert autoscaler(read()).minimum == 1


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (
            {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 80}}},
            "memory of a pod at 80 % of what is requested",
        ),
        (
            {"type": "Resource", "resource": {"name": "cpu", "target": {"averageValue": "250m"}}},
            "cpu of a pod at 250m on average",
        ),
        (
            {
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": "app", "target": {"averageUtilization": 60}},
            },
            "cpu of container app at 60 % of what is requested",
        ),
        (
            {"type": "Pods", "pods": {"metric": {"name": "requests"}, "target": {"averageValue": "100"}}},
            "requests of each pod at 100 on average",
        ),
        (
            {
                "type": "Object",
                "object": {
                    "metric": {"name": "hits"},
                    "describedObject": {"kind": "Ingress", "name": "shop"},
                    "target": {"value": "2k"},
                },
            },
            "hits of Ingress shop at 2k",
        ),
        (
            {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"averageValue": "30"}}},
            "queue from outside the cluster at 30 on average",
        ),
        ({"type": "Moon"}, "a metric of type Moon"),
    ],
)
def test_other_metrics_are_shown_in_words_and_not_edited(metric: Obj, words: str) -> None:
    alone, beside = autoscaler(read(metrics=[metric])), autoscaler(read(metrics=[CPU, metric]))
    assert (alone.metrics, alone.editable, alone.cpu_percent) == ((words,), False, None)
    assert (beside.metrics, beside.editable, beside.cpu_percent) == ((words,), False, 70)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([], ["The cluster has not looked at it yet."]),
        ([condition("AbleToScale", "True", "ReadyForNewScale"), condition("ScalingActive", "True", "ValidMetric")], []),
        (
            [condition("AbleToScale", "False", "FailedGetScale", 'deployments.apps "web" not found')],
            ['It cannot scale: deployments.apps "web" not found.'],
        ),
        (
            [condition("AbleToScale", "True", "ScaleDownStabilized", "recent")],
            ["It waits before it scales down: a short while ago more were needed."],
        ),
        (
            [
                condition("AbleToScale", "True", "SucceededGetScale"),
                condition(
                    "ScalingActive",
                    "False",
                    "FailedGetResourceMetric",
                    "the HPA was unable to compute the replica count: no metrics",
                ),
            ],
            ["It cannot tell how many are needed: no metrics."],
        ),
        (
            [condition("ScalingActive", "False", "X", "missing request for cpu in container a of Pod b")],
            ["It cannot tell how many are needed, since a request is missing: cpu in container a of Pod b."],
        ),
        ([condition("ScalingLimited", "True", "TooManyReplicas")], ["It would want more than its maximum of 5."]),
        ([condition("ScalingLimited", "True", "TooFewReplicas")], ["It would want fewer than its minimum of 1."]),
        ([condition("ScalingLimited", "True", "Moon", "is in the way")], ["is in the way."]),
    ],
)
def test_conditions_are_told_in_words(conditions: list[Obj], words: list[str]) -> None:
    assert list(autoscaler(read(status={"conditions": conditions})).conditions) == words


def test_one_that_0_replicas_switched_off_says_so() -> None:
    found = autoscaler(read(status={"conditions": [condition("ScalingActive", "False", "ScalingDisabled")]}))
    assert not found.active
    assert "0 replicas" in found.conditions[0]


def test_it_names_what_it_scales_as_other_rows_do() -> None:
    assert target_of(read()) == "deployment/web"
