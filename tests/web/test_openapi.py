"""The OpenAPI document tells the truth about every route, and what is answered fits it."""

from __future__ import annotations

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


def test_it_needs_somebody(shown: Installation) -> None:
    assert shown.app.test_client().get("/api/v1/openapi.json").status_code == 401


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for each in value.values() for one in references(each)]
    if isinstance(value, list):
        return [one for each in value for one in references(each)]
    return []
