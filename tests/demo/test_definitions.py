"""Custom kinds: paths, printed columns, and what is wrong with values and with definitions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opsmodal.demo.definitions import checks, values
from opsmodal.demo.definitions.jsonpath import found_at, put_at
from opsmodal.demo.definitions.printing import layout_of
from opsmodal.demo.definitions.reading import kinds_of
from opsmodal.demo.gateway import definitions
from opsmodal.demo.kinds import Custom
from tests.demo.conftest import Client, settle

DOCUMENT = {
    "metadata": {"name": "w", "annotations": {"a.b/c": "x"}, "creationTimestamp": "2026-11-21T06:00:00Z"},
    "spec": {"items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}], "size": "small"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Old", "status": "False"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.size", ["small"]),
        (".spec.items[1].name", ["b"]),
        (".spec.items[-1].n", [2]),
        (".spec.items[*].name", ["a", "b"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        ('.status.conditions[?(@.type!="Ready")].type', ["Old"]),
        (r".metadata.annotations.a\.b/c", ["x"]),
        (".metadata.annotations['a.b/c']", ["x"]),
        (".spec.absent.further", []),
        ("spec.size", []),
        (".spec.items[x]", []),
    ],
)
def test_a_path_finds_what_it_names(path: str, found: list[Any]) -> None:
    assert found_at(DOCUMENT, path) == found


def test_a_path_of_fields_can_be_set_where_nothing_was() -> None:
    document: dict[str, Any] = {}
    put_at(document, ".spec.replicas", 3)
    assert document == {"spec": {"replicas": 3}}


def test_columns_are_printed_as_their_definition_asks() -> None:
    columns = (
        {"name": "Size", "type": "string", "jsonPath": ".spec.size"},
        {"name": "Names", "type": "string", "jsonPath": ".spec.items[*].name", "priority": 1},
        {"name": "None", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "Made", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    )
    layout = layout_of(Custom(definition="x", shape={}, columns=columns))
    assert [(column.name, column.wide) for column in layout.columns][:3] == [
        ("Name", False),
        ("Size", False),
        ("Names", True),
    ]
    now = datetime(2026, 11, 21, 6, 5, tzinfo=UTC)
    assert layout.cells(DOCUMENT, now) == ["w", "small", "a,b", None, "5m"]


SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "string", "enum": ["small", "large"]},
                "replicas": {"type": "integer", "minimum": 0, "maximum": 10, "default": 1},
                "note": {"type": "string", "maxLength": 5, "minLength": 1, "pattern": "^[a-z]*$"},
                "port": {"x-kubernetes-int-or-string": True},
                "list": {
                    "type": "array",
                    "maxItems": 1,
                    "items": {"type": "object", "properties": {"n": {"type": "integer", "default": 7}}},
                },
                "either": {
                    "x-kubernetes-preserve-unknown-fields": True,
                    "anyOf": [{"type": "string"}, {"type": "boolean"}],
                },
            },
        }
    },
}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"size": "small", "port": "http"}, []),
        ({"size": "small", "port": 80, "replicas": 2}, []),
        ({}, ["spec.size: Required value"]),
        ({"size": "huge"}, ['spec.size: Unsupported value: "huge": supported values: "small", "large"']),
        (
            {"size": "small", "replicas": "x"},
            ['spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
        ),
        (
            {"size": "small", "replicas": 11},
            ["spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10"],
        ),
        (
            {"size": "small", "replicas": -1},
            ["spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0"],
        ),
        ({"size": "small", "note": "toolong"}, ["spec.note: Too long: may not be more than 5 bytes"]),
        (
            {"size": "small", "note": "A"},
            ["spec.note: Invalid value: \"A\": spec.note in body should match '^[a-z]*$'"],
        ),
        ({"size": "small", "list": [{}, {}]}, ["spec.list: Too many: 2: must have at most 1 items"]),
        (
            {"size": "small", "port": True},
            ['spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
        ),
        (
            {"size": "small", "either": 1},
            ["spec.either: Invalid value: 1: spec.either in body must validate at least one schema (anyOf)"],
        ),
    ],
)
def test_values_are_judged_by_the_schema(spec: dict[str, Any], words: list[str]) -> None:
    found = values.judge(SHAPE, {"metadata": {"name": "w"}, "spec": spec})
    assert [f"{cause.field}: {cause.message}" for cause in found] == words


def test_defaults_are_filled_in_at_every_depth() -> None:
    document = {"spec": {"size": "small", "list": [{}]}}
    values.fill(SHAPE, document)
    assert document["spec"] == {"size": "small", "replicas": 1, "list": [{"n": 7}]}


def _definition(**more: Any) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SHAPE}} | more
    names = {"kind": "Widget", "plural": "widgets"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    return {"metadata": {"name": "widgets.example.com"}, "spec": spec}


def test_the_definitions_of_the_gateway_kinds_are_sound() -> None:
    for definition in definitions():
        assert list(checks.check(definition)) == []


def test_an_untyped_schema_is_not_structural() -> None:
    schema = {"type": "object", "properties": {"spec": {"properties": {}}}}
    found = list(checks.check(_definition(schema={"openAPIV3Schema": schema})))
    assert [cause.field for cause in found] == ["spec.versions[0].schema.openAPIV3Schema.properties[spec].type"]


def test_a_second_version_is_kept_as_the_first() -> None:
    definition = _definition()
    definition["spec"]["versions"].append({"name": "v1beta1", "served": True, "storage": False, "schema": {}})
    first, second = kinds_of(definition)
    assert second.stored is first
    assert first.stored is first


def _versioned() -> dict[str, Any]:
    definition = _definition()
    definition["spec"]["versions"].append(definition["spec"]["versions"][0] | {"name": "v2", "storage": False})
    return definition | {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}


def test_an_object_is_served_in_every_version_until_its_kind_goes(client: Client) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert client.answer("POST", path, _versioned())[0] == 201
    widget = {"apiVersion": "example.com/v2", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": "small"}}
    widgets = "/apis/example.com/{}/namespaces/default/widgets"
    status, made = client.answer("POST", widgets.format("v2"), widget)
    assert (status, made["apiVersion"], made["spec"]["replicas"]) == (201, "example.com/v2", 1)
    assert client.get(widgets.format("v1") + "/w")["apiVersion"] == "example.com/v1"
    assert [item["apiVersion"] for item in client.get(widgets.format("v2"))["items"]] == ["example.com/v2"]
    assert client.answer("DELETE", f"{path}/widgets.example.com")[0] == 200
    settle(lambda: client.answer("GET", f"{path}/widgets.example.com")[0], lambda status: status == 404)
    assert client.answer("GET", widgets.format("v1"))[0] == 404


def test_a_route_says_what_it_leads_to(client: Client) -> None:
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "edge"},
        "spec": {"gatewayClassName": "simulated", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    }
    route = gateway | {
        "kind": "HTTPRoute",
        "metadata": {"name": "shop"},
        "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "nothing", "port": 80}]}]},
    }
    path = "/apis/gateway.networking.k8s.io/v1/namespaces/default"
    assert client.answer("POST", f"{path}/gateways", gateway)[0] == 201
    assert client.answer("POST", f"{path}/httproutes", route)[0] == 201

    def reasons() -> dict[str, str]:
        parents = client.get(f"{path}/httproutes/shop").get("status", {}).get("parents") or [{"conditions": []}]
        return {condition["type"]: condition["reason"] for condition in parents[0]["conditions"]}

    settle(reasons, lambda found: found == {"Accepted": "Accepted", "ResolvedRefs": "BackendNotFound"})
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "nothing"},
        "spec": {"ports": [{"port": 80}]},
    }
    assert client.answer("POST", "/api/v1/namespaces/default/services", service)[0] == 201
    settle(reasons, lambda found: found["ResolvedRefs"] == "ResolvedRefs")
    listeners = client.get(f"{path}/gateways/edge")["status"]["listeners"]
    assert [(item["name"], item["attachedRoutes"]) for item in listeners] == [("http", 1)]
