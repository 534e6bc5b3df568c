"""A service's own account: every facet acts as it, nothing that is kept is shared with another identity.

The runtime's own credential may here do nothing but be the account: whatever an account's service gets, it got as it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest
import yaml

from connectors.direct import Direct
from runtimes.base import LogQuery, Runtime, Scope
from runtimes.changes import Restart, SetAutoscaler, SetReplicas
from runtimes.config import ConfigChange
from runtimes.debugging import NewPod
from runtimes.errors import Denied, Lacking, RuntimeProblem
from runtimes.kubernetes.accounts.facets import PLAIN
from runtimes.kubernetes.open import open_kubernetes
from runtimes.kubernetes.rights import needed
from tests.contract.test_commands_alike import cli, told
from tests.contract.world_kubernetes import KubernetesWorld
from tests.contract.worlds import World, settle

RBAC = "/apis/rbac.authorization.k8s.io/v1"
EVERYTHING = {
    "apiGroups": ["", "apps", "batch", "autoscaling", "networking.k8s.io", "metrics.k8s.io"],
    "resources": ["*"],
    "verbs": ["*"],
}
LOOKS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
TOKEN = {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}
ACTS = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}


@pytest.fixture
def cluster(world: World) -> KubernetesWorld:
    """Give a world of Kubernetes."""
    if not isinstance(world, KubernetesWorld):
        pytest.skip(f"{world.kind} has no service accounts")
    return world


def account(cluster: KubernetesWorld, name: str, *rules: dict[str, list[str]]) -> Scope:
    """Make a service account with rights; give the scope that acts as it."""
    namespace = cluster.scope.namespace
    place = f"{RBAC}/namespaces/{namespace}"
    cluster.api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
    cluster.api.call("POST", f"{place}/roles", {"metadata": {"name": name}, "rules": list(rules)})
    body = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    cluster.api.call("POST", f"{place}/rolebindings", body)
    return replace(cluster.scope, service=name, service_account=name)


@pytest.fixture(params=["token", "impersonation"])
def powerless(cluster: KubernetesWorld, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """Open the cluster with a credential that may only be other accounts, in one of the two ways."""
    namespace = cluster.scope.namespace
    account(cluster, "opener", TOKEN if request.param == "token" else ACTS)
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/opener/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = cluster.api.call("POST", path, asked)["status"]["token"]
    document = yaml.safe_load(cluster.api.kubeconfig)
    document["users"][0]["user"] = {"token": token}
    runtime = open_kubernetes(
        "powerless", kubeconfig=yaml.safe_dump(document), context=None, connection=Direct(), namespaces=(namespace,)
    )
    yield runtime
    runtime.close()


def test_every_facet_acts_as_the_account_of_the_service(cluster: KubernetesWorld, powerless: Runtime) -> None:
    pod, scope = cluster.chatty(3), account(cluster, "able", EVERYTHING)
    with pytest.raises(Denied, match="opener"):
        powerless.instances.list(cluster.scope)
    assert [each.id for each in powerless.instances.list(scope).items] == [pod]
    assert powerless.instances.get(scope, pod).instance.id == pod
    assert powerless.overview.read(scope).counts
    assert powerless.logs is not None
    with closing(powerless.logs.read(scope, LogQuery(instance=pod))) as lines:
        assert len(list(lines)) == 3
    assert powerless.commands is not None
    assert powerless.commands.scaled(scope).autoscaled == frozenset()
    assert powerless.history is not None
    assert powerless.history.versions([scope]) == {"able": []}
    assert powerless.lacks is not None
    assert not [each for each in powerless.lacks(scope) if "may not" in each.sentence]
    powerless.instances.delete(scope, pod, force=True)
    settle(lambda: not cluster.exists(pod), "the pod is deleted as the account")


def test_what_one_identity_has_read_is_not_shown_for_another(cluster: KubernetesWorld, powerless: Runtime) -> None:
    """The namespace is live for who may look: whoever may not must not see it out of memory."""
    pod = cluster.healthy()
    able, blind = account(cluster, "able", LOOKS), account(cluster, "blind")
    with closing(powerless.instances.watch(able)):
        settle(lambda: [each.id for each in powerless.instances.list(able).items] == [pod], "the list is live")
        for scope in (blind, cluster.scope):
            with pytest.raises(Denied):
                powerless.instances.list(scope)
            with pytest.raises(Denied):
                powerless.overview.read(scope)


def test_a_right_that_the_account_lacks_names_the_account_and_its_role(
    cluster: KubernetesWorld, powerless: Runtime
) -> None:
    pod, scope = cluster.healthy(), account(cluster, "able", LOOKS)
    with pytest.raises(Denied) as denied:
        powerless.instances.delete(scope, pod, force=False)
    role, binding = yaml.safe_load_all(denied.value.grant)
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "able", "namespace": cluster.scope.namespace}]
    assert cluster.exists(pod)


def test_an_account_that_is_not_there_is_denied_and_no_pod_is_missed(
    cluster: KubernetesWorld, powerless: Runtime
) -> None:
    pod, scope = cluster.healthy(), replace(cluster.scope, service_account="nobody")
    with pytest.raises(Denied):
        powerless.instances.get(scope, pod)


def test_what_may_be_nobody_falls_back_on_nothing(cluster: KubernetesWorld) -> None:
    """The world's own runtime may do everything, and so be any account: one that may do nothing still may nothing."""
    pod, blind = cluster.healthy(), account(cluster, "blind")
    for call in (
        lambda: cluster.runtime.instances.list(blind),
        lambda: cluster.runtime.instances.delete(blind, pod, force=True),
        lambda: cluster.runtime.overview.read(blind),
    ):
        with pytest.raises(Denied, match="blind"):
            call()
    assert cluster.exists(pod)


