"""Nodes are read for a pod that none takes, as far as they may be, and never at the cost of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.direct import Direct
from runtimes.base import Explanation, Runtime, Scope
from runtimes.kubernetes.causes import nodes
from runtimes.kubernetes.causes.nodes import _tolerated
from runtimes.kubernetes.objects.neighbours import Taint
from runtimes.kubernetes.objects.pods import Pod, Toleration
from runtimes.kubernetes.open import open_kubernetes
from tests.unit.runtimes.kubernetes.canned import Answer, Canned, canned, failure, http
from tests.unit.runtimes.kubernetes.making import pod

SCOPE = Scope(service="shop", namespace="shop")
DENIED = failure(403, "nodes is forbidden", "Forbidden")
VERSION = http(200, {"gitVersion": "v1.36.2"})


def waiting(message: str = "0/2 nodes are available: 2 Insufficient memory.", **spec: Any) -> bytes:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    asks = {"name": "app", "resources": {"requests": {"memory": "3Gi"}}}
    return http(
        200,
        {
            "metadata": {"name": "web-0", "namespace": "shop", "uid": "u-1"},
            "spec": {"containers": [asks], **spec},
            "status": {"phase": "Pending", "conditions": [condition]},
        },
    )


def listing(*items: object, more: str = "") -> bytes:
    return http(200, {"items": list(items), "metadata": {"continue": more}})


def node(name: str, memory: str = "4Gi") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"disk": "hdd"}}, "status": {"allocatable": {"memory": memory}}}


def taking(memory: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "other"},
        "spec": {"containers": [{"name": "a", "resources": {"requests": {"memory": memory}}}]},
    }


@pytest.fixture
def ask() -> Iterator[Any]:
    opened: list[Runtime] = []
    served: list[Any] = []

    def asked(*answers: Answer) -> tuple[Explanation, Canned]:
        """Ask why, where the pod and its events are answered first."""
        context = canned(VERSION, answers[0], listing(), *answers[1:])
        server = context.__enter__()
        served.append(context)
        runtime = open_kubernetes("t", kubeconfig=server.kubeconfig(), context=None, connection=Direct())
        opened.append(runtime)
        return runtime.instances.cause(SCOPE, "web-0"), server

    yield asked
    for runtime in opened:
        runtime.close()
    for context in served:
        context.__exit__(None, None, None)


def targets(server: Canned) -> list[str]:
    return [each.target.partition("?")[0] for each in server.heard[3:]]


def test_a_shortage_has_the_figures_of_the_nodes(ask: Any) -> None:
    explanation, server = ask(waiting(), listing(node("n1"), node("n2")), listing(taking("2Gi")))
    assert explanation.sentence.endswith("2 of 2 nodes are short of memory, by 1 GiB at least.")
    assert targets(server) == ["/api/v1/nodes", "/api/v1/pods", "/api/v1/pods"]
    assert {"spec.nodeName%3Dn1", "spec.nodeName%3Dn2"} <= {
        part for each in server.heard for part in each.target.replace("%2C", "=").split("=")
    }


def test_who_may_not_read_nodes_gets_the_rest(ask: Any) -> None:
    explanation, server = ask(waiting(), DENIED)
    assert explanation.sentence.endswith("2 of 2 nodes are short of memory.")
    assert targets(server) == ["/api/v1/nodes"]


def test_who_may_not_read_their_pods_is_told_the_least_there_is(ask: Any) -> None:
    explanation, server = ask(waiting(), listing(node("n1", "1Gi"), node("n2", "2Gi")), DENIED)
    assert explanation.sentence.endswith("short of memory, by 1 GiB at least.")
    assert len(targets(server)) <= 3


def test_of_a_cluster_with_more_nodes_than_are_read_nothing_is_said(ask: Any) -> None:
    explanation, _ = ask(waiting(), listing(node("n1"), more="next"))
    assert explanation.sentence.endswith("2 of 2 nodes are short of memory.")


def test_only_so_many_nodes_are_looked_into(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "LOOKED_INTO_MAX", 2)
    explanation, server = ask(waiting(), listing(*(node(f"n{n}", "1Gi") for n in range(5))), listing())
    assert targets(server).count("/api/v1/pods") == 2
    assert explanation.sentence.endswith("by 2 GiB at least.")


def test_what_runs_on_nodes_matters_for_a_shortage_only(ask: Any) -> None:
    message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    explanation, server = ask(waiting(message, nodeSelector={"disk": "ssd"}), listing(node("n1")))
    assert "no node carries the label disk=ssd" in explanation.sentence
    assert targets(server) == ["/api/v1/nodes"]


def tolerating(**fields: str) -> Pod:
    return pod(spec={"tolerations": [fields]})


@pytest.mark.parametrize(
    ("effect", "known", "tolerated"),
    [
        ("NoSchedule", pod(), False),
        ("PreferNoSchedule", pod(), True),
        ("NoSchedule", tolerating(key="gpu", operator="Exists"), True),
        ("NoSchedule", tolerating(key="gpu", value="big"), True),
        ("NoSchedule", tolerating(key="gpu", operator="Equal", value="small"), False),
        ("NoSchedule", tolerating(key="cpu", operator="Exists"), False),
        ("NoSchedule", tolerating(operator="Exists"), True),
        ("NoSchedule", tolerating(key="gpu", operator="Exists", effect="NoExecute"), False),
        ("NoExecute", tolerating(key="gpu", operator="Exists", effect="NoExecute"), True),
        ("NoSchedule", tolerating(), False),
    ],
)
def test_a_taint_is_tolerated_by_the_rules_of_the_api(effect: str, known: Pod, tolerated: bool) -> None:
    assert _tolerated(Taint(key="gpu", value="big", effect=effect), known) is tolerated


def test_tolerations_are_decoded() -> None:
    assert tolerating(key="gpu").spec.tolerations == [Toleration(key="gpu")]
