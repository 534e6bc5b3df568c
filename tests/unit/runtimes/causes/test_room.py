"""Where nodes may be read, a shortage has figures and an unmatched label or taint a name."""

from __future__ import annotations

import pytest

from runtimes.causes import explain
from runtimes.causes.facts import NodeFacts
from tests.unit.runtimes.causes.making import unscheduled

GIB = 1024.0**3


def node(name: str, cpu: float, free_cpu: float, *, free_memory: float = GIB, **labels: str) -> NodeFacts:
    memory = 8 * GIB
    return NodeFacts(
        name=name,
        allocatable={"cpu": cpu, "memory": memory},
        requested={"cpu": cpu - free_cpu, "memory": memory - free_memory},
        labels=labels,
        taints=(("dedicated", "gpu", "NoSchedule"), ("node-role.kubernetes.io/control-plane", "", "NoSchedule")),
    )


NODES = (node("n1", 4, 0.5, disk="hdd", zone="a"), node("n2", 4, 1, disk="ssd", zone="b", free_memory=1.5 * GIB))


@pytest.mark.parametrize(
    ("message", "fields", "sentence", "detail"),
    [
        (
            "0/2 nodes are available: 2 Insufficient cpu.",
            {"requests": {"cpu": 2.0}},
            "2 of 2 nodes are short of cpu (it asks for 2 cores of cpu, the most that is free is 1 core of cpu)",
            "It asks for 2 cores of cpu; the most is free on n2, 1 core of cpu: 1 core of cpu too little.",
        ),
        (
            "0/2 nodes are available: 2 Insufficient memory.",
            {"requests": {"memory": 4 * GIB}},
            "(it asks for 4 GiB of memory, the most that is free is 1.5 GiB of memory)",
            "the most is free on n2, 1.5 GiB of memory: 2.5 GiB of memory too little.",
        ),
        (
            "0/2 nodes are available: 2 Insufficient cpu.",
            {"requests": {"cpu": 16.0}},
            "it asks for 16 cores of cpu",
            "It asks for 16 cores of cpu; even an empty node has only 4 cores of cpu.",
        ),
        (
            "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.",
            {"requests": {"nvidia.com/gpu": 1.0}},
            "it asks for 1 nvidia.com/gpu, the most that is free is 0 nvidia.com/gpu",
            "It asks for 1 nvidia.com/gpu; even an empty node has only 0 nvidia.com/gpu.",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.",
            {"requests": {"cpu": 0.5}},
            "1 is short of cpu",
            "It asks for 0.5 cores of cpu; the most is free on n2, 1 core of cpu.",
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            {"wanted_labels": (("disk", ("nvme",)), ("zone", ("a", "b")))},
            "2 of 2 nodes do not match its node selector",
            "None of 2 nodes carries the label disk=nvme.",
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            {"wanted_labels": (("disk", ("ssd",)), ("zone", ("a",)))},
            "2 of 2 nodes do not match",
            "It wants the label disk=ssd and zone=a: nodes that carry all of it are too few or ruled out otherwise.",
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            {"wanted_labels": (("gpu", ()), ("arch", ("arm64", "riscv64")))},
            "2 of 2 nodes do not match",
            "None of 2 nodes carries the label gpu nor arch=arm64 or riscv64.",
        ),
        (
            "0/2 nodes are available: 2 node(s) had untolerated taint(s).",
            {},
            "2 of 2 nodes have a taint that it does not tolerate",
            "Taints of its nodes: dedicated=gpu:NoSchedule and node-role.kubernetes.io/control-plane:NoSchedule.",
        ),
    ],
)
def test_nodes_give_figures_and_names(message: str, fields: dict[str, object], sentence: str, detail: str) -> None:
    explanation = explain(unscheduled(message, nodes=NODES, **fields))
    assert sentence in explanation.sentence
    assert detail in explanation.causes[0].detail


def test_without_nodes_nothing_is_said_beyond_the_message() -> None:
    explanation = explain(unscheduled("0/2 nodes are available: 2 Insufficient cpu.", requests={"cpu": 2.0}))
    assert explanation.sentence == "web-0 cannot be scheduled because 2 of 2 nodes are short of cpu."
    assert explanation.causes[0].detail == "2 of 2 nodes are short of cpu."
