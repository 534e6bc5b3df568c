"""The Config facet: keys and values as they are, written once at what was looked at, and none where it may not be."""

from __future__ import annotations

import base64
import shlex
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from runtimes.base import Scope
from runtimes.config import Config, ConfigChange, Holder
from runtimes.errors import Conflict, Invalid, Missing, RuntimeProblem, Stale
from tests.contract.deploying import on_clusters, template
from tests.contract.world_kubernetes import KubernetesWorld, Obj
from tests.contract.worlds import SECRET_VALUE, World, settle

pytestmark = on_clusters
HOLDERS: tuple[Holder, ...] = get_args(Holder)
KIND = {"configmaps": "ConfigMap", "secrets": "Secret"}
LARGE_BYTES = 2**20 - 100
LINE_S = 60.0


class Objects:
    """The ConfigMaps and Secrets of a world's namespace."""

    def __init__(self, world: KubernetesWorld) -> None:
        self.world = world
        self.scope: Scope = world.scope
        found = world.runtime.config
        assert found is not None
        self.facet: Config = found

    def path(self, holder: str, name: str = "", *, namespace: str = "") -> str:
        space = namespace or self.scope.namespace
        return f"/api/v1/namespaces/{space}/{holder}" + (f"/{name}" if name else "")

    def make(self, holder: str, name: str, values: dict[str, bytes], **more: object) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in values.items()}
        body: Obj = {"metadata": {"name": name}, **more}
        body["data" if holder == "secrets" else "binaryData"] = encoded
        if holder == "configmaps":
            body |= {"data": {key: value.decode() for key, value in values.items()}, "binaryData": {}}
        self.world.api.call("POST", self.path(holder), body)

    def raw(self, holder: str, name: str) -> Obj:
        return self.world.api.call("GET", self.path(holder, name))

    def values(self, holder: Holder, name: str) -> dict[str, bytes]:
        return dict(self.facet.get(self.scope, holder, name).values)

    def revision(self, holder: Holder, name: str) -> str:
        return self.facet.get(self.scope, holder, name).about.revision

    def save(self, holder: Holder, name: str, values: dict[str, bytes], **more: object) -> object:
        revision = str(more.pop("revision", self.revision(holder, name)))
        change = ConfigChange(holder=holder, name=name, values=values, revision=revision, **more)  # type: ignore[arg-type]
        return self.facet.save(self.scope, change)


@pytest.fixture
def made(world: World) -> Objects:
    assert isinstance(world, KubernetesWorld)
    return Objects(world)


@pytest.mark.smoke
@pytest.mark.parametrize("holder", HOLDERS)
def test_one_is_listed_without_and_read_with_its_values(made: Objects, holder: Holder) -> None:
    values = {"LEVEL": b"info", "app.conf": b"a = 1\nb = 2\n", "empty": b""}
    made.make(holder, "web", values)
    found = next(each for each in made.facet.list(made.scope).items if each.name == "web")
    assert (found.holder, sorted(found.keys)) == (holder, sorted(values))
    assert found.size_bytes == sum(map(len, values.values()))
    assert not found.immutable
    content = made.facet.get(made.scope, holder, "web")
    assert dict(content.values) == values
    assert content.about.revision
    assert "a = 1" not in repr(content)
    assert made.facet.list(made.world.other_scope).items == tuple(
        each for each in made.facet.list(made.world.other_scope).items if each.name != "web"
    )


@pytest.mark.parametrize("holder", HOLDERS)
def test_what_is_no_text_comes_back_byte_for_byte(made: Objects, holder: Holder) -> None:
    wanted = {"key": bytes(range(256)), "text": "grün\r\n\ttab".encode(), "last": b"no newline"}
    change = ConfigChange(holder=holder, name="web", values=wanted)
    assert made.facet.save(made.scope, change).made
    assert made.values(holder, "web") == wanted
    wanted["key"] = bytes(reversed(range(256)))
    made.save(holder, "web", wanted)
    assert made.values(holder, "web") == wanted


