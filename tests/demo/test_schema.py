"""The schemas that are made out of the client library, and what is found with them."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.demo.kinds import KINDS, Kind, stored
from opsmodal.demo.schema import facts, models
from opsmodal.demo.schema.shapes import of_field, shape_of
from opsmodal.demo.schema.strictness import Mistyped, check_types, pruned, unknown

DEPLOYMENTS, PODS = shape_of(stored("deployments")), shape_of(stored("pods"))


def pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a"} | container]}}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource)
def test_every_stored_kind_is_described(kind: Kind) -> None:
    assert models.has_model(kind)
    found = models.closure({models.reference(models.model_name(kind))})
    assert all("properties" in schema or "oneOf" in schema or schema for schema in found.values())


def test_the_facts_name_fields_that_there_are() -> None:
    known = {models.plain_name(name) for name in models._references().values()}
    named = {owner for owner, _ in [*facts.MAP_KEYS, *facts.SETS, *facts.ATOMIC_MAPS, *facts.QUANTITIES]}
    assert named <= known
    for owner, field in [*facts.MAP_KEYS, *facts.SETS, *facts.ATOMIC_MAPS]:
        schemas = [models.schema_of(name) for name in models._references().values() if models.plain_name(name) == owner]
        assert any(field in schema["properties"] for schema in schemas), f"{owner}.{field}"


def test_fields_carry_names_types_and_descriptions() -> None:
    ports = of_field(of_field(PODS, "spec"), "containers")
    assert ports is not None
    container = models.schema_of("V1Container")
    assert container["required"] == ["name"]
    assert container["properties"]["ports"]["x-kubernetes-list-map-keys"] == ["containerPort", "protocol"]
    assert container["properties"]["image"]["description"]


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"spec": {"replicas": 1, "foo": 1, "bar": {"x": 2}}}, ["spec.foo", "spec.bar"]),
        (
            {"spec": {"template": {"spec": {"containers": [{"name": "a"}, {"imagee": "x"}]}}}},
            ["spec.template.spec.containers[1].imagee"],
        ),
        ({"metadata": {"lables": {}}, "stauts": {}}, ["metadata.lables", "stauts"]),
        ({"metadata": {"labels": {"anything": "goes"}, "annotations": {"this": "too"}}}, []),
    ],
)
def test_unknown_fields_are_found_and_taken_out(document: dict[str, Any], paths: list[str]) -> None:
    assert list(unknown(DEPLOYMENTS, document)) == paths
    assert list(unknown(DEPLOYMENTS, pruned(DEPLOYMENTS, document))) == []


@pytest.mark.parametrize(
    ("shape", "document", "words"),
    [
        (
            DEPLOYMENTS,
            {"spec": {"replicas": "x"}},
            "string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            PODS,
            pod(env=[{"name": "A", "value": 1}]),
            "number into Go struct field EnvVar.spec.containers.env.value of type string",
        ),
        (PODS, pod(tty="yes"), "string into Go struct field Container.spec.containers.tty of type bool"),
        (
            PODS,
            pod(command="sleep 1"),
            "string into Go struct field Container.spec.containers.command of type []string",
        ),
        (PODS, {"spec": []}, "array into Go struct field Pod.spec of type v1.PodSpec"),
    ],
)
def test_values_of_the_wrong_type_are_worded_as_go_does(shape: Any, document: dict[str, Any], words: str) -> None:
    with pytest.raises(Mistyped) as found:
        check_types(shape, document)
    assert str(found.value) == f"json: cannot unmarshal {words}"


@pytest.mark.parametrize(
    "document",
    [
        pod(resources={"limits": {"cpu": 1, "memory": "1Gi"}}),
        pod(livenessProbe={"httpGet": {"port": "http"}}),
        pod(livenessProbe={"httpGet": {"port": 80}}),
        {"metadata": {"creationTimestamp": None}, "spec": {"containers": [{"name": "a", "command": None}]}},
    ],
    ids=("a quantity as a number", "a named port", "a port as a number", "nulls"),
)
def test_what_may_be_written_in_two_ways_is_accepted(document: dict[str, Any]) -> None:
    check_types(PODS, document)
