"""Commands on Kubernetes: who they are, what a pod keeps of them, and what a killed server leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from connectors.base import Ended, Exit
from connectors.direct import Direct
from runtimes.commands import Command
from runtimes.errors import Denied, Invalid, Missing, Unsupported
from runtimes.kubernetes.commands import inner
from runtimes.kubernetes.open import open_kubernetes
from tests.contract.test_commands_alike import GONE_S, LIMIT_S, cli, commands, inside, seen, temporary, told, word
from tests.contract.world_kubernetes import KubernetesWorld, Refused
from tests.contract.worlds import World, settle
from tests.unit.connectors.processes import naming

__all__ = ["temporary"]
HOUSE = Path(__file__).resolve().parents[2]
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def cluster(world: World) -> KubernetesWorld:
    """Give a world of Kubernetes."""
    if not isinstance(world, KubernetesWorld):
        pytest.skip(f"{world.kind} has no pods")
    return world


@pytest.fixture
def account(cluster: KubernetesWorld) -> str:
    """Make a service account that may read pods and nothing else; give its name."""
    namespace = cluster.scope.namespace
    cluster.api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "narrow"}})
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    place = f"{RBAC}/namespaces/{namespace}"
    cluster.api.call("POST", f"{place}/roles", {"metadata": {"name": "reader"}, "rules": rules})
    body = {
        "metadata": {"name": "narrow"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "narrow", "namespace": namespace}],
    }
    cluster.api.call("POST", f"{place}/rolebindings", body)
    return "narrow"


def test_the_services_account_may_what_it_may_and_nothing_else(cluster: KubernetesWorld, account: str) -> None:
    name, namespace = cluster.healthy(), cluster.scope.namespace
    started = cli(cluster, "get", "pods", identity=account)
    assert started.identity == f"system:serviceaccount:{namespace}:narrow"
    assert name in told(started)[0]
    for words in (("delete", "pod", name), ("get", "secrets"), ("logs", name), ("exec", name, "--", "true")):
        _, err, last = told(cli(cluster, *words, identity=account))
        assert last.code == 1
        assert "orbidden" in err
    elsewhere = Command(argv=("kubectl", "-n", "default", "get", "pods"), limit_s=LIMIT_S, identity=account)
    _, err, last = told(commands(cluster).run(cluster.scope, elsewhere))
    assert "orbidden" in err
    assert last.code == 1
    assert cluster.exists(name)
    assert f"system:serviceaccount:{namespace}:narrow" in told(cli(cluster, "auth", "whoami", identity=account))[0]


def test_without_an_account_it_is_who_the_runtime_is(cluster: KubernetesWorld) -> None:
    started = cli(cluster, "auth", "whoami")
    assert started.identity in told(started)[0]


def test_an_account_that_is_not_there_is_missing(cluster: KubernetesWorld) -> None:
    with pytest.raises(Missing, match="no service account nobody"):
        cli(cluster, "get", "pods", identity="nobody")
    with pytest.raises(Missing):
        cli(cluster, "get", "pods", identity="../../secrets")


class Limited:
    """A runtime whose own identity is a service account with these rules."""

    def __init__(self, cluster: KubernetesWorld, *rules: dict[str, object]) -> None:
        namespace = cluster.scope.namespace
        place = f"{RBAC}/namespaces/{namespace}"
        cluster.api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "runtime"}})
        cluster.api.call("POST", f"{place}/roles", {"metadata": {"name": "runtime"}, "rules": list(rules)})
        body = {
            "metadata": {"name": "runtime"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "runtime"},
            "subjects": [{"kind": "ServiceAccount", "name": "runtime", "namespace": namespace}],
        }
        cluster.api.call("POST", f"{place}/rolebindings", body)
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/runtime/token"
        token = cluster.api.call("POST", path, asked)["status"]["token"]
        document = yaml.safe_load(cluster.api.kubeconfig)
        document["users"][0]["user"] = {"token": token}
        self.scope = cluster.scope
        self.runtime = open_kubernetes(
            "limited", kubeconfig=yaml.safe_dump(document), context=None, connection=Direct(), namespaces=(namespace,)
        )

    def run(self, *words: str, identity: str) -> tuple[str, str, object, str]:
        argv = ("kubectl", "-n", self.scope.namespace, *words)
        assert self.runtime.commands is not None
        started = self.runtime.commands.run(self.scope, Command(argv=argv, limit_s=LIMIT_S, identity=identity))
        return (*told(started), started.identity)


IMPERSONATES = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}
SECRETS = {"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["get", "list"]}


def test_where_no_token_is_given_the_account_is_acted_as(cluster: KubernetesWorld, account: str) -> None:
    limited = Limited(cluster, IMPERSONATES, SECRETS)
    try:
        out, _, _, identity = limited.run("auth", "whoami", identity=account)
        assert identity == f"system:serviceaccount:{cluster.scope.namespace}:narrow"
        assert identity in out
        _, err, _, _ = limited.run("get", "secrets", identity=account)
        assert "orbidden" in err
    finally:
        limited.runtime.close()


def test_where_the_account_cannot_be_had_nothing_runs_with_more_rights(cluster: KubernetesWorld, account: str) -> None:
    limited = Limited(cluster, SECRETS)
    try:
        with pytest.raises(Denied, match="neither get a token of nor act as") as denied:
            limited.run("get", "secrets", identity=account)
        assert "serviceaccounts/token" in denied.value.hint
        assert limited.runtime.commands is not None
        with pytest.raises(Denied, match="autoscalers") as denied:
            limited.runtime.commands.scaled(cluster.scope)
        assert denied.value.hint
    finally:
        limited.runtime.close()


def test_what_autoscalers_own_is_known_as_it_is_now(cluster: KubernetesWorld) -> None:
    (pod,) = cluster.replicas(1)
    name = pod.rpartition("-")[0].rpartition("-")[0]
    assert commands(cluster).scaled(cluster.scope).autoscaled == frozenset()
    body = {
        "metadata": {"name": name},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}},
    }
    place = f"/apis/autoscaling/v2/namespaces/{cluster.scope.namespace}/horizontalpodautoscalers"
    cluster.api.call("POST", place, body)
    found = commands(cluster).scaled(cluster.scope)
    assert found.autoscaled == {f"deployment/{name}"}
    assert found.owners == {f"replicaset/{pod.rpartition('-')[0]}": f"deployment/{name}"}


@pytest.fixture
def custom(cluster: KubernetesWorld) -> Iterator[str]:
    """Define a kind of the cluster's own; give its group."""
    group = f"{word()}.example.test".replace("9", "n", 1)
    version = {"served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "tenants", "singular": "tenant", "kind": "Tenant", "shortNames": ["tnt"], "categories": ["all"]}
    for scope, plural in (("Cluster", "tenants"), ("Namespaced", "widgets")):
        more = {"plural": plural, "singular": plural[:-1], "kind": plural[:-1].title()}
        spec = {"group": group, "scope": scope, "names": names | more, "versions": [version | {"name": "v1"}]}
        if plural == "widgets":
            spec["names"] = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
        body = {"metadata": {"name": f"{plural}.{group}"}, "spec": spec}
        cluster.api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
    yield group
    for plural in ("tenants", "widgets"):
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}"
        try:
            cluster.api.call("DELETE", path)
        except Refused:
            assert cluster.api.there(path) is None


