"""What a pod asks of a node: init containers and sidecars count as the scheduler counts them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtimes.kubernetes.causes import wants
from runtimes.kubernetes.objects.pods import PodSpec

MIB = 2.0**20


def asking(cpu: str, *, sidecar: bool = False) -> dict[str, Any]:
    return {
        "name": "c",
        "resources": {"requests": {"cpu": cpu}},
        "restartPolicy": "Always" if sidecar else "",
    }


def spec(**fields: Any) -> PodSpec:
    return msgspec.convert({"containers": [], **fields}, PodSpec)


@pytest.mark.parametrize(
    ("known", "cpu"),
    [
        (spec(containers=[asking("500m"), asking("1")]), 1.5),
        (spec(containers=[asking("500m")], initContainers=[asking("2"), asking("1")]), 2),
        (spec(containers=[asking("500m")], initContainers=[asking("1", sidecar=True)]), 1.5),
        (spec(containers=[asking("500m")], initContainers=[asking("1", sidecar=True), asking("2")]), 3),
        (spec(containers=[asking("500m")], initContainers=[asking("2"), asking("1", sidecar=True)]), 2),
        (spec(containers=[asking("500m")], overhead={"cpu": "250m"}), 0.75),
        (spec(containers=[asking("500m")], resources={"requests": {"cpu": "3"}}, overhead={"cpu": "1"}), 4),
    ],
)
def test_requests_are_summed_as_the_scheduler_does(known: PodSpec, cpu: float) -> None:
    assert wants.of_pod(known) == {"cpu": cpu}


def test_amounts_have_one_unit_and_what_is_no_quantity_is_left_out() -> None:
    read = wants.amounts({"cpu": "250m", "memory": "64Mi", "nvidia.com/gpu": 2, "odd": "much"})
    assert read == {"cpu": 0.25, "memory": 64 * MIB, "nvidia.com/gpu": 2}
    assert wants.amounts(None) == {}


def affinity(*terms: list[dict[str, Any]]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": [{"matchExpressions": term} for term in terms]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


ZONE = {"key": "zone", "operator": "In", "values": ["a", "b"]}
GPU = {"key": "gpu", "operator": "Exists"}
NOT_OLD = {"key": "old", "operator": "DoesNotExist"}


@pytest.mark.parametrize(
    ("known", "labels"),
    [
        (spec(), ()),
        (spec(nodeSelector={"disk": "ssd"}), (("disk", ("ssd",)),)),
        (spec(affinity=affinity([ZONE, GPU, NOT_OLD])), (("zone", ("a", "b")), ("gpu", ()))),
        (spec(affinity=affinity([ZONE], [GPU])), ()),
        (spec(affinity={"podAntiAffinity": {}}), ()),
    ],
)
def test_labels_that_a_node_must_carry(known: PodSpec, labels: wants.WantedLabels) -> None:
    assert wants.wanted_labels(known) == labels
