"""Forms that the cluster refuses for a missing right, a quota or a webhook: what was typed comes back, and the role."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.conftest import Installation, own_page

SHOP = "/services/shop"
PLANTED = "xK9-typed-value-41"
ACCOUNT = "reader"
WORDS = "owned-by-nobody is no owner"


@pytest.fixture
def reading(changed: Installation) -> Installation:
    """An installation whose service acts as an account that reads all of its namespace and writes nothing."""
    head = {"namespace": "shop", "name": ACCOUNT}
    rbac = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "shop"}
    role = {"apiGroup": rbac, "kind": "Role", "name": ACCOUNT}
    for manifest in (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": head},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": head, "rules": rules},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": head, "subjects": [subject], "roleRef": role},
    ):
        changed.cluster.create(manifest)
    service = {"name": "shop", "runtime": "demo", "namespace": "shop", "serviceAccount": ACCOUNT}
    changed.registry.put("services", service)
    return changed


def sent(browser: FlaskClient, path: str, fields: dict[str, str]) -> TestResponse:
    return browser.post(f"{SHOP}{path}", data=fields, headers=own_page())


def missing(page: str, fields: dict[str, str]) -> list[str]:
    """Name the fields that the page does not hold with their values."""
    held = set(re.findall(r'<textarea\b[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL))
    for raw in re.findall(r"<input\b[^>]*>", page):
        held.add(tuple("".join(re.findall(rf' {part}="([^"]*)"', raw)) for part in ("name", "value")))
    for name, options in re.findall(r'<select\b[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        held |= {(name, value) for value in re.findall(r'value="([^"]*)" selected', options)}
    return [name for name, value in fields.items() if (name, html.escape(value)) not in held]


CASES: list[tuple[str, str, dict[str, str], str]] = [
    ("/config/configmaps", "create", {"name": "fresh", "key.1": "MODE", "value.1": PLANTED}, "configmaps"),
    ("/config/secrets", "create", {"name": "fresh", "key.1": "MODE", "value.1": PLANTED}, "secrets"),
    ("/config/secrets/db-credentials", "patch", {"key.1": "MORE", "value.1": PLANTED}, "secrets"),
    ("/deployment/deployment.web/replicas", "patch", {"replicas": "5"}, "deployments"),
    ("/deployment/deployment.web/autoscaler", "create", {"min": "2", "max": "7"}, "horizontalpodautoscalers"),
    ("/deployment/deployment.web/image", "patch", {"container": "web", "image": "example.com/web:7"}, "deployments"),
    (
        "/deployment/deployment.web/resources",
        "patch",
        {"container": "web", "cpu_request": "300m", "memory_limit": "600Mi"},
        "deployments",
    ),
    ("/deployment/deployment.web/strategy", "patch", {"kind": "RollingUpdate", "max_surge": "7"}, "deployments"),
    ("/domains", "create", {"host": "typed.example.com", "path": "/x", "target": "web:8080"}, "ingresses"),
]


@pytest.mark.parametrize("preview", ["true", ""], ids=["planned", "done"])
def test_a_missing_right_keeps_what_was_typed_and_shows_the_role(reading: Installation, preview: str) -> None:
    browser = reading.browser("manager")
    for path, verb, fields, resource in CASES:
        page = sent(browser, path, fields | {"preview": preview, "reason": "why it is done"})
        assert (page.status_code, page.headers["Cache-Control"]) == (502, "no-store"), (path, page.text)
        assert missing(page.text, fields | {"reason": "why it is done"}) == [], path
        assert "Copy the role" in page.text, path
        assert f"opsmodal-{verb}-{resource}" in page.text, path
        assert page.text.count("Nothing was") == 1, path
    assert PLANTED not in str(reading.client().get("/audit").json)


def test_a_manifest_that_may_not_be_put_stays_with_the_role_above_it(reading: Installation) -> None:
    found = reading.client("manager").get(f"{SHOP}/deployment/deployment.web/manifest").json
    text = found["text"].replace("replicas: 3", "replicas: 2")
    page = sent(
        reading.browser("manager"),
        "/deployment/deployment.web/manifest",
        {"text": text, "revision": found["revision"], "preview": "true"},
    )
    assert page.status_code == 502
    assert html.escape("replicas: 2") in page.text
    assert "Copy the role" in page.text


def test_what_a_webhook_refuses_keeps_what_was_typed(changed: Installation) -> None:
    changed.cluster.faults.deny(WORDS)
    browser = changed.browser("manager")
    for path, _, fields, _ in CASES:
        page = sent(browser, path, fields | {"preview": "true"})
        assert page.status_code == 422, (path, page.text)
        assert missing(page.text, fields) == [], path
        assert "Copy the role" not in page.text, path
        assert page.text.count(WORDS) == 1, path


def test_what_a_quota_refuses_keeps_what_was_typed(changed: Installation) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": "shop"}}
    changed.cluster.create({**quota, "spec": {"hard": {"secrets": "1"}}})
    fields = {"name": "fresh", "key.1": "A", "value.1": PLANTED}
    page = sent(changed.browser("manager"), "/config/secrets", fields | {"preview": "true"})
    assert page.status_code == 422
    assert missing(page.text, fields) == []
    assert "The quota few is used up" in page.text


def test_a_reason_that_was_given_stands_in_the_next_plan(changed: Installation) -> None:
    page = sent(
        changed.browser("manager"),
        "/deployment/deployment.web/replicas",
        {"replicas": "4", "preview": "true", "reason": "a sale"},
    )
    assert missing(page.text, {"reason": "a sale"}) == []


def test_programs_are_answered_by_the_table_of_errors(reading: Installation) -> None:
    for method, path, body in (
        ("PUT", "/config/configmaps/web-settings", {"values": {"A": "b"}}),
        ("PUT", "/deployment/deployment.web/replicas", {"replicas": 4}),
        ("POST", "/domains", {"host": "x.example.com", "target": "web", "port": 8080}),
    ):
        answer: Any = reading.client("manager").call(method, f"{SHOP}{path}", json=body)
        assert (answer.status_code, answer.json["code"]) == (502, "runtime-denied"), answer.text
        assert "kind: RoleBinding" in answer.json["grant"]


def test_what_has_no_field_is_told_on_a_page_of_its_own(reading: Installation) -> None:
    page = sent(reading.browser("manager"), "/deployment/deployment.web/restart", {"preview": "true"})
    assert page.status_code == 502
    assert "data-told" in page.text
    assert "Preview again" not in page.text