def test_an_account_made_anew_is_acted_as_at_once(cluster: KubernetesWorld) -> None:
    """The kept token is its predecessor's, and refused (401): one more is asked for, once."""
    cluster.healthy()
    able = account(cluster, "able", LOOKS)
    assert cluster.runtime.instances.list(able).items
    path = f"/api/v1/namespaces/{cluster.scope.namespace}/serviceaccounts/able"
    cluster.api.call("DELETE", path)
    cluster.api.call("POST", path.rpartition("/")[0], {"metadata": {"name": "able"}})
    pod = cluster.healthy()
    assert cluster.runtime.instances.get(able, pod).instance.id == pod


def test_collectors_ask_for_each_account_by_itself(cluster: KubernetesWorld) -> None:
    history, able = cluster.runtime.history, account(cluster, "able", LOOKS)
    assert history is not None
    assert history.place(able) != history.place(cluster.scope)
    with pytest.raises(ValueError, match="several accounts"):
        history.versions([able, cluster.scope])


def test_lines_and_pages_are_the_same_account(cluster: KubernetesWorld) -> None:
    able = account(cluster, "able", LOOKS)
    started = cli(cluster, "auth", "whoami", identity=able.service_account)
    assert "serviceaccount" in told(started)[0]
    assert started.identity.endswith(":able")


def test_facets_of_accounts_are_closed_with_the_runtime(cluster: KubernetesWorld, powerless: Runtime) -> None:
    cluster.healthy()
    able = account(cluster, "able", LOOKS)
    with closing(powerless.instances.watch(able)):
        assert powerless.instances.list(able).items
    powerless.close()
    with pytest.raises(RuntimeProblem):
        powerless.instances.list(able)
    settle(lambda: not _threads(), f"no thread of the runtime is left: {_threads()}")


def least(cluster: KubernetesWorld, *, changes: bool) -> Scope:
    """Apply what `doctor --rbac` prints; give the scope that acts as its account."""
    namespace = cluster.scope.namespace
    places = {
        "ServiceAccount": f"/api/v1/namespaces/{namespace}/serviceaccounts",
        "Role": f"{RBAC}/namespaces/{namespace}/roles",
        "RoleBinding": f"{RBAC}/namespaces/{namespace}/rolebindings",
    }
    for each in yaml.safe_load_all(needed.manifest(namespace, "least", needed.TABS, changes=changes)):
        cluster.api.call("POST", places[each["kind"]], each)
    return replace(cluster.scope, service_account="least")


def test_the_least_rights_are_enough_for_every_tab(cluster: KubernetesWorld) -> None:
    """Whatever a facet cannot read it either raises or notes: here none does."""
    (pod,), scope, runtime = cluster.replicas(1), least(cluster, changes=True), cluster.runtime
    workload = f"deployment.{pod.rpartition('-')[0].rpartition('-')[0]}"
    deployment, config, domains, debugging = runtime.deployment, runtime.config, runtime.domains, runtime.debugging
    assert deployment
    assert config
    assert domains
    assert debugging
    assert [each for each in runtime.overview.read(scope).notes if "may not" in each or "not allow" in each] == []
    assert runtime.instances.get(scope, pod).instance.id == pod
    assert runtime.instances.cause(scope, pod).sentence
    assert runtime.instances.blast(scope, [pod]).unknown == ()
    assert deployment.list(scope).notes == ()
    assert deployment.revisions(scope, workload)
    assert deployment.progress(scope, workload).state == "done"
    runtime.instances.delete(scope, pod, force=True)
    for change in (
        SetReplicas(workload=workload, replicas=2),
        Restart(workload=workload),
        SetAutoscaler(workload=workload),
    ):
        with suppress(Lacking):  # an autoscaler wants a Metrics Server, which is asked for as the account as well
            deployment.apply(scope, change)
    saved = config.save(scope, ConfigChange(holder="configmaps", name="mine", values={"a": b"1"}))
    assert config.list(scope).notes == ()
    assert config.get(scope, "configmaps", "mine").notes == ()
    config.delete(scope, "configmaps", "mine", revision=saved.revision)
    assert [each for each in domains.list(scope).notes if "not allow" in each and "whole cluster" not in each] == []
    made = debugging.make(scope, debugging.draft(scope, NewPod(image="busybox"), person="alice"))
    assert [each.name for each in debugging.list(scope)] == [made.name]
    debugging.remove(scope, made.name)


def test_rights_that_only_read_change_nothing(cluster: KubernetesWorld) -> None:
    pod, scope = cluster.healthy(), least(cluster, changes=False)
    assert cluster.runtime.instances.get(scope, pod).instance.id == pod
    with pytest.raises(Denied):
        cluster.runtime.instances.delete(scope, pod, force=True)
    assert cluster.runtime.debugging is not None
    with pytest.raises(Denied):
        cluster.runtime.debugging.draft(scope, NewPod(image="busybox"), person="alice")
    assert cluster.exists(pod)


def test_every_facet_goes_by_account() -> None:
    """A facet that comes later is taken in by itself; only what stands here is the runtime's."""
    assert {"name", "kind", "identity", "discover", "check", "close", "counts"} == PLAIN


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "powerless" in thread.name]