def test_custom_kinds_are_known_by_scope(cluster: KubernetesWorld, custom: str) -> None:
    def served() -> bool:
        groups = cluster.api.call("GET", "/apis")["groups"]
        listed = cluster.api.there(f"/apis/{custom}/v1") or {}
        return any(each["name"] == custom for each in groups) and len(listed.get("resources", [])) > 1

    settle(served, "the kinds are served")
    found = commands(cluster).kinds()
    (tenants,) = [each for each in found.cluster if each.group == custom]
    assert (tenants.name, tenants.singular, tenants.short) == ("tenants", "tenant", ("tnt",))
    assert tenants.categories == ("all",)
    assert tenants.versions == ("v1",)
    assert [each.name for each in found.namespaced if each.group == custom] == ["widgets"]
    known = {each.name for each in (*found.cluster, *found.namespaced)}
    assert not known & {"pods", "deployments", "nodes", "namespaces", "ingresses"}
    assert commands(cluster).kinds() is found, "kept for a while"


def test_an_exec_in_a_workload_ends_in_its_pod(cluster: KubernetesWorld) -> None:
    pod, *_ = cluster.replicas(2)
    name, mark = pod.rpartition("-")[0].rpartition("-")[0], word()
    before = ("kubectl", "-n", cluster.scope.namespace, "exec", f"deploy/{name}", "--")
    command = Command(argv=(*before, "sleep", mark), limit_s=LIMIT_S, pod=f"deploy/{name}", inner=len(before))
    started = commands(cluster).run(cluster.scope, command)
    pods = [each.name for each in cluster.runtime.instances.list(cluster.scope).items]
    settle(lambda: any(mark in seen(cluster, each) for each in pods), "it runs in one of them")
    started.stream.close()
    assert not any(mark in seen(cluster, each) for each in pods)


