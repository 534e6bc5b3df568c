"""The list of pods changes by itself and says how old it is, on a simulated cluster and on a real one."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import yaml

from runtimes.base import Scope
from runtimes.kubernetes.open import open_kubernetes
from tests.contract.world_kubernetes import KubernetesWorld, Rerouted
from tests.contract.worlds import World, settle

RECOVER_S = 10.0


@pytest.fixture
def kubernetes(world: World) -> KubernetesWorld:
    if not isinstance(world, KubernetesWorld):
        world.skip("is no Kubernetes")
    return world


def names(world: KubernetesWorld, scope: Scope | None = None) -> list[str]:
    return sorted(each.name for each in world.runtime.instances.list(scope or world.scope).items)


def watched(world: KubernetesWorld) -> None:
    """Return once the age of the list moves with the clock: it is being watched then."""

    def moves() -> bool:
        first = world.runtime.instances.list(world.scope).as_of
        return world.runtime.instances.list(world.scope).as_of > first

    settle(moves, "a watch")


def test_what_appears_and_goes_shows_within_a_second(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    assert names(world) == []
    watched(world)
    made = world.healthy()
    settle(lambda: names(world) == [made], "the new pod", within_s=1)
    selected = replace(world.scope, selector=f"app={made}")
    other = world.healthy()
    settle(lambda: names(world) == sorted([made, other]), "another", within_s=1)
    assert names(world, selected) == [made]
    world.remove(made)
    settle(lambda: names(world) == [other], "its end", within_s=1)


def test_what_was_deleted_here_leaves_in_the_very_next_list(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    doomed = world.healthy()
    settle(lambda: names(world) == [doomed], "the pod")
    watched(world)
    world.runtime.instances.delete(world.scope, doomed, force=False)
    left = world.runtime.instances.list(world.scope).items
    assert not left or left[0].status == "Terminating"


def test_a_cut_line_shows_the_last_truth_and_recovers_by_itself(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    name = world.healthy()
    settle(lambda: names(world) == [name], "the pod")
    watched(world)
    world.line.cut()
    settle(lambda: world.runtime.instances.list(world.scope).stale, "stale", within_s=RECOVER_S)
    began = time.monotonic()
    old = world.runtime.instances.list(world.scope)
    assert time.monotonic() - began < 1
    assert [each.name for each in old.items] == [name]
    assert "API server" in old.problem
    world.remove(name)
    world.line.mend()
    settle(lambda: not world.runtime.instances.list(world.scope).stale, "recovery", within_s=RECOVER_S)
    assert names(world) == []


def test_a_line_that_is_cut_again_and_again_loses_nothing(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    made: list[str] = []
    for _ in range(3):
        made.append(world.healthy())
        settle(lambda: names(world) == sorted(made), "every pod", within_s=RECOVER_S)
        world.line.cut()
        world.line.mend()


def test_who_may_list_and_not_watch_sees_what_is_there(kubernetes: KubernetesWorld) -> None:
    world, space = kubernetes, kubernetes.scope.namespace
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{space}"
    accounts = f"/api/v1/namespaces/{space}/serviceaccounts"
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    subject = {"kind": "ServiceAccount", "name": "looker", "namespace": space}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "looker"}
    world.api.call("POST", accounts, {"metadata": {"name": "looker"}})
    world.api.call("POST", f"{rbac}/roles", {"metadata": {"name": "looker"}, "rules": rules})
    body = {"metadata": {"name": "looker"}, "roleRef": role, "subjects": [subject]}
    world.api.call("POST", f"{rbac}/rolebindings", body)
    answer = world.api.call("POST", f"{accounts}/looker/token", {"spec": {"expirationSeconds": 3600}})
    config = yaml.safe_load(world.api.kubeconfig)
    config["users"] = [{"name": each["name"], "user": {"token": answer["status"]["token"]}} for each in config["users"]]
    text = yaml.safe_dump(config)
    runtime = open_kubernetes("looker", kubeconfig=text, context=None, connection=Rerouted(world._relay))
    try:
        for _ in range(2):
            world.healthy()
            time.sleep(1.1)  # how old a list may be for somebody who may not watch
            seen = runtime.instances.list(world.scope)
            assert (sorted(each.name for each in seen.items), seen.stale) == (names(world), False)
    finally:
        runtime.close()
