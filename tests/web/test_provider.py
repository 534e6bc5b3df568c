"""The OpenID provider in the registry, by page and API: written, tested, removed, and its secret never shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.provider import CLIENT, SECRET, RealProvider
from tests.web.conftest import Installation, own_page

PATH = "/registry/oidc"


def form(provider_issuer: str, **more: str) -> dict[str, str]:
    given = {"issuer": provider_issuer, "clientId": CLIENT, "clientSecretFile": SECRET, "name": "the test badge"}
    groups = "/ops/on call = oncall\r\n/ops/a=b = others\r\n"
    return {**given, "groups": groups, "adminGroups": "/ops/admins\r\n\r\n", "create": "true", **more}


def test_it_is_written_by_a_form_tested_and_removed(changed: Installation, oidc_provider: RealProvider) -> None:
    browser = changed.browser()
    assert "Nobody signs in with a provider yet." in browser.get(PATH).text
    saved = browser.post(PATH, data=form(oidc_provider.issuer), headers=own_page())
    assert saved.status_code == 303, saved.text
    page = browser.get(PATH).text
    assert "Stored from oidc.secret; leave empty to keep it." in page
    assert "http://localhost/sign-in/oidc/callback" in page
    assert SECRET not in page
    spec = changed.registry.oidc()
    assert spec is not None
    assert spec.groups == {"/ops/on call": "oncall", "/ops/a=b": "others"}
    assert spec.admin_groups == ("/ops/admins",)
    tested = browser.post(f"{PATH}/test", headers=own_page())
    assert f"{oidc_provider.issuer} answers." in tested.text
    assert "RS256" in tested.text
    asked = browser.post(f"{PATH}/delete", headers=own_page())
    assert asked.status_code == 409
    assert "nobody signs in with it any more" in asked.text
    gone = browser.post(f"{PATH}/delete", data={"confirm": "true"}, headers=own_page())
    assert gone.status_code == 303, gone.text
    assert changed.registry.oidc() is None
    assert "/sign-in/oidc" not in changed.app.test_client().get("/sign-in").text
    names = {action for _, action, outcome in changed.audited() if outcome == "done"}
    assert {"registry.change", "registry.test", "registry.remove"} <= names


def test_a_secret_that_is_left_empty_is_kept(changed: Installation) -> None:
    browser = changed.browser()
    browser.post(PATH, data=form("https://login.example.org"), headers=own_page())
    again = form("https://login.example.org", name="another name", clientSecretFile="")
    assert browser.post(PATH, data=again, headers=own_page()).status_code == 303
    assert changed.registry.credential("oidc", "oidc", "clientSecretFile") == SECRET
    spec = changed.registry.oidc()
    assert spec is not None
    assert spec.name == "another name"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"issuer": "http://login.example.org"}, "must be the provider&#39;s address"),
        ({"issuer": ""}, "“issuer” is missing"),
        ({"groups": "/ops/on call"}, "must be a name of at most 63"),
        ({"scopes": "email"}, "The scopes must hold “openid”."),
        ({"issuer": "https://accounts.google.com"}, "Everybody in the world has an account"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_nothing_is_changed(
    changed: Installation, more: dict[str, str], words: str
) -> None:
    page = changed.browser().post(PATH, data=form("https://login.example.org", **more), headers=own_page())
    assert page.status_code == 422
    assert words in page.text
    assert SECRET not in page.text, "not even to who has just typed it"
    assert changed.registry.oidc() is None


def test_the_api_takes_the_entry_as_it_stands_in_a_document(changed: Installation) -> None:
    caller = changed.client()
    assert caller.get(PATH).json == {"registered": False, "entry": {}}
    entry: dict[str, Any] = {"issuer": "https://login.example.org", "clientId": "x", "groups": {"dev": "developers"}}
    sent = {**entry, "clientSecretFile": "a.secret", "files": {"clientSecretFile": SECRET}}
    assert caller.call("PUT", PATH, json=sent).status_code == 200
    read = caller.get(PATH)
    assert read.json["entry"]["groups"] == {"dev": "developers"}
    assert read.json["entry"]["clientSecretFile"]["file"] == "a.secret"
    assert SECRET not in read.text
    assert caller.call("PUT", PATH, json={"issuer": "x"}).status_code == 422
    assert caller.call("DELETE", f"{PATH}?confirm=true").status_code == 200
    assert caller.call("DELETE", f"{PATH}?confirm=true").status_code == 404
    assert caller.call("POST", f"{PATH}/test").status_code == 404


def test_a_provider_that_does_not_answer_is_said(changed: Installation) -> None:
    changed.registry.put("oidc", {"issuer": "http://127.0.0.1:9", "clientId": "x"})
    tested = changed.client().call("POST", f"{PATH}/test").json
    assert not tested["ok"]
    assert "cannot be reached" in tested["sentence"]
    changed.registry.put(
        "oidc", {"issuer": "https://127.0.0.1:9", "clientId": "x", "caFile": "ca.pem"}, {"caFile": "none"}
    )
    assert "caFile holds no certificate" in changed.client().call("POST", f"{PATH}/test").json["sentence"]


@pytest.mark.parametrize("actor", ["viewer", "manager", "auditor", "narrow"])
def test_it_is_for_administrators(shown: Installation, actor: str) -> None:
    caller = shown.client(actor)
    for method, path in (("GET", PATH), ("PUT", PATH), ("DELETE", PATH), ("POST", f"{PATH}/test")):
        assert caller.call(method, path, json={}).status_code == 403