@pytest.mark.smoke
@pytest.mark.parametrize("holder", HOLDERS)
def test_a_plan_writes_nothing_and_saving_writes_once(made: Objects, holder: Holder) -> None:
    made.make(holder, "web", {"A": b"1", "B": b"2", "C": b"3"})
    before = made.raw(holder, "web")
    values, revision = {"A": b"1", "B": b"20", "D": b"4"}, made.revision(holder, "web")
    change = ConfigChange(holder=holder, name="web", values=values, revision=revision)
    plan = made.facet.plan(made.scope, change)
    assert [each.what for each in plan.differences] == ["key B", "key C", "key D"]
    assert not plan.unchanged
    assert made.raw(holder, "web") == before
    made.facet.save(made.scope, change)
    assert made.values(holder, "web") == values
    assert made.facet.plan(
        made.scope,
        ConfigChange(holder=holder, name="web", values=values, revision=made.revision(holder, "web")),
    ).unchanged


def test_no_value_of_a_secret_stands_in_a_plan(made: Objects) -> None:
    made.make("secrets", "web", {"password": SECRET_VALUE.encode()})
    change = ConfigChange(
        holder="secrets",
        name="web",
        values={"password": f"{SECRET_VALUE}-new".encode(), "more": SECRET_VALUE.encode()},
        revision=made.revision("secrets", "web"),
    )
    plan = repr(made.facet.plan(made.scope, change)) + repr(change)
    assert SECRET_VALUE not in plan
    assert base64.b64encode(SECRET_VALUE.encode()).decode().rstrip("=") not in plan
    assert SECRET_VALUE not in repr(made.facet.get(made.scope, "secrets", "web"))


@pytest.mark.parametrize("holder", HOLDERS)
def test_whoever_was_slower_changes_nothing(made: Objects, holder: Holder) -> None:
    made.make(holder, "web", {"A": b"1"})
    seen = made.revision(holder, "web")
    made.save(holder, "web", {"A": b"2"})
    with pytest.raises(Stale) as caught:
        made.save(holder, "web", {"A": b"3"}, revision=seen)
    assert caught.value.hint
    with pytest.raises(Stale):
        made.facet.delete(made.scope, holder, "web", revision=seen)
    assert made.values(holder, "web") == {"A": b"2"}
    made.facet.delete(made.scope, holder, "web", revision=made.revision(holder, "web"))
    with pytest.raises(Missing):
        made.facet.get(made.scope, holder, "web")


@pytest.mark.parametrize("holder", HOLDERS)
def test_one_that_is_there_is_not_created_over(made: Objects, holder: Holder) -> None:
    made.make(holder, "web", {"A": b"1"})
    with pytest.raises(Conflict):
        made.facet.save(made.scope, ConfigChange(holder=holder, name="web", values={"A": b"2"}))
    assert made.values(holder, "web") == {"A": b"1"}


@pytest.mark.parametrize("holder", HOLDERS)
def test_one_that_was_deleted_meanwhile_is_not_made_again(made: Objects, holder: Holder) -> None:
    made.make(holder, "web", {"A": b"1"})
    seen = made.revision(holder, "web")
    made.world.api.call("DELETE", made.path(holder, "web"))
    with pytest.raises((Stale, Missing)):
        made.save(holder, "web", {"A": b"2"}, revision=seen)
    assert made.world.api.there(made.path(holder, "web")) is None


@pytest.mark.parametrize("holder", HOLDERS)
def test_what_somebody_else_wrote_around_the_values_stays(made: Objects, holder: Holder) -> None:
    made.make(holder, "web", {"A": b"1"})
    found = made.raw(holder, "web")
    found["metadata"]["labels"] = {"team": "shop"}
    found["metadata"]["annotations"] = {"example.com/note": "keep"}
    made.world.api.call("PUT", made.path(holder, "web"), found)
    made.save(holder, "web", {"A": b"2"})
    kept = made.raw(holder, "web")["metadata"]
    assert kept["labels"]["team"] == "shop"
    assert kept["annotations"]["example.com/note"] == "keep"


@pytest.mark.parametrize("holder", HOLDERS)
def test_an_immutable_one_is_said_and_not_changed(made: Objects, holder: Holder) -> None:
    made.make(holder, "web", {"A": b"1"}, immutable=True)
    assert made.facet.get(made.scope, holder, "web").about.immutable
    with pytest.raises((Invalid, Conflict)) as caught:
        made.save(holder, "web", {"A": b"2"})
    assert "immutable" in caught.value.sentence
    assert made.values(holder, "web") == {"A": b"1"}


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "a b", "ä", "x" * 254, "a\n"])
@pytest.mark.parametrize("holder", HOLDERS)
def test_what_cannot_be_a_key_is_refused(made: Objects, holder: Holder, key: str) -> None:
    with pytest.raises(Invalid):
        made.facet.save(made.scope, ConfigChange(holder=holder, name="web", values={key: b"1"}))
    assert made.world.api.there(made.path(holder, "web")) is None


