"""Rows, details, workloads, domains, sources and proposals out of objects: pure, so small tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from runtimes.base import LogQuery, Usage
from runtimes.errors import Missing
from runtimes.kubernetes import discovery, ingresses
from runtimes.kubernetes.figures import metrics
from runtimes.kubernetes.figures.metrics import Figures
from runtimes.kubernetes.logs.sources import sources
from runtimes.kubernetes.objects.neighbours import Ingress, PodMetrics, ServiceObject, WorkloadObject
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods.details import detail
from runtimes.kubernetes.pods.instance import first_container, instance
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.workloads import summary
from tests.unit.runtimes.kubernetes.making import NOW, container, ended, pod, running, waiting

LIMITS = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}
READY = {"Ready": "True"}


def test_a_row_has_what_the_page_shows() -> None:
    known = pod(
        container(running(), restarts=1, last=ended(137, "OOMKilled")),
        init=[container(ended(0, "Completed"), name="prepare", ready=False)],
        conditions=READY,
        age_s=90,
        meta={"ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d4f", "controller": True}]},
        spec={"nodeName": "node-1", "containers": [{"name": "web", "image": "web:1", "resources": LIMITS}]},
    )
    row = instance(known, now=NOW, usage=Usage(cpu_cores=0.5))
    assert (row.id, row.status, row.age_s, row.node, row.image) == ("web-0", "Running", 90, "node-1", "web:1")
    assert row.managed_by == "ReplicaSet web-5d4f"
    assert [(each.name, each.kind, each.state) for each in row.containers] == [
        ("web", "container", "running"),
        ("prepare", "init", "terminated"),
    ]
    assert row.containers[0].previous
    assert row.containers[0].resources.memory_limit_bytes == 128 * 2**20
    assert row.containers[0].exit_code is None


def test_a_clock_ahead_of_ours_makes_no_negative_age() -> None:
    assert instance(pod(age_s=-30), now=NOW, usage=Usage()).age_s == 0


def test_a_long_reason_is_cut_to_one_line() -> None:
    known = pod(container(waiting("ImagePullBackOff", "a\nb " * 500)), phase="Pending")
    reason = instance(known, now=NOW, usage=Usage()).reason
    assert len(reason) == 200
    assert "\n" not in reason


@pytest.mark.parametrize(("annotated", "expected"), [("b", "b"), ("gone", "web"), (None, "web")])
def test_the_container_kubectl_would_take_is_taken(annotated: str | None, expected: str) -> None:
    marks = {"kubectl.kubernetes.io/default-container": annotated} if annotated else {}
    known = pod(container(running()), container(running(), name="b"), meta={"annotations": marks})
    assert first_container(known) == expected


SPEC = {
    "containers": [
        {
            "name": "web",
            "ports": [{"containerPort": 80, "name": "http", "protocol": "TCP", "hostPort": 8080}],
            "env": [
                {"name": "PLAIN", "value": "1"},
                {"name": "EMPTY"},
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "colour"}}},
                {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                {"name": "NEW", "valueFrom": {"fileKeyRef": {"path": "x"}}},
            ],
            "envFrom": [{"prefix": "A_", "secretRef": {"name": "all"}}, {"configMapRef": {"name": "more"}}],
            "volumeMounts": [
                {"name": "s", "mountPath": "/s"},
                {"name": "c", "mountPath": "/c", "readOnly": True},
                {"name": "h", "mountPath": "/h", "subPath": "a"},
                {"name": "t", "mountPath": "/t"},
                {"name": "k", "mountPath": "/k"},
                {"name": "gone", "mountPath": "/g"},
            ],
        }
    ],
    "volumes": [
        {"name": "s", "secret": {"secretName": "tls"}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "h", "hostPath": {"path": "/var"}},
        {"name": "t", "emptyDir": {"medium": "Memory"}},
        {"name": "k", "projected": {"sources": []}},
    ],
}


def test_details_name_where_everything_comes_from_and_resolve_no_secret() -> None:
    known = pod(spec=SPEC, conditions=READY)
    page = detail(known, instance(known, now=NOW, usage=Usage()), ())
    assert [(each.name, each.value, each.source) for each in page.environment] == [
        ("A_*", None, "secret all"),
        ("*", None, "configmap more"),
        ("PLAIN", "1", ""),
        ("EMPTY", "", ""),
        ("PASSWORD", None, "secret db/password"),
        ("COLOUR", None, "configmap c/colour"),
        ("NODE", None, "field spec.nodeName"),
        ("CPU", None, "resource limits.cpu"),
        ("NEW", None, "elsewhere"),
    ]
    assert [(each.kind, each.source, each.target, each.read_only) for each in page.mounts] == [
        ("secret", "tls", "/s", True),
        ("claim", "data", "/c", True),
        ("bind", "/var (a)", "/h", False),
        ("tmpfs", "t", "/t", False),
        ("projected", "k", "/k", True),
        ("volume", "gone", "/g", False),
    ]
    assert [(each.container_port, each.protocol, each.published) for each in page.ports] == [
        (80, "tcp", "node port 8080")
    ]
    assert page.conditions == (("Ready", "True"),)


def workload(name: str, *, spec: dict[str, Any] | None = None, **fields: Any) -> WorkloadObject:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": LIMITS}]},
    }
    document = {
        "metadata": {"name": name, **fields.pop("meta", {})},
        "spec": {"template": template, **(spec or {})},
        **fields,
    }
    return msgspec.convert(document, WorkloadObject)


def owned(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}]}


LISTS = {
    "deployments": [
        workload("web", spec={"replicas": 3}, status={"readyReplicas": 2}),
        workload("other", spec={"replicas": 9}),
        workload("zero", spec={"replicas": 0}),
    ],
    "statefulsets": [workload("db", status={"readyReplicas": 1})],
    "daemonsets": [workload("agent", status={"numberReady": 2, "desiredNumberScheduled": 4})],
    "replicasets": [
        workload("web-1", spec={"replicas": 3}, meta=owned("Deployment", "web")),
        workload("bare", spec={"replicas": 1}),
        workload("rollout-1", spec={"replicas": 1}, meta=owned("Rollout", "rollout")),
    ],
    "jobs": [
        workload("once", spec={"completions": 2}, status={"succeeded": 1, "active": 1}),
        workload("nightly-1", meta=owned("CronJob", "nightly")),
        workload("held", spec={"suspend": True}),
    ],
    "cronjobs": [
        msgspec.convert(
            {
                "metadata": {"name": "nightly", "labels": {"app": "nightly"}},
                "spec": {"schedule": "0 1 * * *"},
                "status": {"active": [{"name": "x"}]},
            },
            WorkloadObject,
        )
    ],
}
PODS = [
    pod(conditions=READY, meta={"name": "bare-pod", "uid": "1"}),
    pod(phase="Succeeded", meta={"name": "done", "uid": "2"}),
    pod(conditions=READY, meta={"name": "w", "uid": "3", **owned("ReplicaSet", "web-1")}),
    pod(conditions=READY, meta={"name": "k1", "uid": "4", **owned("Kafka", "events")}),
    pod(meta={"name": "k2", "uid": "5", **owned("Kafka", "events")}),
]


def test_workloads_are_counted_by_kind() -> None:
    found = summary.workloads(LISTS, PODS, matcher("app!=other"))
    assert {each.id: (each.ready, each.desired) for each in found} == {
        "deployment.web": (2, 3),
        "deployment.zero": (0, 0),
        "statefulset.db": (1, 1),
        "daemonset.agent": (2, 4),
        "replicaset.bare": (0, 1),
        "replicaset.rollout-1": (0, 1),
        "job.once": (1, 2),
        "job.held": (0, 0),
        "cronjob.nightly": (1, 1),
        "pod.bare-pod": (1, 1),
        "kafka.events": (1, 2),
    }
    assert summary.totals(found) == (2 + 1 + 2 + 0 + 0 + 1 + 1, 3 + 0 + 1 + 4 + 1 + 1 + 1 + 2)
    assert found[0].resources.memory_request_bytes == 64 * 2**20


def test_pods_of_kinds_that_could_not_be_listed_still_count() -> None:
    found = summary.workloads({}, PODS, matcher(""))
    assert {each.id: (each.ready, each.desired) for each in found} == {
        "pod.bare-pod": (1, 1),
        "replicaset.web-1": (1, 1),
        "kafka.events": (1, 2),
    }


def test_where_deployments_may_not_be_listed_their_replica_sets_stand_for_them() -> None:
    current = workload("web-2", spec={"replicas": 3}, status={"readyReplicas": 1}, meta=owned("Deployment", "web"))
    old = workload("web-1", spec={"replicas": 0}, meta=owned("Deployment", "web"))
    known = pod(conditions=READY, meta=owned("ReplicaSet", "web-2"))
    found = summary.workloads({"replicasets": [old, current]}, [known], matcher("app in (web-1, web-2)"))
    assert {each.id: (each.ready, each.desired) for each in found} == {"replicaset.web-2": (1, 3)}


def test_a_pod_counts_once_where_replica_sets_may_not_be_listed() -> None:
    labels = {"app": "web", "pod-template-hash": "5d4f"}
    known = pod(conditions=READY, meta={"labels": labels, **owned("ReplicaSet", "web-5d4f")})
    found = summary.workloads({"deployments": LISTS["deployments"]}, [known], matcher("app=web"))
    assert [each.id for each in found] == ["deployment.web"]


def test_the_sum_is_that_of_the_containers_that_set_a_value() -> None:
    whole = pod(spec={"containers": [{"name": "a", "resources": LIMITS}, {"name": "b", "resources": LIMITS}]})
    hole = pod(spec={"containers": [{"name": "a", "resources": LIMITS}, {"name": "b"}]})
    assert summary.summed(whole.spec.containers).cpu_limit_cores == 2
    assert summary.summed(hole.spec.containers).cpu_limit_cores == 1
    assert [each.cpu_limit_cores for each in summary.each_asks([whole, hole])] == [1, 1, 1, None]
    assert summary.summed([]).memory_limit_bytes is None


INGRESS = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {
        "tls": [{"hosts": ["shop.example", "*.wild.example"]}],
        "rules": [
            {
                "host": "shop.example",
                "http": {"paths": [{"path": "/a", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]},
            },
            {
                "host": "a.wild.example",
                "http": {"paths": [{"backend": {"service": {"name": "other", "port": {"name": "http"}}}}]},
            },
            {"host": "plain.example"},
            {"http": {"paths": [{"path": "/", "backend": {"resource": {"kind": "Bucket", "name": "b"}}}]}},
        ],
    },
}


def test_domains_are_the_labelled_ones_or_those_that_lead_to_the_pods() -> None:
    known = [msgspec.convert(INGRESS, Ingress)]
    service = msgspec.convert({"metadata": {"name": "web"}, "spec": {"selector": {"app": "shop"}}}, ServiceObject)
    mine = pod(meta={"labels": {"app": "shop", "x": "y"}})
    every = ingresses.domains(known, [], [], matcher(""))
    assert [(each.host, each.path, each.target, each.tls) for each in every] == [
        ("shop.example", "/a", "service web:80", True),
        ("a.wild.example", "", "service other:http", True),
        ("plain.example", "", "", False),
        ("*", "/", "", False),
    ]
    narrowed = ingresses.domains(known, [service], [mine], matcher("app=shop"))
    assert [each.host for each in narrowed] == ["shop.example"]


def test_figures_are_summed_and_never_zero_for_unknown() -> None:
    document = {
        "metadata": {"name": "w"},
        "containers": [
            {"name": "a", "usage": {"cpu": "1500000n", "memory": "1Ki"}},
            {"name": "b", "usage": {"cpu": "1m", "memory": "1Ki"}},
        ],
    }
    used = metrics.usage(msgspec.convert(document, PodMetrics))
    assert (used.cpu_cores, used.memory_bytes, used.network_rx_bytes) == (0.0025, 2048, None)
    assert "network" in used.missing_reason
    idle = {"metadata": {"name": "w"}, "containers": [{"name": "a", "usage": {"cpu": "0", "memory": "0"}}]}
    assert metrics.usage(msgspec.convert(idle, PodMetrics)).cpu_cores == 0
    assert metrics.usage(msgspec.convert(idle, PodMetrics)).memory_bytes is None
    assert "memory" in metrics.usage(msgspec.convert(idle, PodMetrics)).missing_reason
    figures = Figures({"w": used}, problem="")
    assert figures.of("w", running=True) is used
    assert "yet" in figures.of("new", running=True).missing_reason
    assert "running" in figures.of("done", running=False).missing_reason
    assert Figures(problem="not there").of("w", running=True).missing_reason == "not there"
    assert metrics.total([used, Usage(missing_reason="x")], "").memory_bytes == 2048
    assert metrics.total([Usage(missing_reason="x")], "").missing_reason == "x"
    assert metrics.total([], "").cpu_cores is None
    assert metrics.usage(msgspec.convert({"metadata": {"name": "w"}}, PodMetrics)).cpu_cores is None


TWO = pod(
    container(running(), restarts=1, last=ended(1)),
    container(waiting("ContainerCreating"), name="b"),
    init=[container(ended(0, "Completed"), name="prepare", ready=False)],
)


@pytest.mark.parametrize(
    ("query", "strict", "names"),
    [
        (LogQuery(container=""), True, ["web"]),
        (LogQuery(container="b"), True, ["b"]),
        (LogQuery(container="*"), True, ["web", "b", "prepare"]),
        (LogQuery(container="nobody"), False, []),
        (LogQuery(container="*", previous=True), True, ["web"]),
        (LogQuery(container="b", previous=True), False, []),
        (LogQuery(container="b", previous=True), True, ["b"]),
    ],
)
def test_a_question_means_these_logs(query: LogQuery, strict: bool, names: list[str]) -> None:
    assert [each.container for each in sources(TWO, query, strict=strict)] == names


def test_a_container_that_is_not_there_is_missing_with_those_that_are() -> None:
    with pytest.raises(Missing) as caught:
        sources(TWO, LogQuery(container="nobody"), strict=True)
    assert "web, b, prepare" in caught.value.hint


@pytest.mark.parametrize(
    ("known", "started", "ended_for_good"),
    [
        (pod(container(running())), True, False),
        (pod(container(waiting("ContainerCreating")), phase="Pending"), False, False),
        (pod(container(waiting("CrashLoopBackOff"), last=ended(1))), True, False),
        (pod(container(ended(1))), True, False),
        (pod(container(ended(0)), restart_policy="OnFailure"), True, True),
        (pod(container(ended(1)), restart_policy="OnFailure"), True, False),
        (pod(container(ended(1)), restart_policy="Never"), True, True),
        (pod(container(ended(0)), phase="Succeeded", restart_policy="Never"), True, True),
    ],
)
def test_what_has_ended_for_good_is_known(known: Pod, started: bool, ended_for_good: bool) -> None:
    found = sources(known, LogQuery(), strict=True)[0]
    assert (found.started, found.ended) == (started, ended_for_good)


def test_a_recreated_pod_is_another_source() -> None:
    one = sources(pod(container(running())), LogQuery(), strict=True)
    same = sources(pod(container(ended(1), restarts=4)), LogQuery(), strict=True)
    other = sources(pod(container(running()), meta={"uid": "u-2"}), LogQuery(), strict=True)
    assert one == same != other


PART, INSTANCE, NAME = discovery.LABELS


@pytest.mark.parametrize(
    ("namespace", "counted", "expected"),
    [
        ("shop", {("", ""): 3}, [("shop", "", "namespace", 3)]),
        ("shop", {(PART, "Web_Shop"): 2}, [("web-shop", f"{PART}=Web_Shop", f"label {PART}", 2)]),
        (
            "shop",
            {(INSTANCE, "a"): 1, ("", ""): 2},
            [("a", f"{INSTANCE}=a", f"label {INSTANCE}", 1), ("shop", f"!{PART},!{INSTANCE},!{NAME}", "namespace", 2)],
        ),
        ("kube-system", {("", ""): 9}, []),
        ("kube-system", {(NAME, "metrics"): 1}, [("metrics", f"{NAME}=metrics", f"label {NAME}", 1)]),
        ("zero", {(NAME, "idle"): 0}, [("idle", f"{NAME}=idle", f"label {NAME}", 0)]),
    ],
)
def test_services_are_proposed_by_the_widest_label(
    namespace: str, counted: dict[tuple[str, str], int], expected: list[tuple[str, str, str, int]]
) -> None:
    found = discovery.proposals(namespace, Counter(counted))
    assert [(each.name, each.scope.selector, each.evidence, each.instances) for each in found] == expected
    assert {each.scope.namespace for each in found} <= {namespace}


def test_the_same_name_in_two_namespaces_is_told_apart() -> None:
    found = [each for ns in ("prod", "test") for each in discovery.proposals(ns, Counter({(NAME, "web"): 1}))]
    assert [each.name for each in discovery._unique(found)] == ["web-prod", "web-test"]
    assert [each.scope.service for each in discovery._unique(found)] == ["web-prod", "web-test"]
