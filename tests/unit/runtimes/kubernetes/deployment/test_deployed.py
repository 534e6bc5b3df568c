"""What the Deployment tab shows of a workload: containers, probes, strategy, conditions, revisions, runs, verbs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtimes.deployment import Autoscaler
from runtimes.kubernetes.deployment import conditions, probes, revisions, strategies
from runtimes.kubernetes.deployment.deployed import deployed
from runtimes.kubernetes.objects.workloads import ControllerRevision, DeployedObject, Probe
from runtimes.kubernetes.workloads.around import revision_in
from tests.unit.runtimes.kubernetes import making
from tests.unit.runtimes.kubernetes.deploying import (
    IMAGE,
    UID,
    Obj,
    around,
    condition,
    counted,
    numbered,
    owned,
    pod,
    replicaset,
    workload,
)


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (
            {"httpGet": {"path": "/healthz", "port": 8080}},
            "GET /healthz on port 8080 every 10 s, answered within 1 s (3 failures in a row).",
        ),
        (
            {"httpGet": {"port": "http", "scheme": "HTTPS", "host": "db.example.com"}, "failureThreshold": 1},
            "GET over TLS / on port http of db.example.com every 10 s, answered within 1 s (1 failure in a row).",
        ),
        (
            {"tcpSocket": {"port": 543}, "initialDelaySeconds": 5, "failureThreshold": 1},
            "A connection to port 543 every 10 s, answered within 1 s, first 5 s after the start (1 failure in a row).",
        ),
        (
            {"grpc": {"port": 9000, "service": "x"}, "periodSeconds": 2, "successThreshold": 2},
            "A gRPC health check on port 9000 of x every 2 s, answered within 1 s (3 failures in a row; well after 2).",
        ),
        (
            {"exec": {"command": ["sh", "-c", "test -f /tmp/ok"]}},
            "The command sh -c 'test -f /tmp/ok' every 10 s, answered within 1 s (3 failures in a row).",
        ),
        ({}, "A question of an unknown kind every 10 s, answered within 1 s (3 failures in a row)."),
    ],
)
def test_a_probe_is_told_in_a_sentence(probe: Obj, words: str) -> None:
    assert probes.sentence(msgspec.convert(probe, Probe)) == words


def test_a_long_command_of_a_probe_is_cut() -> None:
    probe = msgspec.convert({"exec": {"command": ["echo", "x" * 1000]}}, Probe)
    assert len(probes.sentence(probe)) < 250


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (condition("Available", "True", "MinimumReplicasAvailable"), "As many pods are available"),
        (condition("Progressing", "False", "ProgressDeadlineExceeded"), "within its deadline of 600 s."),
        (condition("Progressing", "Unknown", "DeploymentPaused"), "The rollout is paused."),
        (
            condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: a"),
            "cannot be created: exceeded quota: a.",
        ),
        (condition("Failed", "True", "BackoffLimitExceeded"), "more often than its back-off limit"),
        (condition("Failed", "True", "Other", "so it is"), "It has failed. The cluster says: so it is."),
        (condition("FailureTarget", "True"), "It is failing"),
        (condition("Strange", "False", "Because", "of that"), "Strange is false (Because): of that."),
        (condition("Strange", "True"), "Strange is true."),
    ],
)
def test_a_condition_is_told_in_words(known: Obj, words: str) -> None:
    found = workload(spec={"progressDeadlineSeconds": 600}, status={"conditions": [known]})
    ((kind, sentence),) = conditions.conditions(found)
    assert kind == known["type"]
    assert words in sentence
    assert sentence.endswith(".")


def test_an_ending_that_has_not_come_is_not_told() -> None:
    found = workload(status={"conditions": [condition("Failed", "False"), condition("Suspended", "False")]})
    assert conditions.conditions(found) == ()


@pytest.mark.parametrize(
    ("kind", "spec", "word", "facts"),
    [
        ("Deployment", {}, "RollingUpdate", {}),
        ("Deployment", {"strategy": {"type": "Recreate"}}, "Recreate", {}),
        (
            "Deployment",
            {
                "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
                "minReadySeconds": 5,
                "progressDeadlineSeconds": 600,
                "revisionHistoryLimit": 10,
            },
            "RollingUpdate",
            {
                "max_surge": "25%",
                "max_unavailable": "0",
                "min_ready_s": "5",
                "progress_deadline_s": "600",
                "revisions_kept": "10",
            },
        ),
        (
            "StatefulSet",
            {
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "podManagementPolicy": "Parallel",
            },
            "RollingUpdate",
            {"partition": "0", "pod_management": "Parallel"},
        ),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete", {}),
        ("ReplicaSet", {}, "", {}),
        ("Job", {"completions": 3, "backoffLimit": 0}, "", {"completions": "3", "backoff_limit": "0"}),
        (
            "CronJob",
            {"concurrencyPolicy": "Forbid", "timeZone": "Europe/Berlin", "jobTemplate": {"spec": {"parallelism": 2}}},
            "Forbid",
            {"time_zone": "Europe/Berlin", "parallelism": "2"},
        ),
    ],
)
def test_the_strategy_and_its_settings_are_named(kind: str, spec: Obj, word: str, facts: dict[str, str]) -> None:
    known = workload(spec=spec)
    assert strategies.strategy(known, kind) == word
    assert strategies.facts(known, kind) == facts


def test_containers_come_with_their_kind_and_what_they_ask_for() -> None:
    template = {
        "spec": {
            "containers": [{"name": "web", "image": IMAGE, "resources": {"requests": {"cpu": "250m"}}}],
            "initContainers": [
                {"name": "migrate", "image": "m:1"},
                {"name": "proxy", "image": "p:1", "restartPolicy": "Always"},
            ],
        }
    }
    found = deployed(workload(spec={"template": template}), "Deployment", around())
    assert [(each.name, each.kind) for each in found.containers] == [
        ("web", "container"),
        ("migrate", "init"),
        ("proxy", "sidecar"),
    ]
    asked = found.containers[0].resources
    assert asked is not None
    assert asked.cpu_request_cores == 0.25


def test_a_cronjob_shows_the_template_of_its_jobs_and_its_runs_newest_first() -> None:
    template = {"spec": {"containers": [{"name": "report", "image": "r:1"}]}}
    spec = {"schedule": "*/5 * * * *", "suspend": True, "jobTemplate": {"spec": {"template": template}}}
    jobs = [
        _job("report-1", 300, {"succeeded": 1, "conditions": [condition("Complete", "True")]}),
        _job("report-2", 200, {"conditions": [condition("Failed", "True", "BackoffLimitExceeded", "Too often")]}),
        _job("report-3", 100, {"active": 1, "failed": 1}),
        _job("report-4", 50, {}),
        _job("foreign", 10, {}, owner="u-other"),
    ]
    found = deployed(workload(spec=spec), "CronJob", around(jobs=jobs))
    assert (found.schedule, found.suspended) == ("*/5 * * * *", True)
    assert found.containers[0].image == "r:1"
    assert [(run.name, run.state, run.detail) for run in found.runs] == [
        ("report-4", "waiting", "None of its pods has been made yet."),
        ("report-3", "running", "0 of 1 pod done, 1 failed."),
        ("report-2", "failed", "Too often."),
        ("report-1", "done", "1 of 1 pod done."),
    ]


def _job(name: str, ago_s: float, status: Obj, owner: str = UID) -> DeployedObject:
    meta = {"name": name, "uid": f"u-{name}", "ownerReferences": owned("CronJob", uid=owner)}
    known = {"startTime": making.ago(ago_s), **status}
    return msgspec.convert({"metadata": meta, "status": known}, DeployedObject)


def test_a_job_shows_its_pods_and_how_they_ended() -> None:
    owner = owned("Job")[0]
    pods = [
        pod("web-a", owner=owner, state="crashing"),
        pod("web-b", owner=owner),
        pod("x", owner=owner | {"uid": "o"}),
    ]
    found = deployed(workload(spec={"completions": 2}, status={"succeeded": 1}), "Job", around(pods=pods))
    assert {(run.name, run.state) for run in found.runs} == {("web-a", "running"), ("web-b", "running")}
    assert (found.ready, found.desired) == (1, 2)
    assert "CrashLoopBackOff: back-off 10s." in {run.detail for run in found.runs}


def test_a_deployments_revisions_are_numbered_by_its_replicasets() -> None:
    sets = [
        replicaset(
            "web-a", 3, image="w:1", annotations={"kubernetes.io/change-cause": "back to 1"}, replicas=2, ready=1
        ),
        replicaset("web-b", 2, image="w:2"),
        replicaset("web-c", 0),
        replicaset("foreign", 9, owner="u-other"),
    ]
    found = revisions.revisions(workload(revision=3), "Deployment", around(sets=sets))
    assert [(each.revision, each.images, each.current, each.ready, each.desired) for each in found] == [
        (3, ("w:1",), True, 1, 2),
        (2, ("w:2",), False, 0, 0),
    ]
    assert found[0].change_cause == "back to 1"


@pytest.mark.parametrize(("update", "current"), [("web-bbb", 2), ("web-aaa", 1), ("", 2)])
def test_a_statefulsets_revisions_are_its_controllerrevisions(update: str, current: int) -> None:
    known = workload(status={"updateRevision": update}, revision=0)
    owner = owned("StatefulSet")[0]
    pods = [
        pod("web-0", owner=owner, labels={"controller-revision-hash": "web-aaa"}),
        pod("web-1", owner=owner, labels={"controller-revision-hash": "web-bbb"}, state="starting"),
    ]
    there = around(revisions=[numbered("web-aaa", 1, image="w:1"), numbered("web-bbb", 2, image="w:2")], pods=pods)
    found = revisions.revisions(known, "StatefulSet", there)
    assert [(each.revision, each.images, each.ready, each.desired) for each in found] == [
        (2, ("w:2",), 0, 1),
        (1, ("w:1",), 1, 1),
    ]
    assert [each.revision for each in found if each.current] == [current]


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("", 0), ("x", 0), ("-1", 0), ("9" * 5_000, 0), ("\u0661", 0), ("9" * 18, 10**18 - 1)],
)
def test_a_revision_is_a_number_or_none(text: str, number: int) -> None:
    """Anybody who may annotate a ReplicaSet writes it: 5,000 digits took the whole tab away."""
    assert revision_in(text) == number


def test_a_revision_of_an_unknown_shape_has_no_images() -> None:
    odd = msgspec.convert({"metadata": {"name": "x", "ownerReferences": owned()}, "revision": 1}, ControllerRevision)
    assert revisions.revisions(workload(revision=0), "DaemonSet", around(revisions=[odd]))[0].images == ()


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job", "CronJob"])
def test_kinds_without_revisions_have_none(kind: str) -> None:
    assert revisions.revisions(workload(), kind, around(sets=[replicaset("web-a", 1)])) == ()


@pytest.mark.parametrize(("known", "previous"), [((1, 2, 4), 2), ((4,), 0), ((), 0), ((5, 4, 1), 1)])
def test_a_rollback_without_a_number_goes_to_the_revision_before(known: tuple[int, ...], previous: int) -> None:
    sets = [replicaset(f"web-{each}", each) for each in known]
    assert revisions.previous_of(workload(revision=4), "Deployment", around(sets=sets)) == previous


SCALER = Autoscaler(name="web", minimum=1, maximum=5, cpu_percent=80)
OFF = Autoscaler(name="web", minimum=1, maximum=5, cpu_percent=80, active=False)


@pytest.mark.parametrize(
    ("kind", "spec", "scaler", "there", "absent"),
    [
        ("Deployment", {}, None, {"scale", "autoscale", "image", "restart", "pause"}, {"resume"}),
        ("Deployment", {"paused": True}, None, {"resume", "scale"}, {"pause", "restart", "rollback"}),
        ("Deployment", {}, SCALER, {"autoscale", "image"}, {"scale"}),
        ("Deployment", {"replicas": 0}, OFF, {"autoscale", "image"}, {"scale"}),
        ("StatefulSet", {}, None, {"scale", "restart"}, {"pause", "resume"}),
        ("DaemonSet", {}, None, {"restart", "image"}, {"scale", "autoscale", "pause"}),
        ("CronJob", {}, None, {"image"}, {"scale", "restart", "rollback"}),
        ("Job", {}, None, set(), {"scale", "restart", "image", "rollback"}),
    ],
)
def test_only_what_can_be_done_now_is_offered(
    kind: str, spec: Obj, scaler: Autoscaler | None, there: set[str], absent: set[str]
) -> None:
    scaled = {f"{kind.lower()}/web": scaler} if scaler else {}
    found = deployed(workload(spec=spec), kind, around(autoscalers=scaled))
    assert there <= found.verbs
    assert not absent & found.verbs
    assert found.autoscaler is scaler


def test_a_replicaset_of_a_deployment_is_not_scaled_by_hand() -> None:
    mine = workload(meta={"ownerReferences": owned()})
    assert not {"scale", "autoscale"} & deployed(mine, "ReplicaSet", around()).verbs
    assert "scale" in deployed(workload(), "ReplicaSet", around()).verbs
    assert deployed(mine, "ReplicaSet", around()).managed_by.startswith("The Deployment web made it")


def test_progress_is_told_only_while_something_is_to_be_told() -> None:
    assert deployed(workload(status=counted(3, 3, 3)), "Deployment", around()).progress is None
    under_way = deployed(workload(status=counted(4, 1, 3)), "Deployment", around()).progress
    assert under_way is not None
    assert under_way.state == "running"


@pytest.mark.parametrize("value", ["", "x", "²", "-1", "1.5"])
def test_a_revision_that_is_no_number_is_none(value: str) -> None:
    meta: dict[str, Any] = {"annotations": {"deployment.kubernetes.io/revision": value}}
    assert deployed(workload(meta=meta), "Deployment", around()).revision == 0
