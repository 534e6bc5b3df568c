"""What an identity lacks, from the rules that a cluster gives for it."""

from __future__ import annotations

import pytest

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster
from runtimes.base import Scope
from runtimes.kubernetes.open import open_kubernetes
from runtimes.kubernetes.rights.review import NEEDS, Rule, missing

UNSEEN = "these workloads are not shown"
READ = Rule(verbs=["get", "list", "watch"], api_groups=["*"], resources=["*"])


def rule(verb: str, resource: str, group: str = "", names: list[str] | None = None) -> Rule:
    return Rule(verbs=[verb], api_groups=[group], resources=[resource], resource_names=names)


@pytest.mark.parametrize(
    ("rules", "lacking"),
    [
        ([Rule(verbs=["*"], api_groups=["*"], resources=["*"])], []),
        ([READ], ["delete pods (no pod can be deleted or restarted)"]),
        ([READ, rule("delete", "pods")], []),
        ([READ, rule("delete", "pods", names=["web-0"])], ["delete pods (no pod can be deleted or restarted)"]),
        ([READ, rule("delete", "pods", "apps")], ["delete pods (no pod can be deleted or restarted)"]),
        (
            [
                Rule(verbs=["*"], api_groups=["", "networking.k8s.io"], resources=["*"]),
                rule("list", "deployments", "apps"),
            ],
            [
                f"list statefulsets.apps, daemonsets.apps, replicasets.apps, jobs.batch, cronjobs.batch ({UNSEEN})",
                "list pods.metrics.k8s.io (no usage of cores and memory)",
            ],
        ),
        ([READ, rule("delete", "pods"), rule("get", "*/log")], []),
    ],
)
def test_what_is_lacking_is_named_with_what_is_lost(rules: list[Rule], lacking: list[str]) -> None:
    assert list(missing(rules)) == lacking


def test_without_a_rule_everything_is_lost() -> None:
    assert len(list(missing([]))) == len({need.lost for need in NEEDS})
    assert not list(missing([rule(need.verb, need.resource, need.group) for need in NEEDS]))


@pytest.mark.parametrize(
    ("user", "namespace", "count"), [("admin", "shop", 0), ("narrow", "shop", 0), ("narrow", "payments", 1)]
)
def test_a_cluster_is_asked_for_each_namespace(
    simulated_cluster: Cluster, user: str, namespace: str, count: int
) -> None:
    text = simulated_cluster.kubeconfig(user)
    runtime = open_kubernetes("demo", kubeconfig=text, context=None, connection=Direct())
    try:
        assert runtime.lacks is not None
        found = runtime.lacks(Scope(service="s", namespace=namespace))
        assert len([lack for lack in found if "may not" in lack.sentence]) == count
        assert all(lack.hint for lack in found)
    finally:
        runtime.close()
