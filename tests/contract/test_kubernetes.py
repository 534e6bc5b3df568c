"""What only Kubernetes has: the words of its own printer, and people who hold one namespace and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
import yaml

from runtimes.base import LogQuery, Runtime, Scope
from runtimes.errors import Denied
from runtimes.kubernetes.open import open_kubernetes
from tests.contract.world_kubernetes import KubernetesWorld, Obj, Refused
from tests.contract.worlds import World, settle

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture
def kubernetes(world: World) -> KubernetesWorld:
    if not isinstance(world, KubernetesWorld):
        world.skip("is no Kubernetes")
    return world


def printed_by_the_server(world: KubernetesWorld) -> dict[str, tuple[str, str, str]]:
    """Give (READY, STATUS, RESTARTS) by name, as the API server prints them for `kubectl get pods`."""
    settings = world.api._client.configuration.auth_settings().values()
    answer = world.api._client.rest_client.pool_manager.request(
        "GET",
        f"{world.api.server}/api/v1/namespaces/{world.scope.namespace}/pods",
        headers={each["key"]: each["value"] for each in settings} | {"Accept": TABLE},
        timeout=urllib3.Timeout(20),
    )
    table = json.loads(answer.data)
    places = {column["name"]: place for place, column in enumerate(table["columnDefinitions"])}
    return {
        row["cells"][places["Name"]]: (
            row["cells"][places["Ready"]],
            row["cells"][places["Status"]],
            str(row["cells"][places["Restarts"]]).split()[0],
        )
        for row in table["rows"]
    }


def printed_by_us(world: KubernetesWorld) -> dict[str, tuple[str, str, str]]:
    rows = world.runtime.instances.list(world.scope).items
    return {
        row.name: (
            f"{row.ready_containers}/{len([c for c in row.containers if c.kind in {'container', 'sidecar'}])}",
            row.status,
            str(row.restarts),
        )
        for row in rows
    }


def test_every_word_is_the_one_that_kubectl_prints(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    made = [world.healthy(), world.finished(), world.never_ready(), world.pending(), world.image_missing()]
    made += [world.crashing(), world.paired(), *world.replicas(2)]
    made += [world.raw(each) for each in ODD]
    leaving = world.raw(
        {"containers": [{"name": "web"}], "terminationGracePeriodSeconds": 60}, "trap '' TERM; sleep 300"
    )
    settle(lambda: printed_by_the_server(world)[leaving][1] == "Running", "a pod to leave")
    world.api.call("DELETE", f"/api/v1/namespaces/{world.scope.namespace}/pods/{leaving}", {"gracePeriodSeconds": 60})
    # States change by themselves between two questions; the same answers before and after make them one moment.
    agreed: list[dict[str, tuple[str, str, str]]] = []

    def the_same_moment() -> bool:
        before, ours, after = printed_by_the_server(world), printed_by_us(world), printed_by_the_server(world)
        agreed[:] = [before, ours]
        return before == after and ours == before

    try:
        settle(the_same_moment, "one moment in which nothing changes", within_s=20)
    except AssertionError:
        assert agreed[1] == agreed[0]
        raise
    assert set(agreed[0]) == {*made, leaving}
    assert "Terminating" in {status for _, status, _ in agreed[0].values()}


FAILS, STAYS = ["sh", "-c", "exit 3"], ["sh", "-c", "exec sleep 3600"]
ODD: list[Obj] = [
    {"schedulingGates": [{"name": "opsmodal.dev/held"}], "containers": [{"name": "web"}]},
    {"initContainers": [{"name": "first", "command": STAYS}, {"name": "second"}], "containers": [{"name": "web"}]},
    {"initContainers": [{"name": "first", "command": FAILS}], "containers": [{"name": "web"}]},
    {
        "initContainers": [{"name": "first", "command": FAILS}],
        "containers": [{"name": "web"}],
        "restartPolicy": "Never",
    },
    {
        "initContainers": [{"name": "side", "command": STAYS, "restartPolicy": "Always"}],
        "containers": [{"name": "web"}],
    },
    {"containers": [{"name": "web", "command": FAILS}], "restartPolicy": "Never"},
    {"containers": [{"name": "web"}, {"name": "b", "command": FAILS}]},
    {
        "containers": [{"name": "web"}, {"name": "done", "command": ["sh", "-c", "exit 0"]}],
        "restartPolicy": "OnFailure",
    },
    {
        "containers": [
            {"name": "web", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "a"}}}]}
        ]
    },
    {"containers": [{"name": "web", "command": ["/no/such/program"]}]},
    {"containers": [{"name": "web"}], "volumes": [{"name": "v", "secret": {"secretName": "no-such-secret"}}]},
]


@pytest.fixture
def narrow(kubernetes: KubernetesWorld) -> Iterator[Runtime]:
    """Open the cluster as somebody who may use the pods and logs of one namespace, and nothing else."""
    world, space = kubernetes, kubernetes.scope.namespace
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{space}"
    rules = [
        {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]},
    ]
    accounts = f"/api/v1/namespaces/{space}/serviceaccounts"
    world.api.call("POST", accounts, {"metadata": {"name": "ops"}})
    world.api.call("POST", f"{rbac}/roles", {"metadata": {"name": "ops"}, "rules": rules})
    binding = {
        "metadata": {"name": "ops"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ops"},
        "subjects": [{"kind": "ServiceAccount", "name": "ops", "namespace": space}],
    }
    world.api.call("POST", f"{rbac}/rolebindings", binding)
    token = world.api.call("POST", f"{accounts}/ops/token", {"spec": {"expirationSeconds": 3600}})["status"]["token"]
    config = yaml.safe_load(world.api.kubeconfig)
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    runtime = open_kubernetes(
        "narrow",
        kubeconfig=yaml.safe_dump(config),
        context=None,
        connection=world.connection,
        namespaces=[space],
    )
    yield runtime
    runtime.close()


def test_one_namespace_is_enough_for_every_tab(kubernetes: KubernetesWorld, narrow: Runtime) -> None:
    world, scope = kubernetes, kubernetes.scope
    names = [*world.replicas(1, lines=3), world.crashing()]
    assert sorted(each.name for each in narrow.instances.list(scope).items) == sorted(names)
    assert narrow.instances.get(scope, names[0]).events
    assert narrow.instances.cause(scope, names[1]).sentence
    summary = narrow.overview.read(scope)
    assert summary.ready >= 1
    assert [each.kind for each in summary.workloads] == ["Deployment", "Pod"]
    refused = " ".join(summary.notes)
    assert "ingresses" in refused
    assert "statefulsets" in refused
    assert "deployments" not in refused
    assert narrow.logs is not None
    lines = narrow.logs.read(scope, LogQuery(instance=names[0]))
    assert [line.text for line in lines] == ["line 1", "line 2", "line 3"]
    assert [proposal.scope.namespace for proposal in narrow.discover()] == [scope.namespace]


def granted(text: str) -> list[dict[str, Any]]:
    """Give the rules of the Role that a refusal prints."""
    role = next(each for each in yaml.safe_load_all(text) if each["kind"] == "Role")
    return list(role["rules"])


def test_a_missing_right_is_named_with_verb_and_resource(kubernetes: KubernetesWorld, narrow: Runtime) -> None:
    name = kubernetes.healthy()
    with pytest.raises(Denied) as caught:
        narrow.instances.delete(kubernetes.scope, name, force=False)
    assert "to delete pods in namespace" in caught.value.sentence
    assert "this Role" in caught.value.hint
    assert {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]} in granted(caught.value.grant)
    assert kubernetes.exists(name)
    with pytest.raises(Denied) as caught:
        narrow.instances.list(kubernetes.other_scope)
    assert "to list pods in namespace" in caught.value.sentence


def test_what_may_not_be_read_around_a_pod_is_named_and_the_rest_is_said(
    kubernetes: KubernetesWorld, narrow: Runtime
) -> None:
    name = kubernetes.replicas(1)[0]
    found = narrow.instances.blast(kubernetes.scope, [name])
    assert any(told.startswith("the last ready pod of deployment ") for told in found.touched)
    for what in ("services", "ingresses"):
        assert any(told.startswith(f"could not be looked at: {what}. ") for told in found.unknown), found


def test_a_selector_narrows_every_answer(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    own, other = world.healthy(), world.healthy()
    scope = Scope(service="own", namespace=world.scope.namespace, selector=f"app={own}")
    assert [each.name for each in world.runtime.instances.list(scope).items] == [own]
    assert [each.name for each in world.runtime.overview.read(scope).workloads] == [own]
    for ask in (world.runtime.instances.get, world.runtime.instances.cause):
        with pytest.raises(Exception, match="no pod"):
            ask(scope, other)
    assert world.runtime.logs is not None
    assert {line.instance for line in world.runtime.logs.read(scope, LogQuery())} == {own}
    with pytest.raises(Exception, match="no pod"):
        world.runtime.instances.delete(scope, other, force=True)
    assert world.exists(other)


def test_why_no_node_takes_a_pod_has_figures_and_names(kubernetes: KubernetesWorld, narrow: Runtime) -> None:
    world = kubernetes
    greedy = {"name": "web", "resources": {"requests": {"memory": "500Ti"}}}
    large = world.raw({"containers": [greedy]})
    choosy = world.raw({"containers": [{"name": "web"}], "nodeSelector": {"opsmodal.dev/disk": "ssd"}})
    unplaced = "no node takes it"
    settle(lambda: "memory" in world.runtime.instances.cause(world.scope, large).sentence, unplaced)
    settle(lambda: "node selector" in world.runtime.instances.cause(world.scope, choosy).sentence, unplaced)
    told = world.runtime.instances.cause(world.scope, large)
    assert re.search(r"short of memory(, | \()by [\d.]+ TiB", told.sentence)
    assert "It asks for 500 TiB of memory; even an empty node has only" in repr(told.causes)
    assert (
        "no node carries the label opsmodal.dev/disk=ssd" in world.runtime.instances.cause(world.scope, choosy).sentence
    )
    for name in (large, choosy):
        silently = narrow.instances.cause(world.scope, name)
        assert [cause.kind for cause in silently.causes] == [
            cause.kind for cause in world.runtime.instances.cause(world.scope, name).causes
        ]
        assert "TiB" not in silently.sentence
        assert "no node carries" not in silently.sentence


def test_a_program_that_ends_well_again_and_again_has_not_completed(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    name = world.crashing(exit_code=0)

    def down() -> bool:
        return world.runtime.instances.list(world.scope).items[0].status in {"Completed", "CrashLoopBackOff"}

    settle(down, "an end between two runs")
    told = world.runtime.instances.cause(world.scope, name)
    assert "with exit code 0 (no error) while its restart policy is Always" in told.sentence
    assert [cause.kind for cause in told.causes][:1] == ["ends-by-itself"]
    assert "a Job" in told.causes[0].hint


def test_a_pod_that_a_finalizer_holds_has_no_time_left(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    name = world.raw({"containers": [{"name": "web"}]})
    path = f"/api/v1/namespaces/{world.scope.namespace}/pods/{name}"
    settle(lambda: printed_by_the_server(world)[name][1] == "Running", "a pod to hold")

    def hold(*finalizers: str) -> None:
        known = world.api.call("GET", path)
        known["metadata"]["finalizers"] = list(finalizers)
        world.api.call("PUT", path, known)

    hold("opsmodal.dev/held")
    try:
        world.api.call("DELETE", path, {})
        settle(
            lambda: "still have time" not in repr(world.runtime.instances.cause(world.scope, name)),
            "the end of a grace period of one second",
        )
        told = world.runtime.instances.cause(world.scope, name)
        assert "its finalizers are still set: opsmodal.dev/held" in told.sentence
        assert "30 seconds" not in repr(told)
    finally:
        settle(lambda: _released(hold), "the finalizer's end")


def _released(hold: Callable[..., None]) -> bool:
    try:
        hold()
    except Refused as refused:
        return refused.status == 404
    return True


def test_a_closed_readiness_gate_is_named(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    gate = {"conditionType": "opsmodal.dev/balanced"}
    name = world.raw({"containers": [{"name": "web"}], "readinessGates": [gate]})
    settle(lambda: printed_by_the_server(world)[name][1] == "Running", "a pod behind a gate")
    settle(
        lambda: [c.kind for c in world.runtime.instances.cause(world.scope, name).causes] == ["readiness-gate"],
        "the kubelet's word on the gate",
    )
    assert "the condition opsmodal.dev/balanced of its readiness gate has not been set" in (
        world.runtime.instances.cause(world.scope, name).sentence
    )


def test_a_refused_replica_is_missing_and_does_not_make_the_other_ill(
    kubernetes: KubernetesWorld, narrow: Runtime
) -> None:
    world = kubernetes
    quota = {"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}}
    world.api.call("POST", f"/api/v1/namespaces/{world.scope.namespace}/resourcequotas", quota)
    (name,) = world.replicas(1)
    path = f"/apis/apps/v1/namespaces/{world.scope.namespace}/deployments/{name.rsplit('-', 2)[0]}"
    deployment = world.api.call("GET", path)
    deployment["spec"]["replicas"] = 3
    world.api.call("PUT", path, deployment)
    events = world.runtime.overview
    settle(lambda: any(each.reason == "FailedCreate" for each in events.read(world.scope).warnings), "a refusal")
    told = world.runtime.instances.cause(world.scope, name)
    assert told.sentence == f"{name} is running and ready."
    assert told.causes == ()
    for runtime in (world.runtime, narrow):
        assert runtime.overview.desired(world.scope) == 3


def test_containers_that_set_nothing_are_counted_beside_the_sum(kubernetes: KubernetesWorld) -> None:
    limited = {"name": "web", "resources": {"limits": {"memory": "32Mi"}, "requests": {"memory": "16Mi"}}}
    kubernetes.raw({"containers": [limited, {"name": "side"}]})
    summary = kubernetes.runtime.overview.read(kubernetes.scope)
    assert summary.requests_and_limits.memory_limit_bytes == 32 * 2**20
    assert summary.requests_and_limits.cpu_limit_cores is None
    assert (summary.containers_without_limits, summary.containers_without_requests) == (1, 1)