@pytest.mark.parametrize("name", ["", "..", "A", "a/b", "a b", "x" * 254, "-a"])
def test_what_cannot_be_a_name_is_refused(made: Objects, name: str) -> None:
    for holder in HOLDERS:
        with pytest.raises((Invalid, Missing)):
            made.facet.save(made.scope, ConfigChange(holder=holder, name=name, values={"A": b"1"}))


@pytest.mark.parametrize("holder", HOLDERS)
def test_almost_a_megabyte_is_saved_and_more_is_refused(made: Objects, holder: Holder) -> None:
    large = b"x" * LARGE_BYTES
    made.facet.save(made.scope, ConfigChange(holder=holder, name="large", values={"A": large}))
    assert made.values(holder, "large") == {"A": large}
    with pytest.raises(RuntimeProblem) as caught:
        made.save(holder, "large", {"A": large, "B": b"y" * 200})
    assert caught.value.sentence
    assert made.values(holder, "large") == {"A": large}


def test_a_type_is_made_and_what_it_lacks_is_said(made: Objects) -> None:
    login = b'{"auths": {"registry.example.com": {"auth": "bm9ib2R5"}}}'
    kind = "kubernetes.io/dockerconfigjson"
    with pytest.raises(Invalid):
        made.facet.save(made.scope, ConfigChange(holder="secrets", name="pull", values={"a": b"1"}, type=kind))
    change = ConfigChange(holder="secrets", name="pull", values={".dockerconfigjson": login}, type=kind)
    made.facet.save(made.scope, change)
    assert made.raw("secrets", "pull")["type"] == kind
    assert made.facet.get(made.scope, "secrets", "pull").registries == ("registry.example.com",)


def test_who_uses_a_key_is_said_with_how(made: Objects) -> None:
    made.make("configmaps", "web", {"LEVEL": b"info"})
    made.make("secrets", "web", {"password": b"1"})
    pod = template("web")
    pod["spec"]["containers"][0] |= {
        "env": [{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "web", "key": "LEVEL"}}}],
        "envFrom": [{"secretRef": {"name": "web"}}],
        "volumeMounts": [{"name": "config", "mountPath": "/config"}],
    }
    pod["spec"]["volumes"] = [{"name": "config", "configMap": {"name": "web"}}]
    path = f"/apis/apps/v1/namespaces/{made.scope.namespace}/deployments"
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": pod}
    made.world.api.call("POST", path, {"metadata": {"name": "web"}, "spec": spec})
    settle(lambda: bool(made.facet.uses(made.scope, "configmaps", "web")), "the use of a ConfigMap")
    uses = made.facet.uses(made.scope, "configmaps", "web")
    assert {(each.workload, each.key, each.live) for each in uses} == {
        ("deployment.web", "LEVEL", False),
        ("deployment.web", "*", True),
    }
    (whole,) = made.facet.uses(made.scope, "secrets", "web")
    assert (whole.key, whole.live) == ("*", False)
    assert "web" in whole.how
    assert made.facet.uses(made.scope, "secrets", "other") in ((), [])


def test_what_helm_keeps_says_so(made: Objects) -> None:
    made.make("configmaps", "web", {"A": b"1"})
    found = made.raw("configmaps", "web")
    found["metadata"] |= {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"},
    }
    made.world.api.call("PUT", made.path("configmaps", "web"), found)
    content = made.facet.get(made.scope, "configmaps", "web")
    assert "Helm" in content.about.managed_by
    change = ConfigChange(holder="configmaps", name="web", values={"A": b"2"}, revision=content.about.revision)
    assert any("Helm" in warning for warning in made.facet.plan(made.scope, change).warnings)


def test_the_line_of_a_plan_does_what_saving_does(made: Objects, kubectl: Path, tmp_path: Path) -> None:
    made.make("configmaps", "web", {"A": b"1", "B": b'it\'s "quoted" $HOME `x`'})
    wanted = {"A": b"two words; rm -rf /", "C": "grün".encode()}
    change = ConfigChange(holder="configmaps", name="web", values=wanted, revision=made.revision("configmaps", "web"))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(made.world.api.kubeconfig)
    words = shlex.split(made.facet.plan(made.scope, change).command)
    argv = [str(kubectl), "--kubeconfig", str(kubeconfig), *words[1:]]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LINE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert made.values("configmaps", "web") == wanted
