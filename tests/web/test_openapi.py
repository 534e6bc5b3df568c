"""The OpenAPI document tells the truth about every route, and what is answered fits it."""

from __future__ import annotations

import re
from typing import Any

from opsmodal.app import ROUTES
from tests.web.conftest import Installation


def test_the_document_names_every_route_of_the_api(shown: Installation) -> None:
    document = shown.client().get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    told = {(path, method) for path, methods in document["paths"].items() for method in methods}
    for route in shown.app.extensions[ROUTES]:
        if route.path:
            assert (route.path.replace("<", "{").replace(">", "}"), route.method.lower()) in told


def test_every_reference_leads_somewhere(shown: Installation) -> None:
    document = shown.client().get("/openapi.json").json
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    assert "#/components/schemas/Page_InstanceRow_" in known or any("InstanceRow" in name for name in known)


def test_answers_have_the_fields_that_the_document_requires(shown: Installation) -> None:
    document = shown.client().get("/openapi.json").json
    schemas = document["components"]["schemas"]
    row = shown.client().get("/services/shop/instances").json["items"][0]
    assert set(schemas["InstanceRow"]["properties"]) == set(row)
    overview = shown.client().get("/services/shop/overview").json
    assert set(schemas["OverviewAnswer"]["properties"]) == set(overview)


def operation_of(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """Find the operation that an address is of; of two that fit the one with fewer parts left open."""
    asked = path.partition("?")[0].split("/")

    def fits(told: list[str]) -> bool:
        return len(told) == len(asked) and all(a == b or b[:1] == "{" for a, b in zip(asked, told, strict=True))

    found = [told for told, methods in document["paths"].items() if fits(told.split("/")) and method.lower() in methods]
    told = min(found, key=lambda each: each.count("{"))
    return dict(document["paths"][told][method.lower()])


def confirm_of(operation: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what an operation says of `confirm`: as a parameter, and as a field of its body; empty for nothing."""
    parameter = next((each for each in operation["parameters"] if each["name"] == "confirm"), {})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = (part.get("properties", {}) for part in body.get("allOf", [body]))
    return parameter, next((part["confirm"] for part in named if "confirm" in part), {})


SHOP = "/services/shop"
WEB = f"{SHOP}/deployment/deployment.web"
SOMETIMES: dict[tuple[str, str], dict[str, Any]] = {
    ("PUT", f"{WEB}/replicas"): {"replicas": 0},
    ("POST", f"{WEB}/restart"): {},
    ("PUT", f"{WEB}/manifest"): {},
    ("PUT", f"{SHOP}/config/configmaps/web-settings"): {"values": {"A": "b"}, "restart": ["deployment.web"]},
    ("PUT", f"{SHOP}/metrics-server"): {},
}
"""What is dangerous in some cases, and a body that makes it so in production; the manifest is made of what is there."""
OF_CONTAINERS = {("PUT", f"{WEB}/image"), ("POST", f"{WEB}/redeploy"), ("POST", f"{SHOP}/deployment/redeploy")}
"""Those are tried in tests/web/test_engine_deployment.py: nothing answers while a container is replaced."""


def test_what_wants_a_confirmation_says_so_also_where_the_case_decides(shown: Installation) -> None:
    client = shown.client()
    document = client.get("/openapi.json").json
    manifest = client.get(f"{WEB}/manifest").json
    emptied = {"text": manifest["text"].replace("replicas: 3", "replicas: 0"), "revision": manifest["revision"]}
    for (method, path), sent in SOMETIMES.items():
        body = emptied if path.endswith("/manifest") else sent
        answer = client.call(method, path, json=body)
        assert (answer.status_code, answer.json["code"]) == (409, "confirmation-required"), (path, answer.text)
        parameter, field = confirm_of(operation_of(document, method, path))
        assert parameter["description"].startswith("Wanted "), path
        assert field["description"] == parameter["description"], path


def test_no_other_route_says_that_it_wants_a_confirmation(shown: Installation) -> None:
    document = shown.client().get("/openapi.json").json
    said = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if confirm_of(operation)[0]
    }
    always = {
        (route.method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path))
        for route in shown.app.extensions[ROUTES]
        if route.path and route.action.dangerous
    }
    sometimes = {
        (method, next(told for told, each in document["paths"].items() if each.get(method.lower()) == found))
        for method, path in (*SOMETIMES, *OF_CONTAINERS)
        if (found := operation_of(document, method, path))
    }
    assert said == always | sometimes


def test_it_needs_somebody(shown: Installation) -> None:
    assert shown.app.test_client().get("/api/v1/openapi.json").status_code == 401


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for each in value.values() for one in references(each)]
    if isinstance(value, list):
        return [one for each in value for one in references(each)]
    return []