def test_a_container_without_a_shell_runs_the_bare_program_and_that_is_said(cluster: KubernetesWorld) -> None:
    if not cluster.runtime.identity.simulated:
        pytest.skip("no image without a shell is at hand on a real cluster")
    name = cluster.healthy()
    path = f"/api/v1/namespaces/{cluster.scope.namespace}/pods"
    pod = cluster.api.call("GET", f"{path}/{name}")
    fresh = {"metadata": {"name": "bare", "annotations": {"demo.opsmodal.dev/shell": "none"}}, "spec": pod["spec"]}
    cluster.api.call("POST", path, fresh)
    settle(lambda: cluster.api.call("GET", f"{path}/bare")["status"]["phase"] == "Running", "it runs")
    for _ in range(2):
        started = inside(cluster, "bare", "echo", "alone")
        assert told(started) == ("alone\n", "", Exit(code=0))
        assert started.notes == (inner.NO_SHELL,)
    _, err, last = told(inside(cluster, "bare", "sh", "-c", "true"))
    assert last.code == 1
    assert "executable file not found" in err


def test_an_error_of_kubectl_itself_is_shown_as_it_is(cluster: KubernetesWorld) -> None:
    out, err, last = told(inside(cluster, "no-such-pod", "echo"))
    assert (out, last.code) == ("", 1)
    assert err == 'Error from server (NotFound): pods "no-such-pod" not found\n'


def test_a_line_that_is_cut_under_an_exec_ends_it_in_the_pod(cluster: KubernetesWorld) -> None:
    name, mark = cluster.healthy(), word()
    told(inside(cluster, name, "true"))
    started = inside(cluster, name, "sleep", mark)
    settle(lambda: mark in seen(cluster, name), "it runs")
    cluster.line.cut()
    cluster.line.mend()
    last = told(started)[2]
    assert last.code not in (0, None)
    settle(lambda: mark not in seen(cluster, name), "the end of what ran inside", within_s=GONE_S)


@pytest.mark.parametrize(
    "command",
    [
        Command(argv=("ps",), limit_s=1, where="host"),
        Command(argv=("ps",), limit_s=1, where="container", container="a" * 64),
    ],
)
def test_other_places_are_not_offered(cluster: KubernetesWorld, command: Command) -> None:
    with pytest.raises(Unsupported):
        commands(cluster).run(cluster.scope, command)
    assert commands(cluster).hosts is False
    assert commands(cluster).containers(cluster.scope).own == {}


def test_nothing_but_kubectl_is_run(cluster: KubernetesWorld) -> None:
    with pytest.raises(Invalid):
        commands(cluster).run(cluster.scope, Command(argv=("sh", "-c", "true"), limit_s=1))


def test_what_our_environment_says_changes_nothing(cluster: KubernetesWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    name = cluster.healthy()
    for variable in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    assert name in told(cli(cluster, "get", "pods"))[0]


SERVER = """
import sys
if sys.argv[1] == "gevent":
    from gevent import monkey
    monkey.patch_all()
import tempfile
tempfile.tempdir = sys.argv[2]
from connectors.direct import Direct
from runtimes.base import Scope
from runtimes.commands import Command
from runtimes.kubernetes.open import open_kubernetes
threads, _, namespace, pod, seconds = sys.argv[1:]
runtime = open_kubernetes("killed", kubeconfig=sys.stdin.read(), context=None, connection=Direct())
before = ("kubectl", "-n", namespace, "exec", pod, "--")
command = Command(argv=(*before, "sleep", seconds), limit_s=120, pod=pod, inner=len(before))
for each in runtime.commands.run(Scope(service="x", namespace=namespace), command).stream:
    print(each, flush=True)
"""


@pytest.mark.parametrize("threads", ["real", "gevent"])
def test_a_killed_server_leaves_nothing_in_the_pod(cluster: KubernetesWorld, threads: str, temporary: Path) -> None:
    name, mark = cluster.healthy(), word()
    before = set(temporary.glob("opsmodal-*"))
    argv = [sys.executable, "-c", SERVER, threads, str(temporary), cluster.scope.namespace, name, mark]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, cwd=HOUSE) as server:
        assert server.stdin is not None
        server.stdin.write(cluster.api.kubeconfig.encode())
        server.stdin.close()
        settle(lambda: mark in seen(cluster, name), "it runs")
        os.kill(server.pid, signal.SIGKILL)
    settle(lambda: mark not in seen(cluster, name), "the end of what ran inside", within_s=GONE_S)
    settle(lambda: not naming(mark), "the end of kubectl", within_s=GONE_S)
    open_kubernetes("next", kubeconfig=cluster.api.kubeconfig, context=None, connection=Direct()).close()
    assert set(temporary.glob("opsmodal-*")) == before, "the next start has swept what the killed one wrote"


def test_the_time_limit_is_told_while_the_inner_program_is_gone(cluster: KubernetesWorld) -> None:
    name, mark = cluster.healthy(), word()
    began = time.monotonic()
    last = told(inside(cluster, name, "sh", "-c", f"sleep {mark}", limit_s=3))[2]
    assert last.reason is Ended.TIMEOUT
    assert mark not in seen(cluster, name), "gone by the time that the end is told"
    assert time.monotonic() - began < 3 + GONE_S
