"""The Deployment facet: every change is planned without a trace, done once, and refused where it must be."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runtimes.base import Resources, Scope
from runtimes.changes import (
    Change,
    Pause,
    RemoveAutoscaler,
    Restart,
    Resume,
    Rollback,
    RunNow,
    SetAutoscaler,
    SetImage,
    SetManifest,
    SetReplicas,
    SetResources,
    SetStrategy,
    Suspend,
)
from runtimes.errors import AutoscalerActive, Conflict, Disallowed, Invalid, Missing, RuntimeProblem, Stale, Unsupported
from tests.contract.deploying import OTHER, Workloads, on_clusters, template
from tests.contract.world_kubernetes import IMAGE, KubernetesWorld, SimulatedWorld
from tests.contract.worlds import World, settle

pytestmark = on_clusters
WEB, CAUSE = "deployment.web", "kubernetes.io/change-cause"
DIGEST = "@sha256:" + "0123456789abcdef" * 4
LINE_S = 60.0


@pytest.fixture
def made(world: World) -> Workloads:
    assert isinstance(world, KubernetesWorld)
    return Workloads(world)


@pytest.mark.smoke
def test_a_deployment_is_shown_with_what_a_page_says_of_it(made: Workloads) -> None:
    made.ready(WEB, replicas=2)
    (found,) = made.facet.list(made.scope).items
    assert (found.id, found.kind, found.name) == (WEB, "Deployment", "web")
    assert (found.desired, found.ready, found.updated, found.available) == (2, 2, 2, 2)
    assert [(each.name, each.image, each.kind) for each in found.containers] == [("web", IMAGE, "container")]
    assert found.strategy == "RollingUpdate"
    assert found.revision == 1
    assert not found.paused
    assert {"scale", "image", "restart", "pause", "rollback", "manifest"} <= found.verbs
    assert "resume" not in found.verbs
    assert found.autoscaler is None
    assert made.facet.get(made.scope, "web") == made.facet.get(made.scope, WEB)


def test_every_kind_of_workload_is_there(made: Workloads) -> None:
    ids = [made.ready(WEB), made.ready("statefulset.db"), made.ready("daemonset.agent"), made.cronjob()]
    assert sorted(each.id for each in made.facet.list(made.scope).items) == sorted(ids)
    assert all(each.kind.lower() == each.id.partition(".")[0] for each in made.facet.list(made.scope).items)


CHANGES: list[Change] = [
    SetReplicas(workload=WEB, replicas=3),
    SetImage(workload=WEB, image=OTHER),
    SetResources(workload=WEB, container="web", resources=Resources(memory_request_bytes=32 * 2**20)),
    SetStrategy(workload=WEB, kind="Recreate"),
    Restart(workload=WEB),
    Pause(workload=WEB),
    SetAutoscaler(workload=WEB),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_a_plan_says_all_and_changes_nothing(made: Workloads, change: Change) -> None:
    made.ready(WEB)
    before = made.read(WEB)
    plan = made.plan(change)
    assert plan.target == "deployment/web"
    assert plan.summary
    assert not plan.summary.endswith(".")
    words = shlex.split(plan.command)
    assert words[0] == "kubectl"
    assert words[words.index("-n") + 1] == made.scope.namespace
    assert plan.differences or plan.diff or plan.hits
    assert not plan.unchanged
    after = made.read(WEB)
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert made.world.api.call("GET", made.autoscalers())["items"] == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_another_services_workload_is_missing(made: Workloads, change: Change) -> None:
    made.make(WEB, elsewhere=True)
    with pytest.raises(Missing):
        made.plan(change)
    with pytest.raises(Missing):
        made.apply(change)
    for ask in (made.facet.get, made.facet.revisions, made.facet.manifest, made.facet.progress):
        with pytest.raises(Missing):
            ask(made.scope, WEB)


def test_a_selector_keeps_the_workloads_of_others_away(made: Workloads) -> None:
    made.make(WEB)
    made.make("deployment.strange")
    scope = replace(made.scope, selector="app=web")
    assert [each.id for each in made.facet.list(scope).items] == [WEB]
    for ask in (made.facet.get, made.facet.revisions, made.facet.manifest):
        with pytest.raises(Missing):
            ask(scope, "deployment.strange")
    with pytest.raises(Missing):
        made.facet.apply(scope, SetReplicas(workload="deployment.strange", replicas=0))
    assert made.replicas("deployment.strange") == 1


@pytest.mark.parametrize("name", ["", "no-such", "deployment.no-such", "pod.web", "../web", "web/scale", "a\nb"])
def test_a_name_that_names_no_workload_is_missing(made: Workloads, name: str) -> None:
    with pytest.raises(Missing):
        made.facet.get(made.scope, name)
    with pytest.raises(Missing):
        made.apply(SetReplicas(workload=name, replicas=1))


def test_a_bare_name_that_two_kinds_have_is_asked_about(made: Workloads) -> None:
    made.make(WEB)
    made.make("statefulset.web")
    with pytest.raises(Invalid) as caught:
        made.facet.get(made.scope, "web")
    assert "statefulset" in f"{caught.value.sentence} {caught.value.hint}".lower()


@pytest.mark.smoke
def test_scaling_sets_the_count_and_writes_the_reason(made: Workloads) -> None:
    made.ready(WEB)
    plan = made.plan(SetReplicas(workload=WEB, replicas=3, reason="more visitors"))
    assert [(each.before, each.after) for each in plan.differences] == [("1", "3")]
    done = made.apply(SetReplicas(workload=WEB, replicas=3, reason="more visitors"), revision=plan.revision)
    assert (made.replicas(WEB), done.lasting) == (3, True)
    assert made.read(WEB)["metadata"]["annotations"][CAUSE] == "more visitors"
    assert made.through(WEB, generation=done.generation).sentence
    assert made.facet.get(made.scope, WEB).ready == 3
    assert made.plan(SetReplicas(workload=WEB, replicas=3)).unchanged


def test_removing_all_pods_says_which(made: Workloads) -> None:
    made.ready(WEB, replicas=2)
    plan = made.plan(SetReplicas(workload=WEB, replicas=0))
    assert plan.hits
    made.apply(SetReplicas(workload=WEB, replicas=0), revision=plan.revision)
    settle(lambda: not made.world.runtime.instances.list(made.scope).items, "no pod left")
    assert made.facet.get(made.scope, WEB).desired == 0


def test_a_statefulset_is_scaled_too_and_a_replicaset_of_a_deployment_is_not(made: Workloads) -> None:
    made.ready("statefulset.db")
    made.apply(SetReplicas(workload="statefulset.db", replicas=2))
    assert made.replicas("statefulset.db") == 2
    made.ready(WEB)
    owned = f"replicaset.{made.sets('web')[0]['metadata']['name']}"
    with pytest.raises(RuntimeProblem) as caught:
        made.apply(SetReplicas(workload=owned, replicas=4))
    assert caught.value.sentence
    assert made.sets("web")[0]["spec"]["replicas"] == 1


@pytest.mark.parametrize("replicas", [-1, 2**31])
def test_a_count_that_cannot_be_is_refused(made: Workloads, replicas: int) -> None:
    made.make(WEB)
    with pytest.raises(Invalid):
        made.apply(SetReplicas(workload=WEB, replicas=replicas))
    assert made.replicas(WEB) == 1


def test_whoever_looked_at_an_older_state_changes_nothing(made: Workloads) -> None:
    made.ready(WEB)
    plan = made.plan(SetImage(workload=WEB, image=OTHER))
    changed = made.read(WEB)
    changed["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]
    made.world.api.call("PUT", made.path(WEB), changed)
    with pytest.raises(Stale) as caught:
        made.apply(SetImage(workload=WEB, image=OTHER), revision=plan.revision)
    assert caught.value.sentence
    assert caught.value.hint
    assert made.image(WEB) == IMAGE


@pytest.mark.smoke
def test_what_an_autoscaler_owns_is_not_scaled_by_hand(made: Workloads) -> None:
    made.ready(WEB, replicas=2)
    made.autoscaler(WEB, minReplicas=2)
    for act in (made.plan, made.apply):
        with pytest.raises(AutoscalerActive) as caught:
            act(SetReplicas(workload=WEB, replicas=4))
        assert caught.value.autoscaler == "own"
        assert "own" in caught.value.sentence
        assert caught.value.hint
    manifest = made.facet.manifest(made.scope, WEB)
    text = manifest.text.replace("replicas: 2", "replicas: 4")
    assert text != manifest.text
    with pytest.raises(AutoscalerActive):
        made.apply(SetManifest(workload=WEB, text=text), revision=manifest.revision)
    assert made.replicas(WEB) == 2
    found = made.facet.get(made.scope, WEB).autoscaler
    assert found is not None
    assert (found.name, found.minimum, found.maximum) == ("own", 2, 5)


def test_an_autoscaler_is_made_changed_and_removed_with_a_count(made: Workloads) -> None:
    made.ready(WEB)
    made.apply(SetAutoscaler(workload=WEB))
    (scaler,) = made.world.api.call("GET", made.autoscalers())["items"]
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (1, 10)
    assert scaler["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 80}
    made.apply(SetAutoscaler(workload=WEB, minimum=1, maximum=4, cpu_percent=50))
    (changed,) = made.world.api.call("GET", made.autoscalers())["items"]
    assert changed["metadata"]["uid"] == scaler["metadata"]["uid"]
    assert changed["spec"]["maxReplicas"] == 4
    assert changed["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    plan = made.plan(RemoveAutoscaler(workload=WEB, replicas=3))
    assert any("own" in hit or scaler["metadata"]["name"] in hit for hit in (*plan.hits, plan.command))
    made.apply(RemoveAutoscaler(workload=WEB, replicas=3))
    assert made.world.api.call("GET", made.autoscalers())["items"] == []
    assert made.replicas(WEB) == 3
    with pytest.raises((Missing, Conflict)):
        made.apply(RemoveAutoscaler(workload=WEB))


def test_an_autoscaler_that_says_more_keeps_what_it_goes_by(made: Workloads) -> None:
    made.ready(WEB)
    memory = {
        "type": "Resource",
        "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}},
    }
    made.autoscaler(WEB, metrics=[memory], minReplicas=1)
    found = made.facet.get(made.scope, WEB).autoscaler
    assert found is not None
    assert not found.editable
    assert any("memory" in metric for metric in found.metrics)
    plan = made.plan(SetAutoscaler(workload=WEB, maximum=7))
    assert any("memory" in warning for warning in plan.warnings)
    made.apply(SetAutoscaler(workload=WEB, maximum=7))
    (kept,) = made.world.api.call("GET", made.autoscalers())["items"]
    assert kept["spec"]["metrics"] == [memory]
    assert kept["spec"]["maxReplicas"] == 7
    assert any("memory" in warning for warning in made.plan(RemoveAutoscaler(workload=WEB)).warnings)


@pytest.mark.parametrize(("minimum", "maximum", "percent"), [(3, 2, 80), (0, 2, 80), (1, 2, 0), (-1, 2, 80)])
def test_bounds_that_cannot_be_are_refused(made: Workloads, minimum: int, maximum: int, percent: int) -> None:
    made.make(WEB)
    with pytest.raises(Invalid):
        made.apply(SetAutoscaler(workload=WEB, minimum=minimum, maximum=maximum, cpu_percent=percent))
    assert made.world.api.call("GET", made.autoscalers())["items"] == []


@pytest.mark.smoke
def test_an_image_is_changed_in_one_container_and_makes_a_revision(made: Workloads) -> None:
    two = template("web")
    two["spec"]["containers"].append(two["spec"]["containers"][0] | {"name": "side"})
    made.ready(WEB, template=two)
    with pytest.raises(Invalid):
        made.apply(SetImage(workload=WEB, image=OTHER))
    change = SetImage(workload=WEB, image=f"{IMAGE.rpartition(':')[0]}:1", container="side", reason="a new side")
    plan = made.plan(replace(change, image=OTHER))
    assert [(each.before, each.after) for each in plan.differences] == [(IMAGE, OTHER)]
    assert "side=" in plan.command
    done = made.apply(replace(change, image=OTHER), revision=plan.revision)
    assert done.lasting
    assert made.image(WEB) == IMAGE
    settle(lambda: len(made.sets("web")) == 2, "a second ReplicaSet")
    settle(lambda: len(made.facet.revisions(made.scope, WEB)) == 2, "its revision")
    newest, oldest = made.facet.revisions(made.scope, WEB)
    assert (newest.revision, newest.change_cause, oldest.revision) == (2, "a new side", 1)
    assert OTHER in newest.images
    assert newest.current
    assert not oldest.current


@pytest.mark.parametrize(
    "image", ["", " ", "Web:1", "web:", "web:a b", "web@sha256:12", "http://x/y", "a//b", "web:1;rm", "-web", "x" * 300]
)
def test_what_is_no_image_is_refused_before_the_cluster_is_asked(made: Workloads, image: str) -> None:
    made.make(WEB)
    with pytest.raises(Invalid) as caught:
        made.apply(SetImage(workload=WEB, image=image))
    assert caught.value.sentence
    assert made.image(WEB) == IMAGE


def test_a_container_that_is_not_there_is_refused_with_those_that_are(made: Workloads) -> None:
    made.make(WEB)
    with pytest.raises((Invalid, Missing)) as caught:
        made.apply(SetImage(workload=WEB, image=OTHER, container="no-such"))
    assert "web" in f"{caught.value.sentence} {caught.value.hint}"


@pytest.mark.parametrize("id_", [WEB, "statefulset.db", "daemonset.agent"])
def test_a_restart_replaces_every_pod(made: Workloads, id_: str) -> None:
    made.ready(id_)
    before = {each.name: each.uid for each in made.world.runtime.instances.list(made.scope).items}
    plan = made.plan(Restart(workload=id_))
    assert "rollout restart" in plan.command
    done = made.apply(Restart(workload=id_), revision=plan.revision)
    assert done.lasting
    assert made.through(id_, generation=done.generation).steps is not None
    settle(
        lambda: not ({each.uid for each in made.world.runtime.instances.list(made.scope).items} & set(before.values())),
        "other pods",
    )


def test_a_paused_rollout_waits_and_goes_on(made: Workloads) -> None:
    made.ready(WEB)
    made.apply(Pause(workload=WEB))
    assert made.facet.get(made.scope, WEB).paused
    assert "resume" in made.facet.get(made.scope, WEB).verbs
    done = made.apply(Restart(workload=WEB)) if "restart" in made.facet.get(made.scope, WEB).verbs else None
    if done is None:
        made.apply(SetResources(workload=WEB, container="web", resources=Resources(memory_request_bytes=2**24)))
    assert made.facet.progress(made.scope, WEB).state == "paused"
    assert len(made.sets("web")) == 1
    made.apply(Resume(workload=WEB))
    made.through(WEB)
    assert not made.facet.get(made.scope, WEB).paused
    settle(lambda: len(made.sets("web")) == 2, "a second ReplicaSet")


def test_only_deployments_are_paused(made: Workloads) -> None:
    made.make("statefulset.db")
    with pytest.raises((Unsupported, Invalid)):
        made.apply(Pause(workload="statefulset.db"))


def test_a_stuck_rollout_names_the_pod_and_what_it_waits_for(made: Workloads) -> None:
    made.ready(WEB)
    made.apply(SetImage(workload=WEB, image=OTHER))
    names = {each.name for each in made.world.runtime.instances.list(made.scope).items}
    said = made.says(WEB, lambda told: OTHER.rpartition("/")[2] in repr(told), "the image that is not there")
    fresh = {each.name for each in made.world.runtime.instances.list(made.scope).items} - names
    assert any(name in repr(said) for name in fresh | names)
    assert "roll" in said.hint.lower()
    assert made.facet.get(made.scope, WEB).ready == 1


def test_rolling_back_numbers_revisions_as_kubectl_does(made: Workloads) -> None:
    made.ready(WEB)
    for number in (2, 3):
        resources = Resources(memory_request_bytes=number * 2**20)
        made.apply(SetResources(workload=WEB, container="web", resources=resources))
        settle(lambda number=number: len(made.sets("web")) == number, f"revision {number}")  # type: ignore[misc]
    made.settled(WEB)
    assert [each.revision for each in made.facet.revisions(made.scope, WEB)] == [3, 2, 1]
    plan = made.plan(Rollback(workload=WEB))
    assert "2Mi" in plan.diff or "2097152" in plan.diff
    assert "rollout undo" in plan.command
    made.apply(Rollback(workload=WEB), revision=plan.revision)
    settle(lambda: _numbers(made) == [4, 3, 1], "revision 2 as revision 4")
    made.apply(Rollback(workload=WEB, revision=1))
    settle(lambda: _numbers(made) == [5, 4, 3], "revision 1 as revision 5")
    assert made.read(WEB)["spec"]["template"]["spec"]["containers"][0].get("resources", {}) == {}
    with pytest.raises((Missing, Invalid)) as caught:
        made.apply(Rollback(workload=WEB, revision=2))
    assert "2" in caught.value.sentence


def _numbers(made: Workloads) -> list[int]:
    return [each.revision for each in made.facet.revisions(made.scope, WEB)]


@pytest.mark.parametrize("id_", ["statefulset.db", "daemonset.agent"])
def test_other_kinds_are_rolled_back_too(made: Workloads, id_: str) -> None:
    made.ready(id_)
    made.apply(SetResources(workload=id_, container="web", resources=Resources(memory_request_bytes=2**24)))
    settle(lambda: len(made.facet.revisions(made.scope, id_)) == 2, "a second revision")
    made.settled(id_)
    made.apply(Rollback(workload=id_, revision=1))
    settle(lambda: [each.revision for each in made.facet.revisions(made.scope, id_)] == [3, 2], "revision 1 as 3")
    assert made.read(id_)["spec"]["template"]["spec"]["containers"][0].get("resources", {}) == {}


def test_nothing_to_go_back_to_is_said(made: Workloads) -> None:
    made.ready(WEB)
    with pytest.raises(RuntimeProblem) as caught:
        made.plan(Rollback(workload=WEB))
    assert caught.value.sentence


def test_resources_are_set_and_taken_away(made: Workloads) -> None:
    made.ready(WEB)
    wanted = Resources(cpu_request_cores=0.05, memory_limit_bytes=64 * 2**20)
    plan = made.plan(SetResources(workload=WEB, container="web", resources=wanted))
    assert len(plan.differences) >= 2
    made.apply(SetResources(workload=WEB, container="web", resources=wanted))
    found = made.read(WEB)["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert found["limits"] == {"memory": "64Mi"}
    assert found["requests"]["cpu"] == "50m"
    shown = made.facet.get(made.scope, WEB).containers[0].resources
    assert shown is not None
    assert (shown.cpu_request_cores, shown.memory_limit_bytes) == (0.05, 64 * 2**20)
    made.apply(SetResources(workload=WEB, container="web", resources=Resources()))
    left = made.read(WEB)["spec"]["template"]["spec"]["containers"][0].get("resources", {})
    assert not left.get("limits")
    assert not left.get("requests")


def test_a_request_above_its_limit_is_refused_in_the_servers_words(made: Workloads) -> None:
    made.make(WEB)
    wrong = Resources(memory_request_bytes=2**30, memory_limit_bytes=2**20)
    with pytest.raises(Invalid) as caught:
        made.plan(SetResources(workload=WEB, container="web", resources=wrong))
    assert "limit" in f"{caught.value.sentence} {caught.value.detail}"


def test_the_strategy_is_set_and_back(made: Workloads) -> None:
    made.make(WEB)
    made.apply(SetStrategy(workload=WEB, kind="Recreate"))
    assert made.read(WEB)["spec"]["strategy"] == {"type": "Recreate"}
    assert made.facet.get(made.scope, WEB).strategy == "Recreate"
    made.apply(SetStrategy(workload=WEB, kind="RollingUpdate", max_surge="1", max_unavailable="0"))
    rolling = made.read(WEB)["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
    with pytest.raises(Invalid):
        made.apply(SetStrategy(workload=WEB, kind="RollingUpdate", max_surge="0", max_unavailable="0"))
    with pytest.raises(Invalid):
        made.apply(SetStrategy(workload=WEB, kind="Sideways"))


def test_a_cron_job_is_suspended_let_go_and_run_at_once(made: Workloads) -> None:
    tick = made.cronjob()
    found = made.facet.get(made.scope, tick)
    assert (found.schedule, found.suspended) == ("0 3 1 1 *", False)
    made.apply(Suspend(workload=tick, suspended=True))
    assert made.read(tick)["spec"]["suspend"] is True
    assert made.facet.get(made.scope, tick).suspended
    made.apply(Suspend(workload=tick, suspended=False))
    plan = made.plan(RunNow(workload=tick))
    assert "--from=cronjob/tick" in plan.command
    done = made.apply(RunNow(workload=tick))
    kind, _, name = done.made.partition("/")
    assert kind == "job"
    job = made.read(f"job.{name}")
    assert job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    owner = job["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("CronJob", "tick")
    settle(lambda: made.read(f"job.{name}").get("status", {}).get("succeeded") == 1, "a run that ended well")
    settle(lambda: [run.state for run in made.facet.get(made.scope, tick).runs] == ["done"], "the run, shown")


@pytest.mark.smoke
def test_a_manifest_is_read_without_what_the_server_keeps_and_written_back(made: Workloads) -> None:
    made.ready(WEB)
    manifest = made.facet.manifest(made.scope, WEB)
    assert "managedFields" not in manifest.text
    assert "\nstatus:" not in manifest.text
    assert "uid:" not in manifest.text
    assert made.plan(SetManifest(workload=WEB, text=manifest.text)).unchanged
    text = manifest.text.replace("terminationGracePeriodSeconds: 1", "terminationGracePeriodSeconds: 2")
    plan = made.plan(SetManifest(workload=WEB, text=text))
    assert "+" in plan.diff
    assert "terminationGracePeriodSeconds: 2" in plan.diff
    made.apply(SetManifest(workload=WEB, text=text), revision=manifest.revision)
    assert made.read(WEB)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 2
    with pytest.raises(Stale):
        made.apply(SetManifest(workload=WEB, text=text.replace("Seconds: 2", "Seconds: 3")), revision=manifest.revision)
    assert made.read(WEB)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: web", "name: other"),
        ("kind: Deployment", "kind: StatefulSet"),
        ("namespace: ", "namespace: kube-"),
        ("spec:", "spec: ["),
        ("replicas: 1", "replicas: many"),
        ("containers:", "kontainers:"),
        ("kind: Deployment", "kind: Deployment\n---\nkind: Deployment"),
    ],
)
def test_a_manifest_of_something_else_or_of_nothing_is_refused(made: Workloads, old: str, new: str) -> None:
    made.ready(WEB)
    manifest = made.facet.manifest(made.scope, WEB)
    assert old in manifest.text
    change = SetManifest(workload=WEB, text=manifest.text.replace(old, new, 1))
    before = made.read(WEB)["metadata"]["generation"]
    for act in (made.plan, made.apply):
        with pytest.raises(Invalid) as caught:
            act(change)
        assert caught.value.sentence
    assert made.read(WEB)["metadata"]["generation"] == before


@pytest.mark.parametrize(
    "change",
    [each for each in CHANGES if not isinstance(each, Restart)],
    ids=lambda change: type(change).__name__,
)
def test_the_line_of_a_plan_does_what_applying_does(
    made: Workloads, change: Change, kubectl: Path, tmp_path: Path
) -> None:
    made.ready(WEB)
    command = made.plan(change).command
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(made.world.api.kubeconfig)
    argv = [str(kubectl), "--kubeconfig", str(kubeconfig), *shlex.split(command)[1:]]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LINE_S, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    assert made.plan(change).unchanged, f"{command}: {made.plan(change)}"


def test_a_quota_is_named_in_the_clusters_own_words(made: Workloads) -> None:
    hard = {"metadata": {"name": "tight"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
    made.world.api.call("POST", f"/api/v1/namespaces/{made.scope.namespace}/resourcequotas", hard)
    tick = made.cronjob()
    settle(lambda: _is_counted(made), "the quota's first count")
    with pytest.raises(RuntimeProblem) as caught:
        made.apply(RunNow(workload=tick))
    assert "tight" in json.dumps([caught.value.sentence, caught.value.hint, caught.value.detail])


def _is_counted(made: Workloads) -> bool:
    path = f"/api/v1/namespaces/{made.scope.namespace}/resourcequotas/tight"
    status: dict[str, Any] = made.world.api.call("GET", path).get("status", {})
    return "used" in status


def test_a_webhook_is_named_in_its_own_words(made: Workloads) -> None:
    if not isinstance(made.world, SimulatedWorld):
        made.world.skip("has no webhook of ours")
    made.ready(WEB)
    faults = made.world.cluster.faults
    faults.deny("images come from registry.example.com", made.path(WEB))
    try:
        for act in (made.plan, made.apply):
            with pytest.raises(Disallowed) as caught:
                act(SetImage(workload=WEB, image=OTHER))
            told = f"{caught.value.sentence} {caught.value.detail}"
            assert "policy.example.com" in told
            assert "images come from registry.example.com" in told
    finally:
        faults.clear()
    assert made.image(WEB) == IMAGE


def test_a_scope_of_another_namespace_sees_nothing_of_this_one(made: Workloads) -> None:
    made.make(WEB)
    other: Scope = made.world.other_scope
    assert made.facet.list(other).items == ()
