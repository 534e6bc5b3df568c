"""Who holds which field: what an apply and an update do to documents and to the record of their managers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.documents import copied
from opsmodal.demo.kinds import stored
from opsmodal.demo.ownership.managers import read_entries
from opsmodal.demo.ownership.paths import read, shown, written
from opsmodal.demo.ownership.walk import compare, fields_of, merged
from opsmodal.demo.ownership.writes import APPLY, UPDATE, Manager, applied, updated
from opsmodal.demo.problems import Problem
from opsmodal.demo.schema.shapes import shape_of

SHAPE = shape_of(stored("deployments"))
MAPS = shape_of(stored("configmaps"))
NOW = "2026-11-21T07:00:00Z"
ONE, TWO = (Manager(name=name, operation=APPLY, api_version="apps/v1") for name in ("one", "two"))
TYPIST = Manager(name="typist", operation=UPDATE, api_version="apps/v1")


def deployment(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return deployment(template={"spec": {"containers": list(items)}})


def apply(live: dict[str, Any] | None, config: dict[str, Any], by: Manager, *, force: bool = False) -> dict[str, Any]:
    result, record = applied(SHAPE, live, copied(config), by, now=NOW, status=True, force=force)
    return result | {"metadata": result["metadata"] | {"managedFields": record}}


def held(document: dict[str, Any], name: str) -> set[str]:
    entries = read_entries(document["metadata"]["managedFields"])
    return {shown(path) for manager, found in entries.items() if manager.name == name for path in found.fields}


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        (deployment(replicas=2), {".spec.replicas"}),
        (deployment(selector={"matchLabels": {"a": "b"}}), {".spec.selector"}),
        (
            containers({"name": "a", "command": ["x", "y"], "ports": [{"containerPort": 80}]}),
            {
                f".spec.template.spec.containers{rest}"
                for rest in (
                    '[name="a"]',
                    '[name="a"].name',
                    '[name="a"].command',
                    '[name="a"].ports[containerPort=80,protocol="TCP"]',
                    '[name="a"].ports[containerPort=80,protocol="TCP"].containerPort',
                )
            },
        ),
        (deployment(strategy={}), {".spec.strategy"}),
    ],
    ids=("scalar", "an atomic map", "keyed lists", "an empty map"),
)
def test_what_counts_as_one_field(document: dict[str, Any], fields: set[str]) -> None:
    found = {shown(path) for path in fields_of(SHAPE, {"spec": document["spec"]})}
    assert found == fields


def test_a_finalizer_is_a_field_of_its_own() -> None:
    found = {shown(path) for path in fields_of(MAPS, {"metadata": {"finalizers": ["example.com/a"]}})}
    assert found == {'.metadata.finalizers[="example.com/a"]'}


def test_an_apply_is_refused_where_another_holds_another_value() -> None:
    live = apply(None, deployment(replicas=1, paused=False), ONE)
    with pytest.raises(Problem) as refused:
        apply(live, deployment(replicas=2, paused=True), TWO)
    assert refused.value.code == 409
    assert (
        refused.value.message
        == 'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.paused\n- .spec.replicas'
    )
    assert [cause["field"] for cause in refused.value.details["causes"]] == [".spec.paused", ".spec.replicas"]
    assert {cause["reason"] for cause in refused.value.details["causes"]} == {"FieldManagerConflict"}


def test_two_managers_may_hold_a_field_with_the_same_value() -> None:
    live = apply(apply(None, deployment(replicas=1), ONE), deployment(replicas=1), TWO)
    assert held(live, "one") == held(live, "two") == {".spec.replicas"}


def test_force_takes_a_field_away() -> None:
    live = apply(apply(None, deployment(replicas=1), ONE), deployment(replicas=2), TWO, force=True)
    assert live["spec"] == {"replicas": 2}
    assert (held(live, "one"), held(live, "two")) == (set(), {".spec.replicas"})


def test_what_is_no_longer_applied_goes_unless_another_holds_it() -> None:
    live = apply(None, deployment(replicas=1, paused=True, minReadySeconds=3), ONE)
    live = apply(live, deployment(paused=True), TWO)
    live = apply(live, deployment(minReadySeconds=3), ONE)
    assert live["spec"] == {"paused": True, "minReadySeconds": 3}


def test_a_list_item_goes_with_its_last_holder_and_takes_its_defaults_along() -> None:
    live = apply(None, containers({"name": "a", "image": "x"}, {"name": "b", "image": "y"}), ONE)
    live["spec"]["template"]["spec"]["containers"][1]["imagePullPolicy"] = "Always"
    live = apply(live, containers({"name": "a", "image": "x"}), ONE)
    assert [item["name"] for item in live["spec"]["template"]["spec"]["containers"]] == ["a"]


def test_an_item_stays_where_another_holds_part_of_it() -> None:
    live = apply(None, containers({"name": "a", "image": "x", "tty": True}), ONE)
    live = apply(live, containers({"name": "a", "stdin": True}), TWO)
    live = apply(live, containers(), ONE)
    assert live["spec"]["template"]["spec"]["containers"] == [{"name": "a", "stdin": True}]


def test_an_update_takes_exactly_what_it_changes() -> None:
    live = apply(None, deployment(replicas=1, paused=True), ONE)
    after = copied(live)
    after["spec"]["replicas"] = 5
    after["metadata"]["managedFields"] = updated(SHAPE, live, after, TYPIST, now=NOW, status=True)
    assert (held(after, "one"), held(after, "typist")) == ({".spec.paused"}, {".spec.replicas"})
    with pytest.raises(Problem, match=r'conflict with "typist" using apps/v1: \.spec\.replicas'):
        apply(after, deployment(replicas=1), ONE)


def test_who_made_an_object_without_a_record_holds_it_at_the_first_apply() -> None:
    with pytest.raises(Problem, match=r'conflict with "before-first-apply" using apps/v1: \.spec\.replicas'):
        apply(deployment(replicas=3), deployment(replicas=1), ONE)


def test_status_is_nobodys_through_the_object_itself() -> None:
    live = apply(None, deployment(replicas=1) | {"status": {"replicas": 9}}, ONE)
    assert held(live, "one") == {".spec.replicas"}


def test_scaling_takes_replicas_only_from_a_holder() -> None:
    scale = Manager(name="kubectl", operation=UPDATE, api_version="apps/v1", subresource="scale")
    live = apply(None, deployment(paused=True), ONE)
    after = deployment(paused=True, replicas=3)
    record = updated(SHAPE, live, after, scale, now=NOW, status=True)
    assert {entry["manager"] for entry in record} == {"one"}
    live = apply(None, deployment(replicas=1), ONE)
    record = updated(SHAPE, live, deployment(replicas=3), scale, now=NOW, status=True)
    assert [(entry["manager"], entry["subresource"]) for entry in record] == [("kubectl", "scale")]


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "data": st.dictionaries(st.sampled_from("abcd"), st.text(alphabet="xy", max_size=1), max_size=3),
        "metadata": st.fixed_dictionaries(
            {}, optional={"labels": st.dictionaries(st.sampled_from("lm"), st.text(alphabet="xy", max_size=1))}
        ),
    },
)


@given(SPECS)
def test_a_record_reads_back_as_it_was_written(document: dict[str, Any]) -> None:
    fields = frozenset(path for path in fields_of(MAPS, document) if path)
    assert read(written(fields)) == fields


@given(SPECS, SPECS)
def test_laying_over_changes_only_what_is_named(old: dict[str, Any], new: dict[str, Any]) -> None:
    result = merged(MAPS, old, new)
    difference = compare(MAPS, result, new)
    assert not difference.modified
    assert not {path for path in difference.added if path}


@given(st.lists(SPECS, min_size=1, max_size=4))
def test_the_last_apply_of_a_lone_manager_is_what_there_is(configs: list[dict[str, Any]]) -> None:
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    live: dict[str, Any] | None = None
    for config in configs:
        asked = head | copied(config) | {"metadata": {"name": "x"} | copied(config.get("metadata") or {})}
        result, record = applied(MAPS, live, copied(asked), ONE, now=NOW, status=False, force=False)
        live = copied(result)
        live["metadata"]["managedFields"] = record
    assert live is not None
    assert (live.get("data") or {}) == (asked.get("data") or {})
    assert (live["metadata"].get("labels") or {}) == (asked["metadata"].get("labels") or {})
