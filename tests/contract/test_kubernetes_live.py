"""What only Kubernetes has of live lists: selectors, and roles that may list and not watch. The rest: test_live.py."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

import pytest
import yaml

from runtimes.base import Scope
from runtimes.kubernetes.open import open_kubernetes
from tests.contract.test_live import awaited
from tests.contract.world_kubernetes import KubernetesWorld
from tests.contract.worlds import World


@pytest.fixture
def kubernetes(world: World) -> KubernetesWorld:
    if not isinstance(world, KubernetesWorld):
        world.skip("is no Kubernetes")
    return world


def names(world: KubernetesWorld, scope: Scope | None = None) -> list[str]:
    return sorted(each.name for each in world.runtime.instances.list(scope or world.scope).items)


def test_a_selector_narrows_the_list_that_is_kept_of_its_namespace(kubernetes: KubernetesWorld) -> None:
    world = kubernetes
    with closing(world.runtime.instances.watch(world.scope)) as watch:
        made, other = world.healthy(), world.healthy()
        awaited(watch, lambda: names(world) == sorted([made, other]), "both")
        assert names(world, replace(world.scope, selector=f"app={made}")) == [made]


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
    runtime = open_kubernetes("looker", kubeconfig=text, context=None, connection=world.connection)
    try:
        for _ in range(2):
            world.healthy()
            time.sleep(1.1)  # how old a list may be for somebody who may not watch
            seen = runtime.instances.list(world.scope)
            assert (sorted(each.name for each in seen.items), seen.stale) == (names(world), False)
    finally:
        runtime.close()
