"""The Domains facet: rows are changed one by one, what stands beside them stays, and nobody takes another's name."""

from __future__ import annotations

import copy
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from runtimes.base import Scope
from runtimes.domains import DomainChange, DomainRow, Domains
from runtimes.errors import Conflict, Invalid, Missing, RuntimeProblem, Stale
from tests.contract.deploying import on_clusters
from tests.contract.world_kubernetes import KubernetesWorld, Obj
from tests.contract.worlds import World

pytestmark = on_clusters
LINE_S = 60.0


class Names:
    """The Services and Ingresses of a world's namespace; hosts are the namespace's own."""

    def __init__(self, world: KubernetesWorld) -> None:
        self.world = world
        self.scope: Scope = world.scope
        found = world.runtime.domains
        assert found is not None
        self.facet: Domains = found
        self.domain = f"{world.scope.namespace}.example.com"
        self.service("web", 80)

    def service(self, name: str, port: int, *, elsewhere: bool = False) -> None:
        space = (self.world.other_scope if elsewhere else self.scope).namespace
        spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": port}]}
        self.world.api.call("POST", f"/api/v1/namespaces/{space}/services", {"metadata": {"name": name}, "spec": spec})

    def path(self, name: str = "", *, elsewhere: bool = False) -> str:
        space = (self.world.other_scope if elsewhere else self.scope).namespace
        return f"/apis/networking.k8s.io/v1/namespaces/{space}/ingresses" + (f"/{name}" if name else "")

    def ingress(self, name: str, *hosts: str, elsewhere: bool = False, **spec: object) -> Obj:
        backend = {"service": {"name": "web", "port": {"number": 80}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        rules = [{"host": host, "http": {"paths": copy.deepcopy(paths)}} for host in hosts]
        annotations = {"example.com/foreign": "stays"}
        body = {"metadata": {"name": name, "annotations": annotations}, "spec": {"rules": rules, **spec}}
        return self.world.api.call("POST", self.path(elsewhere=elsewhere), body)

    def host(self, name: str) -> str:
        return f"{name}.{self.domain}"

    def rows(self) -> dict[str, DomainRow]:
        return {f"{row.host}{row.path}": row for row in self.facet.list(self.scope).items}

    def change(self, name: str, **more: str) -> DomainChange:
        return DomainChange(host=self.host(name), **{"backend": "web", "port": "80", **more})  # type: ignore[arg-type]

    def changed(self, row: DomainRow, **more: str) -> DomainChange:
        kept = DomainChange(
            host=row.host,
            path=row.path,
            path_type=row.path_type,
            backend=row.backend,
            port=row.port,
            class_name=row.class_name,
            tls_secret=row.tls_secret,
            kind=row.kind,
            object=row.object,
            id=row.id,
            revision=row.revision,
        )
        return replace(kept, **more)  # type: ignore[arg-type]


@pytest.fixture
def made(world: World) -> Names:
    assert isinstance(world, KubernetesWorld)
    return Names(world)


@pytest.mark.smoke
def test_a_row_is_made_shown_changed_and_removed(made: Names) -> None:
    plan = made.facet.plan(made.scope, made.change("a"))
    assert plan.target.startswith("ingress/")
    assert made.world.api.call("GET", made.path())["items"] == []
    made.facet.save(made.scope, made.change("a"))
    (row,) = made.rows().values()
    assert (row.kind, row.host, row.path, row.path_type) == ("Ingress", made.host("a"), "/", "Prefix")
    assert (row.backend, row.port, row.tls, row.editable) == ("web", "80", False, True)
    made.facet.save(made.scope, made.changed(row, path="/shop"))
    (moved,) = made.rows().values()
    assert moved.path == "/shop"
    assert moved.object == row.object
    assert made.facet.plan_delete(made.scope, moved.id).hits
    made.facet.delete(made.scope, moved.id, revision=moved.revision)
    assert made.rows() == {}
    with pytest.raises(Missing):
        made.facet.delete(made.scope, moved.id)


def test_what_else_stands_in_the_same_object_stays(made: Names) -> None:
    made.ingress("shared", made.host("a"), made.host("b"))
    before = made.world.api.call("GET", made.path("shared"))
    row = made.rows()[f"{made.host('a')}/"]
    made.facet.save(made.scope, made.changed(row, path="/shop", path_type="Exact"))
    after = made.world.api.call("GET", made.path("shared"))
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
    kept = [rule for rule in after["spec"]["rules"] if rule["host"] == made.host("b")]
    assert kept == [rule for rule in before["spec"]["rules"] if rule["host"] == made.host("b")]
    made.facet.save(made.scope, replace(made.change("c"), object="shared"))
    assert {row.host for row in made.rows().values()} == {made.host(name) for name in "abc"}
    row = made.rows()[f"{made.host('a')}/shop"]
    made.facet.delete(made.scope, row.id, revision=row.revision)
    left = made.world.api.call("GET", made.path("shared"))
    assert [rule["host"] for rule in left["spec"]["rules"]] == [made.host("b"), made.host("c")]
    assert left["metadata"]["annotations"] == before["metadata"]["annotations"]


def test_a_host_and_path_that_is_taken_is_refused_with_who_has_it(made: Names) -> None:
    made.ingress("first", made.host("a"))
    for act in (made.facet.plan, made.facet.save):
        with pytest.raises(Conflict) as caught:
            act(made.scope, made.change("a"))
        assert "first" in f"{caught.value.sentence} {caught.value.hint}"
    assert len(made.rows()) == 1
    made.facet.save(made.scope, made.change("a", path="/other"))
    assert len(made.rows()) == 2


def test_a_host_and_path_of_another_namespace_is_refused_too(made: Names) -> None:
    made.service("web", 80, elsewhere=True)
    made.ingress("theirs", made.host("a"), elsewhere=True)
    with pytest.raises(Conflict):
        made.facet.save(made.scope, made.change("a"))
    assert made.rows() == {}


def test_whoever_was_slower_changes_nothing(made: Names) -> None:
    made.ingress("shared", made.host("a"))
    row = made.rows()[f"{made.host('a')}/"]
    found = made.world.api.call("GET", made.path("shared"))
    found["metadata"]["annotations"]["example.com/foreign"] = "newer"
    made.world.api.call("PUT", made.path("shared"), found)
    with pytest.raises(Stale):
        made.facet.save(made.scope, made.changed(row, path="/shop"))
    with pytest.raises(Stale):
        made.facet.delete(made.scope, row.id, revision=row.revision)
    kept = made.world.api.call("GET", made.path("shared"))
    assert kept["spec"] == found["spec"]
    assert kept["metadata"]["annotations"]["example.com/foreign"] == "newer"


def test_what_a_row_leads_to_and_what_is_wrong_with_it_is_said(made: Names) -> None:
    made.ingress("broken", made.host("a"), tls=[{"hosts": [made.host("a")], "secretName": "no-such"}])
    row = made.rows()[f"{made.host('a')}/"]
    assert (row.tls, row.tls_secret, row.ready) == (True, "no-such", 0)
    told = " ".join(row.problems)
    assert "no-such" in told
    assert "endpoint" in told
    choices = made.facet.list(made.scope).choices
    assert set(choices.backends["web"]) & {"80", "http"}
    assert "Ingress" in choices.kinds


def test_a_backend_that_is_not_there_is_refused_or_warned_of(made: Names) -> None:
    change, told = made.change("a", backend="no-such"), ""
    try:
        told = " ".join(made.facet.plan(made.scope, change).warnings)
    except RuntimeProblem as problem:
        told = problem.sentence
    assert "no-such" in told


@pytest.mark.parametrize("host", ["-a", "a b", "a..b", "*", "*.*.example.com", "a/b", "ä.example.com", "x" * 300])
def test_what_cannot_be_a_host_is_refused(made: Names, host: str) -> None:
    with pytest.raises(Invalid):
        made.facet.save(made.scope, replace(made.change("a"), host=host))
    assert made.rows() == {}


@pytest.mark.parametrize("change", [{"path": "shop"}, {"path": "/a//b"}, {"path_type": "Regex"}, {"port": "70000"}])
def test_what_no_rule_can_say_is_refused(made: Names, change: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        made.facet.save(made.scope, made.change("a", **change))
    assert made.rows() == {}


@pytest.mark.parametrize("id_", ["", "..", "ingress.no-such.0123456789ab", "ingress.shared", "a/b", "x" * 300])
def test_a_row_that_is_not_there_is_missing(made: Names, id_: str) -> None:
    made.ingress("shared", made.host("a"))
    with pytest.raises(Missing):
        made.facet.plan_delete(made.scope, id_)
    with pytest.raises(Missing):
        made.facet.delete(made.scope, id_)
    assert len(made.rows()) == 1


def test_rows_of_other_namespaces_are_invisible(made: Names) -> None:
    made.service("web", 80, elsewhere=True)
    made.ingress("theirs", made.host("b"), elsewhere=True)
    assert made.rows() == {}
    (theirs,) = made.facet.list(made.world.other_scope).items
    with pytest.raises(Missing):
        made.facet.delete(made.scope, theirs.id)


def test_a_default_backend_and_what_nobody_edits_here_survive_a_change(made: Names) -> None:
    default = {"service": {"name": "web", "port": {"name": "http"}}}
    made.ingress("shared", made.host("a"), defaultBackend=default)
    row = made.rows()[f"{made.host('a')}/"]
    made.facet.save(made.scope, made.changed(row, path="/shop"))
    assert made.world.api.call("GET", made.path("shared"))["spec"]["defaultBackend"] == default


def test_the_line_of_a_plan_does_what_saving_does(made: Names, kubectl: Path, tmp_path: Path) -> None:
    made.ingress("shared", made.host("a"), made.host("b"))
    row = made.rows()[f"{made.host('a')}/"]
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(made.world.api.kubeconfig)
    words = shlex.split(made.facet.plan(made.scope, made.changed(row, path="/shop")).command)
    argv = [str(kubectl), "--kubeconfig", str(kubeconfig), *words[1:]]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LINE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert set(made.rows()) == {f"{made.host('a')}/shop", f"{made.host('b')}/"}
