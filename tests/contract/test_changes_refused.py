"""Changes that are refused: what an autoscaler owns, what moved, what is another's, and what the server judges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml

from opsmodal.demo.cluster import Cluster, start
from runtimes.base import Scope
from runtimes.changes import Change, RemoveAutoscaler, Restart, SetImage, SetManifest, SetReplicas, Suspend
from runtimes.errors import (
    AutoscalerActive,
    Conflict,
    Denied,
    Disallowed,
    Invalid,
    Missing,
    RuntimeProblem,
    Stale,
    Unavailable,
)
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.changes import apply, plan
from runtimes.kubernetes.changes.found import revision_of
from runtimes.kubernetes.deployment.manifests import manifest as as_text
from tests.contract.changing import Obj, client_of, collection, opened, plain, workload
from tests.contract.world_kubernetes import Api, settle
from tests.unit.runtimes.kubernetes.canned import Canned, canned, failure, http

SPACE = "refused"
SCOPE = Scope(service="shop", namespace=SPACE)


@dataclass(frozen=True)
class Stage:
    """One namespace of a simulated cluster."""

    cluster: Cluster
    api: Api
    client: Client
    scope: Scope = SCOPE

    def make(self, manifest: Obj) -> Obj:
        return self.api.call("POST", collection(manifest, SPACE), manifest)

    def read(self, manifest: Obj) -> Obj:
        return self.api.call("GET", f"{collection(manifest, SPACE)}/{manifest['metadata']['name']}")

    def put(self, document: Obj) -> Obj:
        path = f"{collection(document, SPACE)}/{document['metadata']['name']}"
        return self.api.call("PUT", path, document)

    def autoscale(self) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5}
        head = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "by-cpu"}}
        self.api.call("POST", collection(head, SPACE), head | {"spec": spec})

    def set_of(self) -> str:
        """Name the ReplicaSet that the Deployment has made."""
        path = f"/apis/apps/v1/namespaces/{SPACE}/replicasets"
        settle(lambda: bool(self.api.call("GET", path)["items"]), "a ReplicaSet")
        return str(self.api.call("GET", path)["items"][0]["metadata"]["name"])

    def refuses(self, change: Change, kind: type[Exception], *, revision: str = "") -> Any:
        """Give what applying raises, and planning alike; neither may have changed anything."""
        before = [plain(self.api.call("GET", f"{collection(each, SPACE)}/web")) for each in self._there()]
        if not revision:
            with pytest.raises(kind) as planned:
                plan(self.client, self.scope, change)
        with pytest.raises(kind) as caught:
            apply(self.client, self.scope, change, revision=revision)
        assert [plain(self.api.call("GET", f"{collection(each, SPACE)}/web")) for each in self._there()] == before
        assert revision or str(planned.value) == str(caught.value)
        return caught.value

    def _there(self) -> list[Obj]:
        kinds = (workload(), workload("CronJob"))
        return [each for each in kinds if self.api.there(f"{collection(each, SPACE)}/web") is not None]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = start(example=False, speed=10.0)
    yield started
    started.stop()


@pytest.fixture
def stage(cluster: Cluster) -> Iterator[Stage]:
    made = Stage(cluster, Api(cluster.kubeconfig()), opened(cluster))
    settle(lambda: made.api.there(f"/api/v1/namespaces/{SPACE}") is None, "an earlier namespace to go")
    made.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": SPACE}})
    yield made
    made.api.call("DELETE", f"/api/v1/namespaces/{SPACE}")
    made.client.close()
    made.api.close()


def text_of(document: Obj, **spec: Any) -> str:
    known = json.loads(json.dumps(document))
    known["spec"] = known["spec"] | spec if spec else known["spec"]
    return yaml.safe_dump(known)


def test_what_an_autoscaler_owns_is_not_scaled_by_hand(stage: Stage) -> None:
    stage.make(workload())
    stage.autoscale()
    for name in ("web", "deployment.web"):
        refused = stage.refuses(SetReplicas(workload=name, replicas=3), AutoscalerActive)
        assert refused.autoscaler == "by-cpu"
        assert "between 2 and 5" in refused.sentence
        assert "Remove the autoscaler by-cpu" in refused.hint
        assert "minimum and maximum" in refused.hint
    own = stage.set_of()
    assert stage.refuses(SetReplicas(workload=f"replicaset.{own}", replicas=3), AutoscalerActive).autoscaler == "by-cpu"
    stage.refuses(SetManifest(workload="web", text=text_of(workload(replicas=4))), AutoscalerActive)


def test_a_manifest_that_leaves_replicas_to_the_autoscaler_is_taken(stage: Stage) -> None:
    stage.make(workload(replicas=3))
    stage.autoscale()
    wanted = workload(minReadySeconds=1)
    del wanted["spec"]["replicas"]
    apply(stage.client, stage.scope, SetManifest(workload="web", text=text_of(wanted)))
    assert stage.read(wanted)["spec"]["replicas"] == 3
    assert stage.read(wanted)["spec"]["minReadySeconds"] == 1


def test_what_a_deployment_made_is_not_scaled(stage: Stage) -> None:
    stage.make(workload())
    refused = stage.refuses(SetReplicas(workload=f"replicaset.{stage.set_of()}", replicas=3), Conflict)
    assert "Deployment web" in refused.sentence


def test_what_somebody_changed_meanwhile_is_stale(stage: Stage) -> None:
    manifest = workload()
    stage.make(manifest)
    change = SetImage(workload="web", container="side", image="busybox:2")
    planned = plan(stage.client, stage.scope, change)
    document = stage.read(manifest)
    document["metadata"]["annotations"]["note"] = "mine"
    del document["metadata"]["resourceVersion"]
    stage.put(document)
    assert "changed since you looked" in stage.refuses(change, Stale, revision=planned.revision).sentence


def test_a_rollout_that_goes_on_makes_nothing_stale(stage: Stage) -> None:
    manifest = workload(replicas=3)
    looked = stage.make(manifest)
    version = looked["metadata"]["resourceVersion"]
    settle(lambda: stage.read(manifest)["metadata"]["resourceVersion"] != version, "a report on the state")
    change = SetImage(workload="web", container="side", image="busybox:2")
    apply(stage.client, stage.scope, change, revision=revision_of(looked))
    assert stage.read(manifest)["spec"]["template"]["spec"]["containers"][1]["image"] == "busybox:2"


def test_a_workload_of_another_service_is_missing(stage: Stage) -> None:
    stage.make(workload())
    other = Stage(stage.cluster, stage.api, stage.client, Scope(service="shop", namespace=SPACE, selector="app=other"))
    theirs = other.refuses(Restart(workload="deployment.web"), Missing)
    nobodys = other.refuses(Restart(workload="deployment.wob"), Missing)
    assert theirs.sentence == nobodys.sentence.replace("wob", "web")
    assert theirs.hint == nobodys.hint
    for name in ("web", "../secrets/x", "deployment.", "", "pod.web", "x" * 300):
        other.refuses(Restart(workload=name), Missing)


def test_a_name_that_two_have_has_to_be_said_whole(stage: Stage) -> None:
    stage.make(workload())
    stage.make(workload("CronJob"))
    refused = stage.refuses(SetImage(workload="web", container="web", image="web:3"), Invalid)
    assert "deployment.web, cronjob.web" in refused.hint
    apply(stage.client, stage.scope, Suspend(workload="cronjob/web", suspended=True))
    assert stage.read(workload("CronJob"))["spec"]["suspend"] is True


def test_a_name_with_dots_is_found(stage: Stage) -> None:
    for name in ("a.b", "job.one"):
        manifest = workload()
        manifest["metadata"]["name"] = name
        stage.make(manifest)
        for given in (name, f"deployment.{name}"):
            assert plan(stage.client, stage.scope, Restart(workload=given)).target == f"deployment/{name}"


OTHERS: tuple[tuple[str, Obj], ...] = (
    ("its kind", {"kind": "StatefulSet"}),
    ("its apiVersion", {"apiVersion": "apps/v1beta1"}),
    ("its metadata.name", {"metadata": {"name": "wob"}}),
    ("its metadata.namespace", {"metadata": {"name": "web", "namespace": "other"}}),
    ("its metadata.uid", {"metadata": {"name": "web", "uid": "11111111-0000-0000-0000-000000000000"}}),
    ("lacks its metadata", {"metadata": None}),
    ("lacks its metadata", {"spec": []}),
    ("annotations", {"metadata": {"name": "web", "annotations": ["a"]}}),
)


@pytest.mark.parametrize(("words", "more"), OTHERS, ids=[f"{words} {place}" for place, (words, _) in enumerate(OTHERS)])
def test_a_manifest_of_something_else_is_refused(stage: Stage, words: str, more: Obj) -> None:
    stage.make(workload())
    refused = stage.refuses(SetManifest(workload="web", text=text_of(workload() | more)), Invalid)
    assert words in refused.sentence


def test_a_manifest_that_was_read_earlier_is_stale(stage: Stage) -> None:
    document = stage.make(workload())
    document["metadata"]["resourceVersion"] = "1"
    stage.refuses(SetManifest(workload="web", text=text_of(document)), Stale)


def test_what_the_server_would_refuse_is_refused_by_the_plan(stage: Stage) -> None:
    stage.make(workload())
    wanted = workload(selector={"matchLabels": {"app": "other"}})
    refused = stage.refuses(SetManifest(workload="web", text=text_of(wanted)), Invalid)
    assert "selector" in refused.detail or "selector" in refused.sentence


def test_a_field_that_the_server_does_not_know_is_refused(stage: Stage) -> None:
    stage.make(workload())
    refused = stage.refuses(SetManifest(workload="web", text=text_of(workload(minReadySecond=3))), Invalid)
    assert "minReadySecond" in refused.detail


def test_a_manifest_does_not_scale_what_a_deployment_made(stage: Stage) -> None:
    stage.make(workload())
    name = stage.set_of()
    document = stage.api.call("GET", f"/apis/apps/v1/namespaces/{SPACE}/replicasets/{name}")
    change = SetManifest(workload=f"replicaset.{name}", text=as_text(document).replace("replicas: 2", "replicas: 5"))
    assert "Deployment web" in stage.refuses(change, Conflict).sentence


def test_the_text_of_a_workload_is_no_change_of_it(stage: Stage) -> None:
    made = stage.make(workload(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"}))
    stage.set_of()
    change = SetManifest(workload="web", text=as_text(stage.read(made)))
    planned = plan(stage.client, stage.scope, change)
    assert planned.unchanged
    assert planned.diff == ""
    done = apply(stage.client, stage.scope, change, revision=planned.revision)
    assert "already" in done.sentence
    edited = replace(change, text=change.text.replace("replicas: 2", "replicas: 3"))
    planned = plan(stage.client, stage.scope, edited)
    assert [(each.before, each.after) for each in planned.differences] == [("2", "3")]
    apply(stage.client, stage.scope, edited, revision=planned.revision)
    assert "kubectl.kubernetes.io/last-applied-configuration" in stage.read(made)["metadata"]["annotations"]


def test_who_may_not_is_told_which_right_is_missing(stage: Stage) -> None:
    stage.make(workload())
    client = opened(stage.cluster, "narrow", namespace="default")
    with pytest.raises(Denied) as caught:
        plan(client, stage.scope, Restart(workload="deployment.web"))
    assert "get deployments" in caught.value.sentence
    client.close()


DOCUMENT = workload() | {"metadata": {"name": "web", "namespace": SPACE, "uid": "u", "resourceVersion": "7"}}
CONFLICT = failure(409, "the object has been modified", "Conflict")
IMAGE = SetImage(workload="deployment.web", container="side", image="busybox:2")


@pytest.fixture
def told() -> Iterator[Any]:
    """Give a function that opens a client of a server with these answers."""
    opened_here: list[Client] = []
    stack: list[Any] = []

    def open_(*answers: Any) -> tuple[Client, Canned]:
        context = canned(*answers)
        server = context.__enter__()
        stack.append(context)
        opened_here.append(client_of(server.kubeconfig()))
        return opened_here[-1], server

    yield open_
    for client in opened_here:
        client.close()
    for context in stack:
        context.__exit__(None, None, None)


def test_a_webhook_without_dry_runs_is_told_of_and_stops_no_plan(told: Any) -> None:
    words = 'admission webhook "x.example.com" does not support dry run'
    client, _ = told(http(200, DOCUMENT), failure(400, words, "BadRequest"))
    planned = plan(client, SCOPE, IMAGE)
    assert any("webhooks" in warning for warning in planned.warnings)
    client, _ = told(http(200, DOCUMENT), failure(400, "something else", "BadRequest"))
    with pytest.raises(Invalid):
        plan(client, SCOPE, IMAGE)


def test_what_the_cluster_drops_without_a_word_is_said(told: Any) -> None:
    client, _ = told(http(200, DOCUMENT), http(200, DOCUMENT))
    assert any("changes nothing" in warning for warning in plan(client, SCOPE, IMAGE).warnings)
    done = apply(client, SCOPE, IMAGE)
    assert "changes nothing" in done.sentence
    assert not done.lasting
    changed = json.loads(json.dumps(DOCUMENT))
    changed["spec"]["template"]["spec"]["containers"][1]["image"] = "busybox:2"
    client, _ = told(http(200, DOCUMENT), http(200, changed))
    assert not plan(client, SCOPE, IMAGE).warnings


def test_only_what_the_cluster_itself_moved_is_drafted_again(told: Any) -> None:
    moved = json.loads(json.dumps(DOCUMENT))
    moved["metadata"]["resourceVersion"] = "8"
    client, server = told(http(200, DOCUMENT), CONFLICT, http(200, moved), http(200, moved))
    planned_of = plan_revision(told)
    apply(client, SCOPE, IMAGE, revision=planned_of)
    bodies = [json.loads(each.body)["metadata"]["resourceVersion"] for each in server.heard if each.method == "PATCH"]
    assert bodies == ["7", "8"]


def test_what_somebody_moved_between_is_stale(told: Any) -> None:
    moved = json.loads(json.dumps(DOCUMENT))
    moved["spec"]["replicas"] = 9
    client, server = told(http(200, DOCUMENT), CONFLICT, http(200, moved))
    with pytest.raises(Stale):
        apply(client, SCOPE, IMAGE, revision=plan_revision(told))
    assert [each.method for each in server.heard] == ["GET", "PATCH", "GET"]


def test_what_keeps_moving_is_given_up(told: Any) -> None:
    client, server = told(*(http(200, DOCUMENT), CONFLICT) * 5)
    with pytest.raises(Stale):
        apply(client, SCOPE, IMAGE, revision=plan_revision(told))
    assert [each.method for each in server.heard] == ["GET", "PATCH"] * 3


def plan_revision(told: Any) -> str:
    client, _ = told(http(200, DOCUMENT), http(200, DOCUMENT))
    return plan(client, SCOPE, IMAGE).revision


@pytest.mark.parametrize(
    ("answer", "kind"), [(CONFLICT, Stale), (failure(500, "etcd"), Unavailable), (failure(403, "no"), Denied)]
)
def test_without_a_revision_nothing_is_sent_twice(told: Any, answer: bytes, kind: type[RuntimeProblem]) -> None:
    client, server = told(http(200, DOCUMENT), answer)
    with pytest.raises(kind):
        apply(client, SCOPE, IMAGE)
    assert [each.method for each in server.heard] == ["GET", "PATCH"]


def test_what_was_done_in_part_says_how_far_it_came(told: Any) -> None:
    target = {"kind": "Deployment", "name": "web"}
    autoscaler = {"metadata": {"name": "by-cpu", "uid": "h"}, "spec": {"scaleTargetRef": target, "maxReplicas": 5}}
    refused = failure(403, 'deployments.apps "web" is forbidden: exceeded quota', "Forbidden")
    client, server = told(http(200, DOCUMENT), http(200, {"items": [autoscaler]}), http(200, {}), refused)
    with pytest.raises(Disallowed) as caught:
        apply(client, SCOPE, RemoveAutoscaler(workload="deployment.web", replicas=7), revision=plan_revision(told))
    assert caught.value.sentence.startswith("The autoscaler by-cpu was removed. ")
    assert [each.method for each in server.heard] == ["GET", "GET", "DELETE", "PATCH"]
