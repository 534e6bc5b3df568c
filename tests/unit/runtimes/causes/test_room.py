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
            "2 of 2 nodes are short of cpu, by 1 core at least.",
            "It asks for 2 cores of cpu; the most is free on n2, 1 core of cpu: 1 core of cpu too little.",
        ),
        (
            "0/2 nodes are available: 2 Insufficient memory.",
            {"requests": {"memory": 4 * GIB}},
            "2 of 2 nodes are short of memory, by 2.5 GiB at least.",
            "the most is free on n2, 1.5 GiB of memory: 2.5 GiB of memory too little.",
        ),
        (
            "0/2 nodes are available: 2 Insufficient cpu.",
            {"requests": {"cpu": 16.0}},
            "are short of cpu, by 15 cores at least.",
            "It asks for 16 cores of cpu; even an empty node has only 4 cores of cpu.",
        ),
        (
            "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.",
            {"requests": {"nvidia.com/gpu": 1.0}},
            "are short of nvidia.com/gpu, by 1 at least.",
            "It asks for 1 nvidia.com/gpu; even an empty node has only 0 nvidia.com/gpu.",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.",
            {"requests": {"cpu": 0.5}},
            "1 is short of cpu",
            "It asks for 0.5 cores of cpu; the most is free on n2, 1 core of cpu.",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.",
            {"requests": {"cpu": 0.75}},
            "of 2 nodes, 1 is short of cpu (by 0.25 cores) and 1 is cordoned.",
            "1 of 2 nodes is short of cpu.",
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            {"wanted_labels": (("disk", ("nvme",)), ("zone", ("a", "b")))},
            "2 of 2 nodes do not match its node selector or node affinity (no node carries the label disk=nvme).",
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


FREE = NodeFacts(name="free", allocatable={"memory": 2 * GIB}, requested={"memory": GIB})
UNREAD = NodeFacts(name="unread", allocatable={"memory": 4 * GIB}, requested_known=False)
TAINTED = NodeFacts(name="tainted", allocatable={"memory": 64 * GIB}, taints=(("gpu", "", "NoSchedule"),))
SSD = NodeFacts(name="ssd", allocatable={"memory": GIB}, labels={"disk": "ssd"})


@pytest.mark.parametrize(
    ("nodes", "gib", "sentence", "detail"),
    [
        ((FREE,), 3, ", by 2 GiB.", "even an empty node has only 2 GiB of memory."),
        ((FREE, TAINTED), 3, ", by 2 GiB.", "the most is free on tainted, 64 GiB of memory."),
        ((FREE, UNREAD), 6, ", by 2 GiB at least.", "even an empty node has only 4 GiB of memory."),
        ((UNREAD,), 6, ", by 2 GiB at least.", "even an empty node has only 4 GiB of memory."),
        ((UNREAD,), 3, "short of memory.", "an empty node has up to 4 GiB of memory, how much of it is taken was not"),
        ((SSD, UNREAD), 5, ", by 1 GiB at least.", "even an empty node has only 4 GiB of memory."),
    ],
)
def test_a_shortage_is_that_of_the_node_which_comes_closest(
    nodes: tuple[NodeFacts, ...], gib: float, sentence: str, detail: str
) -> None:
    """Nodes behind a taint are no candidates; where what runs on a node was not read, it may be more."""
    message = f"0/{len(nodes)} nodes are available: {len(nodes)} Insufficient memory."
    explanation = explain(unscheduled(message, nodes=nodes, requests={"memory": gib * GIB}))
    assert sentence in explanation.sentence
    assert detail in explanation.causes[0].detail


def test_a_node_without_the_wanted_label_is_no_candidate() -> None:
    message = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector."
    wanted = {"requests": {"memory": 5 * GIB}, "wanted_labels": (("disk", ("ssd",)),)}
    assert "1 is short of memory (by 4 GiB)" in explain(unscheduled(message, nodes=(SSD, UNREAD), **wanted)).sentence
