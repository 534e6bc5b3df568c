"""Whether pods fit nodes, and the scheduler's sentence when they do not."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.demo.life.fit import Load, Misfit, load_of, misfit, unschedulable_words

CONTROL = "node-role.kubernetes.io/control-plane"


def node(cpu: str = "4", memory: str = "8Gi", **spec: Any) -> dict[str, Any]:
    labels = spec.pop("labels", {})
    room = {"cpu": cpu, "memory": memory, "pods": "2"}
    return {"metadata": {"name": "n", "labels": labels}, "spec": spec, "status": {"allocatable": room}}


def pod(cpu: str = "1", memory: str = "1Gi", **spec: Any) -> dict[str, Any]:
    requests = {"cpu": cpu, "memory": memory}
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "resources": {"requests": requests}}]} | spec,
    }


TAINT = {"key": CONTROL, "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("asked", "offered", "reasons"),
    [
        (pod(), node(), None),
        (pod(cpu="5"), node(), ("Insufficient cpu",)),
        (pod(memory="9Gi"), node(), ("Insufficient memory",)),
        (pod(cpu="5", memory="9Gi"), node(), ("Insufficient cpu", "Insufficient memory")),
        (pod(), node(taints=[TAINT]), (f"node(s) had untolerated taint {{{CONTROL}: }}",)),
        (pod(tolerations=[{"key": CONTROL, "operator": "Exists"}]), node(taints=[TAINT]), None),
        (pod(tolerations=[{"operator": "Exists"}]), node(taints=[TAINT]), None),
        (pod(), node(taints=[TAINT | {"effect": "PreferNoSchedule"}]), None),
        (pod(), node(unschedulable=True), ("node(s) were unschedulable",)),
        (pod(nodeSelector={"disk": "ssd"}), node(), ("node(s) didn't match Pod's node affinity/selector",)),
        (pod(nodeSelector={"disk": "ssd"}), node(labels={"disk": "ssd"}), None),
    ],
)
def test_a_node_takes_a_pod_or_says_why_not(asked: Any, offered: Any, reasons: tuple[str, ...] | None) -> None:
    found = misfit(asked, load_of(asked), offered, Load())
    assert (found.reasons if found else None) == reasons


def test_a_full_node_takes_no_more_pods() -> None:
    asked = pod(cpu="0", memory="0")
    found = misfit(asked, load_of(asked), node(), Load(pods=2))
    assert found is not None
    assert found.reasons == ("Too many pods",)


def test_the_greediest_init_container_counts() -> None:
    asked = pod(cpu="1", initContainers=[{"name": "i", "resources": {"requests": {"cpu": "3"}}}])
    assert load_of(asked).cpu_millicores == 3000


TAINTED = Misfit((f"node(s) had untolerated taint {{{CONTROL}: }}",))
TWO_SHORT = (
    f"0/3 nodes are available: 1 node(s) had untolerated taint {{{CONTROL}: }}, 2 Insufficient cpu. preemption: "
    "0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
    "2 No preemption victims found for incoming pod."
)
BOTH_SHORT = (
    "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: "
    "0/1 nodes are available: 1 No preemption victims found for incoming pod."
)
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
UNBOUND_WORDS = (
    f"0/1 nodes are available: {UNBOUND}. preemption: "
    "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
)


@pytest.mark.parametrize(
    ("misfits", "whole_pod", "sentence"),
    [
        ([TAINTED, *[Misfit(("Insufficient cpu",), True)] * 2], "", TWO_SHORT),
        ([Misfit(("Insufficient cpu", "Insufficient memory"), True)], "", BOTH_SHORT),
        ([Misfit(())], UNBOUND, UNBOUND_WORDS),
        ([], "", "no nodes available to schedule pods"),
    ],
)
def test_the_scheduler_says_why_no_node_is_available(misfits: list[Misfit], whole_pod: str, sentence: str) -> None:
    assert unschedulable_words(misfits, whole_pod) == sentence
