"""Which kinds a cluster has of its own, from either form of its discovery, and what an exec's workload selects."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtimes.commands import Command, Kind
from runtimes.errors import Denied, Unavailable
from runtimes.kubernetes.commands.customs import BUILT_IN, Customs, gathered
from runtimes.kubernetes.commands.targets import pinned, resource_of, selecting
from tests.unit.runtimes.kubernetes.api.test_client import client
from tests.unit.runtimes.kubernetes.canned import canned, failure, http


def resource(name: str, *, scope: str = "Namespaced", **more: Any) -> dict[str, Any]:
    return {"resource": name, "scope": scope, "singularResource": name[:-1], "verbs": ["get"], **more}


def group(name: str, **versions: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [{"version": version, "resources": resources} for version, resources in versions.items()]
    return {"metadata": {"name": name}, "versions": shown}


AGGREGATED = {
    "items": [
        group("apps", v1=[resource("deployments")]),
        group(
            "example.test",
            v1=[
                resource("widgets", shortNames=["wd"], categories=["all", "platform"]),
                resource("tenants", scope="Cluster"),
            ],
            v1beta1=[resource("widgets", shortNames=["wdg"]), resource("olds")],
        ),
        {"metadata": {"name": "gone.test"}, "versions": [{"version": "v1", "freshness": "Stale"}]},
    ]
}
PLAIN_GROUPS = {
    "groups": [
        {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]},
        {"name": "example.test", "versions": [{"version": "v1"}, {"version": "v1beta1"}]},
        {"name": "gone.test", "versions": [{"version": "v1"}]},
    ]
}


def plain(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resources": list(resources)}


WIDGET = {"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget"}
KINDS = (
    [
        Kind(
            name="widgets",
            singular="widget",
            short=("wd", "wdg"),
            group="example.test",
            versions=("v1", "v1beta1"),
            categories=("all", "platform"),
        ),
        Kind(name="olds", singular="old", group="example.test", versions=("v1beta1",)),
    ],
    [Kind(name="tenants", singular="tenant", group="example.test", versions=("v1",))],
)


def test_kinds_are_taken_from_the_aggregated_form_and_kept() -> None:
    with canned(http(200, AGGREGATED), failure(500)) as server, client(server.kubeconfig()) as asking:
        customs = Customs(asking)
        found = customs.get()
        assert (found.namespaced, found.cluster) == KINDS
        assert customs.get() is found


def test_an_older_server_is_asked_group_by_group() -> None:
    answers = [
        http(200, PLAIN_GROUPS),
        http(
            200,
            plain(
                WIDGET | {"shortNames": ["wd"], "categories": ["all", "platform"]},
                {"name": "widgets/status", "singularName": "", "namespaced": True, "kind": "Widget"},
                {"name": "tenants", "singularName": "tenant", "namespaced": False, "kind": "Tenant"},
            ),
        ),
        http(200, plain(WIDGET | {"shortNames": ["wdg"]}, {"name": "olds", "singularName": "old", "namespaced": True})),
        failure(404),
    ]
    with canned(*answers) as server, client(server.kubeconfig()) as asking:
        found = Customs(asking).get()
    assert (found.namespaced, found.cluster) == KINDS


@pytest.mark.parametrize(("code", "problem"), [(403, Denied), (500, Unavailable)])
def test_a_cluster_that_does_not_tell_is_a_problem(code: int, problem: type[Exception]) -> None:
    with (
        canned(failure(code), failure(code)) as server,
        client(server.kubeconfig()) as asking,
        pytest.raises(problem),
    ):
        Customs(asking).get()


def test_groups_of_kubernetes_itself_are_none_of_the_clusters_own() -> None:
    assert gathered(()).namespaced == []
    assert {"apps", "batch", "networking.k8s.io", "rbac.authorization.k8s.io", "metrics.k8s.io"} <= BUILT_IN
    assert not BUILT_IN & {"", "gateway.networking.k8s.io", "cert-manager.io", "snapshot.storage.k8s.io"}


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("deploy", "deployments"),
        ("Deployment.apps", "deployments"),
        ("deployments.v1.apps", "deployments"),
        ("sts", "statefulsets"),
        ("job", "jobs"),
        ("svc", "services"),
        ("pod", None),
        ("cronjob", None),
        ("", None),
    ],
)
def test_a_kind_that_selects_pods_is_known_by_all_its_names(kind: str, plural: str | None) -> None:
    assert resource_of(kind) == plural


@pytest.mark.parametrize(
    ("selector", "plain_map", "text"),
    [
        ({"matchLabels": {"app": "web", "tier": "x"}}, False, "app=web,tier=x"),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, False, "a in (1,2)"),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False, "a notin (1)"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, False, "a"),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False, "!a"),
        ({"app": "web"}, True, "app=web"),
        ({}, False, ""),
        ({}, True, ""),
    ],
)
def test_a_selector_is_written_as_a_query_takes_it(selector: dict[str, Any], plain_map: bool, text: str) -> None:
    assert selecting(msgspec.json.encode(selector), plain=plain_map) == text


def pod(name: str, *, ready: str = "True", ending: bool = False) -> dict[str, Any]:
    metadata = {"name": name} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if ending else {})
    return {"metadata": metadata, "spec": {}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def command(word: str) -> Command:
    argv = ("kubectl", "-n", "shop", "exec", word, "-c", "app", "--", "ls", "deploy/web")
    return Command(argv=argv, limit_s=1, pod=word, inner=8)


DEPLOYMENT = {"spec": {"selector": {"matchLabels": {"app": "web"}}}}


def test_an_exec_in_a_workload_is_one_in_a_ready_pod_of_it() -> None:
    pods = {"items": [pod("web-1", ready="False"), pod("web-2", ending=True), pod("web-3"), pod("web-4")]}
    with canned(http(200, DEPLOYMENT), http(200, pods)) as server, client(server.kubeconfig()) as asking:
        found = pinned(asking, "shop", command("deploy/web"))
        assert found.argv == (*command("deploy/web").argv[:4], "web-3", *command("deploy/web").argv[5:])
        assert found.pod == "web-3"
        assert "labelSelector=app%3Dweb" in server.heard[1].target


@pytest.mark.parametrize("word", ["web-0", "pod/web-0", "widget/web", "deploy/../x"])
def test_what_names_a_pod_or_cannot_be_found_out_stays_as_it_is(word: str) -> None:
    with canned(failure(500)) as server, client(server.kubeconfig()) as asking:
        assert pinned(asking, "shop", command(word)) == command(word)


@pytest.mark.parametrize("answers", [[failure(403)], [failure(404)], [http(200, DEPLOYMENT), http(200, {"items": []})]])
def test_kubectl_says_itself_what_is_wrong_with_a_workload(answers: list[bytes]) -> None:
    with canned(*answers, failure(404)) as server, client(server.kubeconfig()) as asking:
        assert pinned(asking, "shop", command("deploy/web")) == command("deploy/web")
