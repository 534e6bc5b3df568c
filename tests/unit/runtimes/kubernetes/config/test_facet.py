"""The Config facet against the simulated cluster: reading, planning, saving, deleting, and who may not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster, start
from runtimes.base import Runtime, Scope
from runtimes.config import Config, ConfigChange, Holder
from runtimes.errors import Conflict, Denied, Invalid, Missing, Stale
from runtimes.kubernetes.open import open_kubernetes

SHOP = Scope(service="shop", namespace="shop", selector="app.kubernetes.io/part-of=shop")
PLANTED = "xK9-planted-value-77"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def runtime(cluster: Cluster) -> Iterator[Runtime]:
    opened = open_kubernetes("demo", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct())
    yield opened
    opened.close()


@pytest.fixture
def config(runtime: Runtime) -> Config:
    assert runtime.config is not None
    return runtime.config


def made(cluster: Cluster, holder: Holder, name: str, **more: Any) -> None:
    kind = "Secret" if holder == "secrets" else "ConfigMap"
    cluster.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}} | more)


def change(config: Config, holder: Holder, name: str, **values: bytes) -> ConfigChange:
    found = config.get(SHOP, holder, name)
    return ConfigChange(
        holder=holder,
        name=name,
        values={**found.values, **values},
        revision=found.about.revision,
        type=found.about.type,
    )


def test_the_list_has_names_of_keys_and_no_values(config: Config) -> None:
    found = {(each.holder, each.name): each for each in config.list(SHOP).items}
    settings, secret = found["configmaps", "web-settings"], found["secrets", "db-credentials"]
    assert settings.keys == ("CURRENCY", "FEATURE_SEARCH", "LOG_LEVEL")
    assert settings.size_bytes == len("EUR" + "on" + "info")
    assert (secret.keys, secret.type) == (("password", "username"), "Opaque")
    assert secret.size_bytes == len("demo-only-not-a-secret" + "shop")
    assert "demo-only" not in repr(config.list(SHOP))


def test_one_is_read_with_its_values_and_who_uses_it(config: Config) -> None:
    found = config.get(SHOP, "configmaps", "web-settings")
    assert found.values["LOG_LEVEL"] == b"info"
    assert [(use.workload, use.key, use.how, use.live) for use in found.uses] == [
        ("deployment.web", "*", "environment of web", False)
    ]
    secret = config.get(SHOP, "secrets", "db-credentials")
    assert secret.values["password"] == b"demo-only-not-a-secret"
    assert [(use.workload, use.key, use.how) for use in secret.uses] == [
        ("deployment.web", "password", "env DB_PASSWORD of web")
    ]
    assert "demo-only" not in repr(secret)


def test_a_plan_changes_nothing_and_saving_does_what_it_says(config: Config, cluster: Cluster) -> None:
    made(cluster, "configmaps", "plan-me", data={"A": "1", "B": "2"})
    before = config.get(SHOP, "configmaps", "plan-me")
    wanted = ConfigChange(
        holder="configmaps", name="plan-me", values={"A": b"one", "C": b"\xff\x00"}, revision=before.about.revision
    )
    plan = config.plan(SHOP, wanted)
    assert [(each.what, each.before, each.after) for each in plan.differences] == [
        ("key A", "1", "one"),
        ("key B", "2", ""),
        ("key C", "", "2 bytes"),
    ]
    assert plan.revision == before.about.revision
    assert not plan.unchanged
    assert config.get(SHOP, "configmaps", "plan-me").values == before.values
    applied = config.save(SHOP, wanted)
    after = config.get(SHOP, "configmaps", "plan-me")
    assert (applied.revision, after.values) == (after.about.revision, wanted.values)
    text = ConfigChange(holder="configmaps", name="plan-me", values={"C": b"text"}, revision=after.about.revision)
    config.save(SHOP, text)
    assert config.get(SHOP, "configmaps", "plan-me").values == {"C": b"text"}, "binary becomes text in its place"


def test_what_moved_meanwhile_is_not_overwritten(config: Config, cluster: Cluster) -> None:
    made(cluster, "configmaps", "contested", data={"A": "1"})
    first, second = change(config, "configmaps", "contested", A=b"2"), change(config, "configmaps", "contested", A=b"3")
    config.save(SHOP, first)
    for late in (config.plan, config.save):
        with pytest.raises(Stale):
            late(SHOP, second)
    with pytest.raises(Stale):
        config.delete(SHOP, "configmaps", "contested", revision=second.revision)
    assert config.get(SHOP, "configmaps", "contested").values == {"A": b"2"}
    config.delete(SHOP, "configmaps", "contested", revision="")
    with pytest.raises(Missing):
        config.get(SHOP, "configmaps", "contested")
    with pytest.raises(Stale):
        config.save(SHOP, second)


def test_labels_annotations_and_unchanged_keys_stay(config: Config, cluster: Cluster) -> None:
    metadata = {"name": "kept", "namespace": "shop", "labels": {"team": "a"}, "annotations": {"note": "b"}}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"A": "MQ==", "B": "Mg=="}})
    config.save(SHOP, change(config, "secrets", "kept", A=b"one"))
    stored = cluster.world.storage.get(_kind(cluster, "secrets"), "shop", "kept")
    assert stored is not None
    assert stored.document["metadata"]["labels"] == {"team": "a"}
    assert stored.document["metadata"]["annotations"] == {"note": "b"}
    assert stored.document["data"] == {"A": base64.b64encode(b"one").decode(), "B": "Mg=="}


def test_creating_says_what_exists_and_types_need_their_keys(config: Config) -> None:
    with pytest.raises(Conflict, match="exists already"):
        config.plan(SHOP, ConfigChange(holder="secrets", name="db-credentials", values={"A": b"1"}))
    with pytest.raises(Invalid, match=r"tls\.crt and tls\.key"):
        config.plan(SHOP, ConfigChange(holder="secrets", name="cert", values={}, type="kubernetes.io/tls"))
    wanted = ConfigChange(holder="secrets", name="fresh", values={"A": PLANTED.encode()})
    plan = config.plan(SHOP, wanted)
    assert plan.command == "kubectl -n shop create secret generic fresh --from-file=A=FILE"
    assert PLANTED not in repr(plan)
    assert PLANTED not in repr(wanted)
    assert config.save(SHOP, wanted).made == "secret/fresh"
    assert config.get(SHOP, "secrets", "fresh").about.type == "Opaque"


def test_a_plan_of_a_secret_tells_no_value(config: Config, cluster: Cluster) -> None:
    made(cluster, "secrets", "told", stringData={"A": PLANTED, "B": "x"})
    plan = config.plan(SHOP, change(config, "secrets", "told", A=b"another-" + PLANTED.encode()))
    encoded = base64.b64encode(PLANTED.encode()).decode()
    assert [(each.what, each.before, each.after) for each in plan.differences] == [
        ("key A", "20 bytes", "another value, 28 bytes")
    ]
    assert PLANTED not in repr(plan)
    assert encoded[:12] not in repr(plan)
    assert plan.command == """kubectl -n shop patch secret told --type=merge -p '{"data": {"A": "BASE64"}}'"""
    assert plan.diff == ""


def test_an_immutable_one_says_so_and_stays(config: Config, cluster: Cluster) -> None:
    made(cluster, "configmaps", "fixed", data={"A": "1"}, immutable=True)
    assert config.get(SHOP, "configmaps", "fixed").about.immutable
    with pytest.raises(Invalid, match="immutable"):
        config.save(SHOP, change(config, "configmaps", "fixed", A=b"2"))


def test_tokens_of_service_accounts_are_neither_changed_nor_made(config: Config, cluster: Cluster) -> None:
    kind = "kubernetes.io/service-account-token"
    metadata = {"name": "sa", "namespace": "shop", "annotations": {"kubernetes.io/service-account.name": "default"}}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": {"token": "MQ=="}}
    cluster.create(body)
    assert config.get(SHOP, "secrets", "sa").about.locked
    with pytest.raises(Invalid, match="not changed here"):
        config.save(SHOP, change(config, "secrets", "sa", token=b"2"))
    with pytest.raises(Invalid, match="not made here"):
        config.save(SHOP, ConfigChange(holder="secrets", name="mine", values={}, type=kind))


@pytest.mark.parametrize("name", ["..", "a/b", "<b>", "\x1b[31m", "A", "", "a" * 300])
def test_an_impossible_name_is_missing_or_refused(config: Config, name: str) -> None:
    with pytest.raises(Missing):
        config.get(SHOP, "secrets", name)
    with pytest.raises(Invalid):
        config.save(SHOP, ConfigChange(holder="secrets", name=name, values={}))


def test_other_namespaces_are_out_of_reach(config: Config) -> None:
    with pytest.raises(Missing):
        config.get(Scope(service="payments", namespace="payments"), "secrets", "db-credentials")


def test_who_may_not_read_is_told_so(cluster: Cluster) -> None:
    text = cluster.kubeconfig("narrow", namespace="shop")
    opened = open_kubernetes("narrow", kubeconfig=text, context=None, connection=Direct())
    try:
        assert opened.config is not None
        with pytest.raises(Denied):
            opened.config.get(Scope(service="payments", namespace="payments"), "secrets", "any")
        with pytest.raises(Denied):
            opened.config.list(Scope(service="payments", namespace="payments"))
    finally:
        opened.close()


def test_a_megabyte_is_read_and_saved(config: Config, cluster: Cluster) -> None:
    line = b"a line of forty characters, more or less\n"
    text = line * (1_000_000 // len(line))
    config.save(SHOP, ConfigChange(holder="configmaps", name="large", values={"app.log": text}))
    changed = text[:500_000] + b"!" + text[500_000:]
    plan = config.plan(SHOP, change(config, "configmaps", "large", **{"app.log": changed}))
    assert len(plan.diff) < 2_000
    assert "+" in plan.diff
    assert len(plan.command) < 200
    config.save(SHOP, change(config, "configmaps", "large", **{"app.log": changed}))
    assert config.get(SHOP, "configmaps", "large").values["app.log"] == changed
    with pytest.raises(Invalid, match="1,048,576"):
        config.save(SHOP, change(config, "configmaps", "large", more=b"x" * 60_000))


def _kind(cluster: Cluster, resource: str) -> Any:
    from opsmodal.demo.kinds import stored

    return stored(resource)
