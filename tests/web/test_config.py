"""The Config tab: read, reveal, change, merge, delete and restore; by API and as a page, and by who may not."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import encode_multipart

from connectors.errors import Unreachable
from opsmodal.operations.facets import Facets
from opsmodal.store.tables import AuditRow
from runtimes.errors import Unavailable
from tests.web.conftest import Installation, own_page

PLANTED = "xK9-planted-value-77"
ENCODED = base64.b64encode(PLANTED.encode()).decode()
CONFIG = "/services/shop/config"
SETTINGS, SECRET = f"{CONFIG}/configmaps/web-settings", f"{CONFIG}/secrets/db-credentials"
LARGE_OPENS_MAX_S = 3.0
"""Ten times what the bench asks for: two cores are shared with other tests."""


def test_the_list_has_names_and_keys_and_no_values(shown: Installation) -> None:
    answer = shown.client("manager").get(CONFIG)
    rows = {(row["holder"], row["name"]): row for row in answer.json["items"]}
    assert rows["configmaps", "web-settings"]["keys"] == ["CURRENCY", "FEATURE_SEARCH", "LOG_LEVEL"]
    assert rows["secrets", "db-credentials"]["type"] == "Opaque"
    assert "demo-only" not in answer.text
    only = shown.client("manager").get(f"{CONFIG}/secrets").json
    assert {row["holder"] for row in only["items"]} == {"secrets"}
    found = shown.client("manager").get(f"{CONFIG}?search=log_level").json
    assert [row["name"] for row in found["items"]] == ["web-settings"]


def test_a_configmap_has_its_values_and_a_secret_only_when_revealed(changed: Installation) -> None:
    client = changed.client("manager")
    settings = client.get(SETTINGS)
    assert settings.json["values"] == {"CURRENCY": "EUR", "FEATURE_SEARCH": "on", "LOG_LEVEL": "info"}
    assert settings.headers["ETag"] == f'"{settings.json["revision"]}"'
    assert [use["workload"] for use in settings.json["uses"]] == ["deployment.web"]
    masked = client.get(SECRET)
    assert masked.json["values"] == {"password": None, "username": None}
    assert "demo-only" not in masked.text
    assert ("manager", "config.reveal", "done") not in changed.audited()
    revealed = client.get(f"{SECRET}?reveal=true&reason=the+app+cannot+sign+in")
    assert revealed.json["values"] == {"password": "demo-only-not-a-secret", "username": "shop"}
    assert ("manager", "config.reveal", "done") in changed.audited()
    (row,) = changed.client().get("/audit?action=config.reveal").json["items"]
    assert (row["target"], row["reason"]) == ("secret/db-credentials", "the app cannot sign in")


def test_a_value_is_taken_away_as_it_is_and_that_is_on_record(changed: Installation) -> None:
    client = changed.client("manager")
    _made(changed, "Secret", "binary", data={"k.bin": base64.b64encode(b"\xff\r\n\x00").decode()})
    answer = client.get(f"{CONFIG}/secrets/binary/keys/k.bin")
    assert (answer.data, answer.mimetype) == (b"\xff\r\n\x00", "application/octet-stream")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="k.bin"'
    (row,) = changed.client().get("/audit?action=config.reveal").json["items"]
    assert row["detail"] == "key k.bin"
    for missing in ("other", "%3Cb%3E", "%1b[31m", "a%0d%0ab"):
        answer = client.get(f"{CONFIG}/secrets/binary/keys/{missing}")
        assert (answer.status_code, "\x1b" in answer.text) == (404, False)
    foreign = changed.browser("manager").get(
        f"{CONFIG}/secrets/binary/keys/k.bin", headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403


def test_what_a_program_sends_back_changes_only_what_it_changed(changed: Installation) -> None:
    client = changed.client("manager")
    before = client.get(SECRET).json
    body = {"values": {**before["values"], "password": PLANTED, "extra": ""}, "binary": {"raw": "/wA="}}
    planned = client.call("PUT", f"{SECRET}?preview=true", json=body)
    assert planned.status_code == 200
    assert {each["what"] for each in planned.json["differences"]} == {"key password", "key extra", "key raw"}
    assert PLANTED not in planned.text
    assert ENCODED[:12] not in planned.text
    done = client.call("PUT", SECRET, json=body, headers={"If-Match": f'"{before["revision"]}"'})
    assert done.status_code == 200, done.text
    after = client.get(f"{SECRET}?reveal=true").json
    assert done.headers["ETag"] == f'"{after["revision"]}"'
    assert after["values"] == {"password": PLANTED, "username": "shop", "extra": ""}
    assert after["binary"] == {"raw": "/wA="}


def test_what_moved_is_answered_with_412_and_stays(changed: Installation) -> None:
    client = changed.client("manager")
    before = client.get(SETTINGS).json
    matching = {"If-Match": f'"{before["revision"]}"'}
    body = {"values": {**before["values"], "LOG_LEVEL": "debug"}}
    assert client.call("PUT", SETTINGS, json=body, headers=matching).status_code == 200
    late = {"values": {**before["values"], "LOG_LEVEL": "error"}}
    for sent in ({"headers": matching}, {"query_string": {"revision": before["revision"]}}):
        answer = client.call("PUT", SETTINGS, json=late, **sent)
        assert (answer.status_code, answer.json["code"]) == (412, "changed-meanwhile")
    assert client.call("PUT", SETTINGS, json=late | {"revision": before["revision"]}).status_code == 412
    assert client.call("DELETE", f"{SETTINGS}?confirm=shop", headers=matching).status_code == 412
    assert client.get(SETTINGS).json["values"]["LOG_LEVEL"] == "debug"


def test_keys_are_renamed_unseen(changed: Installation) -> None:
    client = changed.client("manager")
    body = {"values": {"password": None, "username": None}, "rename": {"username": "user"}}
    assert client.call("PUT", SECRET, json=body).status_code == 200
    assert client.get(f"{SECRET}?reveal=true").json["values"] == {"password": "demo-only-not-a-secret", "user": "shop"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"values": {"a b": "1"}}, 422),
        ({"values": {"<script>alert(1)</script>": "1"}}, 422),
        ({"values": {"\x1b[31mred": "1"}}, 422),
        ({"values": {"..": "1"}}, 422),
        ({"values": {"new": None}}, 422),
        ({"binary": {"a": "no base64!"}}, 422),
        ({"values": {"a": "1"}, "binary": {"a": "MQ=="}}, 422),
        ({"values": {"a": 1}}, 400),
        ({"values": "a"}, 400),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(shown: Installation, body: dict[str, Any], status: int) -> None:
    answer = shown.client("manager").call("PUT", SETTINGS, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json["detail"]
    assert "\x1b" not in answer.text


def test_one_is_created_previewed_first_and_deleted_when_confirmed(changed: Installation) -> None:
    client = changed.client("manager")
    body = {"name": "fresh", "values": {"TOKEN": PLANTED}}
    planned = client.call("POST", f"{CONFIG}/secrets?preview=true", json=body)
    assert planned.json["command"] == "kubectl -n shop create secret generic fresh --from-file=TOKEN=FILE"
    assert client.get(f"{CONFIG}/secrets/fresh").status_code == 404
    made = client.call("POST", f"{CONFIG}/secrets", json=body)
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1{CONFIG}/secrets/fresh")
    assert client.call("POST", f"{CONFIG}/secrets", json=body).status_code == 409
    asked = client.call("DELETE", f"{CONFIG}/secrets/fresh")
    assert (asked.status_code, asked.json["confirm"]) == (409, "shop")
    assert asked.json["hits"] == ["Secret fresh with 1 keys"]
    assert asked.json["command"] == "kubectl -n shop delete secret fresh"
    assert client.call("DELETE", f"{CONFIG}/secrets/fresh?confirm=shop").status_code == 200
    assert client.get(f"{CONFIG}/secrets/fresh").status_code == 404


def test_what_is_put_where_there_is_nothing_is_created(changed: Installation) -> None:
    client, path = changed.client("manager"), f"{CONFIG}/configmaps/put"
    body = {"values": {"mode": "fast"}}
    assert client.call("PUT", path, json=body | {"preview": True}).json["summary"] == "Create ConfigMap put"
    for match in ('"7"', "*"):
        assert client.call("PUT", path, json=body, headers={"If-Match": match}).status_code == 404, match
    assert client.get(path).status_code == 404
    made = client.call("PUT", path, json=body)
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1{path}")
    assert client.get(path).json["values"] == {"mode": "fast"}
    assert client.call("PUT", path, json={"values": {"mode": "slow"}}).status_code == 200
    assert ("manager", "config.create", "done") in changed.audited()
    assert client.call("PUT", f"{CONFIG}/configmaps/kept", json={"values": {"mode": None}}).status_code == 422


def test_versions_are_kept_compared_and_restored_also_of_what_was_deleted(changed: Installation) -> None:
    client = changed.client("manager")
    before = client.get(SETTINGS).json["values"]
    assert client.get(f"{SETTINGS}/versions").json["items"] == []
    client.call("PUT", SETTINGS, json={"values": {**before, "LOG_LEVEL": "debug"}, "reason": "look closer"})
    items = client.get(f"{SETTINGS}/versions").json["items"]
    assert [(row["action"], row["person"], row["reason"]) for row in items] == [
        ("saved", "manager", "look closer"),
        ("found", "manager", "look closer"),
    ]
    restoring = f"{SETTINGS}/versions/{items[1]['id']}/restore"
    plan = client.call("POST", f"{restoring}?preview=true").json
    assert [(each["before"], each["after"]) for each in plan["differences"]] == [("debug", "info")]
    assert client.call("POST", f"{restoring}?revision=1").status_code == 412
    assert client.call("POST", f"{restoring}?revision={plan['revision']}").status_code == 200
    assert client.get(SETTINGS).json["values"] == before
    client.call("DELETE", f"{SETTINGS}?confirm=shop")
    gone = client.get(f"{SETTINGS}/versions").json
    assert (gone["exists"], gone["items"][0]["action"]) == (False, "deleted")
    assert "web-settings" in changed.browser("manager").get(CONFIG).text, "what was deleted can be found again"
    again = client.call("POST", f"{SETTINGS}/versions/{gone['items'][0]['id']}/restore")
    assert again.status_code == 200
    assert client.get(SETTINGS).json["values"] == before


def test_a_version_of_a_secret_tells_no_value(changed: Installation) -> None:
    client = changed.client("manager")
    client.call("PUT", SECRET, json={"values": {"password": PLANTED}})
    versions = client.get(f"{SECRET}/versions")
    plan = client.call("POST", f"{SECRET}/versions/{versions.json['items'][1]['id']}/restore?preview=true")
    for text in (versions.text, plan.text, changed.browser("manager").get(f"{SECRET}/versions").text):
        assert PLANTED not in text
        assert "demo-only" not in text


@pytest.mark.parametrize("role", ["viewer", "developer", "operator", "narrow"])
def test_without_manage_there_is_no_tab_and_no_answer(shown: Installation, role: str) -> None:
    client = shown.client(role)
    for method, path in (
        ("GET", CONFIG),
        ("GET", SETTINGS),
        ("GET", f"{SECRET}?reveal=true"),
        ("GET", f"{SECRET}/keys/password"),
        ("GET", f"{SECRET}/versions"),
        ("PUT", SETTINGS),
        ("PUT", f"{SETTINGS}?preview=true"),
        ("POST", f"{CONFIG}/secrets"),
        ("DELETE", f"{SETTINGS}?confirm=shop"),
        ("POST", f"{SECRET}/versions/x/restore"),
    ):
        answer = client.call(method, path, json={"values": {"A": "1"}} if method != "GET" else None)
        assert answer.status_code == 403, (method, path)
        assert "demo-only" not in answer.text
    if role != "narrow":
        assert CONFIG not in shown.browser(role).get("/services/shop/overview").text


def test_another_service_of_the_cluster_does_not_reach_it(changed: Installation) -> None:
    changed.registry.put("grants", {"user": "operator", "role": "manager", "services": ["payments"]})
    client = changed.client("operator")
    for path in (
        "configmaps/web-settings",
        "secrets/db-credentials",
        "secrets/..%2f..%2fshop%2fsecrets%2fdb-credentials",
    ):
        assert client.get(f"/services/payments/config/{path}?reveal=true").status_code == 404, path
    assert "db-credentials" not in client.get("/services/payments/config").text
    assert client.get(f"{SECRET}?reveal=true").status_code == 403
    for holder in ("pods", "serviceaccounts", "configmaps%2f..%2fsecrets"):
        assert changed.client("manager").get(f"{CONFIG}/{holder}/web").status_code == 404


def test_versions_are_not_reached_by_another_namespace(changed: Installation) -> None:
    client = changed.client()
    client.call("PUT", SECRET, json={"values": {"password": PLANTED}})
    version = client.get(f"{SECRET}/versions").json["items"][0]["id"]
    elsewhere = "/services/payments/config/secrets/db-credentials"
    assert client.get(f"{elsewhere}/versions").status_code == 404
    assert client.call("POST", f"{elsewhere}/versions/{version}/restore").status_code == 404
    assert client.get(elsewhere).status_code == 404


def test_no_value_of_a_secret_is_found_in_the_store_or_the_log(
    changed: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    client = changed.client("manager")
    body = {"values": {"A": PLANTED}, "name": "planted", "reason": "why"}
    client.call("POST", f"{CONFIG}/secrets", json=body)
    client.call("POST", f"{CONFIG}/secrets", json=body)
    path = f"{CONFIG}/secrets/planted"
    client.call("PUT", f"{path}?preview=true", json={"values": {"A": PLANTED + "2"}})
    client.call("PUT", path, json={"values": {"A": PLANTED + "2"}})
    client.call("PUT", path, json={"values": {"A": PLANTED, "a b": PLANTED}})
    client.call("PUT", path, json={"values": {"A": PLANTED * 70_000}})
    client.get(f"{path}?reveal=true")
    client.call("DELETE", f"{path}?confirm=shop")
    with changed.store.reading() as session:
        rows = [dict(vars(row)) for row in session.scalars(select(AuditRow))]
    kept = json.dumps(rows, default=str) + "\n".join(f"{r.getMessage()} {r.__dict__}" for r in caplog.records)
    for needle in (PLANTED, ENCODED[:16]):
        assert needle not in kept
    for file in changed.folder.rglob("*"):
        if file.is_file():
            assert PLANTED.encode() not in file.read_bytes(), file


def test_what_cannot_be_a_key_or_a_name_is_in_no_audit_row(changed: Installation) -> None:
    """Somebody may paste a value where a key, or a name, is wanted."""
    client, typed = changed.client("manager"), f"{PLANTED}="
    for method, path, body in (
        ("PUT", SECRET, {"values": {typed: "1"}}),
        ("PUT", SETTINGS, {"values": {typed: "1"}}),
        ("PUT", SECRET, {"values": {"password": None, "username": None}, "rename": {"username": typed}}),
        ("POST", f"{CONFIG}/secrets", {"name": typed, "values": {"A": "1"}}),
        ("GET", f"{SECRET}/keys/{typed}", None),
        ("GET", f"{CONFIG}/secrets/{typed}?reveal=true", None),
        ("GET", f"{CONFIG}/secrets/{typed}/keys/a", None),
        ("DELETE", f"{CONFIG}/secrets/{typed}?confirm=shop", None),
        ("GET", f"{CONFIG}/{typed}/{typed}", None),
    ):
        answer = client.call(method, path, json=body)
        assert answer.status_code in (404, 422), (method, path, answer.text)
        if body:
            assert PLANTED in answer.json["detail"], "who typed it is told which one"
        assert changed.client("viewer").call(method, path, json=body).status_code == 403
    with changed.store.reading() as session:
        rows = [dict(vars(row)) for row in session.scalars(select(AuditRow))]
    kept = json.dumps(rows, default=str)
    assert PLANTED not in kept
    assert "That cannot be a key." in kept
    assert "(a name that no key can have)" in kept
    assert "secret/(a name that none can have)" in kept


def test_what_a_webhook_quotes_of_a_secret_is_not_passed_on(changed: Installation) -> None:
    answer = changed.client("manager").call(
        "POST", f"{CONFIG}/secrets", json={"name": "Bad_Name", "values": {"A": PLANTED}}
    )
    assert answer.status_code == 422
    assert PLANTED not in answer.text
    changed.cluster.faults.deny(f"the old value was demo-only-not-a-secret, the new is {PLANTED}")
    replaced = changed.client("manager").call("PUT", SECRET, json={"values": {"password": PLANTED}})
    deleted = changed.client("manager").call("DELETE", f"{SECRET}?confirm=shop")
    rows = changed.client().get("/audit").text
    for refused in (replaced, deleted):
        assert refused.status_code == 422, refused.text
        assert "quotes a value of the Secret" in refused.json["detail"]
    for needle in (PLANTED, "demo-only-not-a-secret"):
        assert needle not in replaced.text + deleted.text + rows


def test_planted_text_in_values_and_names_is_shown_and_not_run(changed: Installation) -> None:
    planted = "<script>alert(1)</script>\x1b[31m"
    labels = {"helm.toolkit.fluxcd.io/name": "x"}
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": f"{planted}{PLANTED}"}
    _made(
        changed, "Secret", "marked", stringData={"A": planted}, metadata={"labels": labels, "annotations": annotations}
    )
    _made(changed, "ConfigMap", "planted", data={"A": planted, "B": "</textarea><b>", "C": "\nfirst line"})
    browser = changed.browser("manager")
    for path in ("secrets/marked?reveal=true", "configmaps/planted", "configmaps/planted/edit", "secrets/marked/edit"):
        page = browser.get(f"{CONFIG}/{path}")
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert "\x1b" not in page.text
        assert "</textarea><b>" not in page.text
        assert PLANTED not in page.text, "last-applied is never shown"
    assert PLANTED not in changed.client("manager").get(f"{CONFIG}/secrets/marked?reveal=true").text


def test_tokens_of_service_accounts_are_not_shown(changed: Installation) -> None:
    annotations = {"kubernetes.io/service-account.name": "default"}
    kind = "kubernetes.io/service-account-token"
    _made(changed, "Secret", "sa", data={"token": ENCODED}, type=kind, metadata={"annotations": annotations})
    client = changed.client("manager")
    assert client.get(f"{CONFIG}/secrets/sa").json["locked"]
    for path in ("?reveal=true", "/keys/token"):
        answer = client.get(f"{CONFIG}/secrets/sa{path}")
        assert (answer.status_code, PLANTED in answer.text, ENCODED in answer.text) == (422, False, False)
    assert client.call("PUT", f"{CONFIG}/secrets/sa", json={"values": {"token": "x"}}).status_code == 422


def test_a_token_of_a_service_account_does_not_come_back_as_a_secret_of_another_type(changed: Installation) -> None:
    kind, path = "kubernetes.io/service-account-token", f"{CONFIG}/secrets/sa"
    annotations = {"kubernetes.io/service-account.name": "default"}
    _made(changed, "Secret", "sa", data={"token": ENCODED}, type=kind, metadata={"annotations": annotations})
    client = changed.client("manager")
    assert client.call("PUT", path, json={"values": {"token": "x"}}).status_code == 422
    asked = client.call("DELETE", path)
    assert "No version of it is kept: it cannot be restored" in asked.json["hits"]
    assert client.call("DELETE", f"{path}?confirm=shop").status_code == 200
    assert client.get(f"{path}/versions").status_code == 404, "nothing of it was kept, neither found nor deleted"


def test_a_version_is_not_restored_into_a_secret_of_another_type(changed: Installation) -> None:
    client, path = changed.client("manager"), f"{CONFIG}/secrets/turned"
    body = {"name": "turned", "values": {"username": "a", "password": PLANTED}, "type": "kubernetes.io/basic-auth"}
    assert client.call("POST", f"{CONFIG}/secrets", json=body).status_code == 201
    (version,) = client.get(f"{path}/versions").json["items"]
    assert client.call("DELETE", f"{path}?confirm=shop").status_code == 200
    assert client.call("POST", f"{CONFIG}/secrets", json={"name": "turned", "values": {"a": "b"}}).status_code == 201
    for query in ("", "?preview=true"):
        answer = client.call("POST", f"{path}/versions/{version['id']}/restore{query}")
        assert answer.status_code == 409, answer.text
        assert "is of the type Opaque now" in answer.json["detail"]
    assert client.get(f"{path}?reveal=true").json["values"] == {"a": "b"}


def test_the_form_previews_saves_and_says_so(changed: Installation) -> None:
    browser = changed.browser("manager")
    form = _form(browser.get(f"{SETTINGS}/edit").text)
    number = _number(form, "LOG_LEVEL")
    form |= {f"value.{number}": "debug\r\nand more", f"remove.{_number(form, 'CURRENCY')}": "true"}
    form |= {f"key.{_number(form, 'FEATURE_SEARCH')}": "SEARCH", "key.4": "NEW", "value.4": "1", "key.5": "EMPTY"}
    plan = browser.post(SETTINGS, data=form, headers=own_page(), content_type="multipart/form-data")
    assert plan.status_code == 200, plan.text
    assert "kubectl -n shop patch configmap web-settings" in plan.text
    saved = browser.post(SETTINGS, data={**_form(plan.text), "reason": "r"}, headers=own_page())
    assert saved.status_code == 303, saved.text
    assert "ConfigMap web-settings was saved." in browser.get(saved.location).text
    assert changed.client().get(SETTINGS).json["values"] == {
        "LOG_LEVEL": "debug\nand more",
        "SEARCH": "on",
        "NEW": "1",
        "EMPTY": "",
    }


def test_an_untouched_form_changes_nothing(changed: Installation) -> None:
    tricky = {
        "A": "\nleading",
        "B": "trailing\n\n",
        "C": "cr\r\nlf",
        "D": "tab\tü€",
        "E": "\x1b[31m",
        "F": "\u202ex",
        "G": "",
    }
    _made(changed, "ConfigMap", "tricky", data=tricky, binaryData={"H": "/wA="})
    browser, path = changed.browser("manager"), f"{CONFIG}/configmaps/tricky"
    form = {name: _as_browser(text) for name, text in _form(browser.get(f"{path}/edit").text).items()}
    plan = browser.post(path, data=form, headers=own_page(), content_type="multipart/form-data")
    assert "nothing would change" in plan.text


def test_masked_values_stay_unless_another_is_given(changed: Installation) -> None:
    browser = changed.browser("manager")
    page = browser.get(f"{SECRET}/edit").text
    assert "demo-only" not in page
    form = _form(page)
    number = _number(form, "username")
    with_file = {**form, f"file.{number}": (io.BytesIO(PLANTED.encode() + b"\r\n\xff"), "value.bin")}
    plan = browser.post(SECRET, data=with_file, headers=own_page(), content_type="multipart/form-data")
    assert "the value that was sent, 23 bytes" in plan.text
    assert PLANTED not in plan.text
    saved = browser.post(SECRET, data=_form(plan.text), headers=own_page())
    assert saved.status_code == 303, saved.text
    after = changed.client().get(f"{SECRET}?reveal=true").json
    assert after["values"] == {"password": "demo-only-not-a-secret"}
    assert base64.b64decode(after["binary"]["username"]) == PLANTED.encode() + b"\r\n\xff"


def test_an_edit_of_other_keys_is_put_onto_what_moved_and_asked_again(changed: Installation) -> None:
    browser, client = changed.browser("manager"), changed.client()
    form = _form(browser.get(f"{SETTINGS}/edit").text)
    form[f"value.{_number(form, 'LOG_LEVEL')}"] = "debug"
    before = client.get(SETTINGS).json["values"]
    client.call("PUT", SETTINGS, json={"values": {**before, "CURRENCY": "CHF", "OTHER": "x"}})
    plan = browser.post(SETTINGS, data=form, headers=own_page(), content_type="multipart/form-data")
    assert plan.status_code == 200
    assert "changed meanwhile" in plan.text
    assert browser.post(SETTINGS, data=_form(plan.text), headers=own_page()).status_code == 303
    assert client.get(SETTINGS).json["values"] == {**before, "LOG_LEVEL": "debug", "CURRENCY": "CHF", "OTHER": "x"}


@pytest.mark.parametrize(("take", "value"), [("mine", "mine"), ("theirs", "theirs")])
def test_an_edit_of_the_same_key_shows_both_sides_and_asks(changed: Installation, take: str, value: str) -> None:
    browser, client = changed.browser("manager"), changed.client()
    form = _form(browser.get(f"{SETTINGS}/edit").text)
    form[f"value.{_number(form, 'LOG_LEVEL')}"] = "mine"
    form[f"value.{_number(form, 'CURRENCY')}"] = "USD"
    before = client.get(SETTINGS).json["values"]
    client.call("PUT", SETTINGS, json={"values": {**before, "LOG_LEVEL": "theirs"}})
    merge = browser.post(SETTINGS, data=form, headers=own_page(), content_type="multipart/form-data")
    assert merge.status_code == 412
    assert ">mine<" in merge.text
    assert ">theirs<" in merge.text
    chosen = {**_form(merge.text), "take.1": take}
    plan = browser.post(SETTINGS, data=chosen, headers=own_page())
    assert plan.status_code == 200
    saved = browser.post(SETTINGS, data=_form(plan.text), headers=own_page())
    assert saved.status_code == 303, saved.text
    assert client.get(SETTINGS).json["values"] == {**before, "LOG_LEVEL": value, "CURRENCY": "USD"}


def test_what_moves_between_plan_and_save_is_asked_again(changed: Installation) -> None:
    browser, client = changed.browser("manager"), changed.client()
    form = _form(browser.get(f"{SECRET}/edit").text)
    form[f"value.{_number(form, 'password')}"] = PLANTED
    plan = browser.post(SECRET, data=form, headers=own_page(), content_type="multipart/form-data")
    client.call("PUT", SECRET, json={"values": {"password": "theirs-" + PLANTED}})
    merge = browser.post(SECRET, data=_form(plan.text), headers=own_page())
    assert merge.status_code == 412
    assert PLANTED not in merge.text
    assert client.get(f"{SECRET}?reveal=true").json["values"] == {"password": "theirs-" + PLANTED}


def test_a_certificate_and_a_login_are_made_by_form(changed: Installation) -> None:
    browser, client = changed.browser("manager"), changed.client()
    page = browser.get(f"{CONFIG}/new?holder=secrets&type=kubernetes.io/dockerconfigjson").text
    form = _form(page) | {"name": "pull", "login.server": "ghcr.io", "login.user": "al", "login.password": PLANTED}
    plan = browser.post(f"{CONFIG}/secrets", data=form, headers=own_page(), content_type="multipart/form-data")
    assert plan.status_code == 200, plan.text
    assert PLANTED not in plan.text
    saved = browser.post(f"{CONFIG}/secrets", data=_form(plan.text), headers=own_page())
    assert (saved.status_code, saved.location) == (303, f"{CONFIG}/secrets/pull")
    found = client.get(f"{CONFIG}/secrets/pull?reveal=true").json
    assert (found["type"], found["registries"]) == ("kubernetes.io/dockerconfigjson", ["ghcr.io"])
    login = json.loads(found["values"][".dockerconfigjson"])["auths"]["ghcr.io"]
    assert (login["username"], login["password"]) == ("al", PLANTED)
    more = _form(browser.get(f"{CONFIG}/secrets/pull/edit").text)
    more |= {"login.server": "quay.io", "login.user": "bo", "login.password": "x"}
    plan = browser.post(f"{CONFIG}/secrets/pull", data=more, headers=own_page(), content_type="multipart/form-data")
    assert browser.post(f"{CONFIG}/secrets/pull", data=_form(plan.text), headers=own_page()).status_code == 303
    assert client.get(f"{CONFIG}/secrets/pull").json["registries"] == ["ghcr.io", "quay.io"]


def test_a_megabyte_opens_quickly_and_is_saved_by_form_and_api(changed: Installation) -> None:
    text = ("a line of forty characters, more or less\n" * 26_000)[:1_000_000]
    client, browser, path = changed.client("manager"), changed.browser("manager"), f"{CONFIG}/configmaps/large"
    made = client.call("POST", f"{CONFIG}/configmaps", json={"name": "large", "values": {"app.log": text}})
    assert made.status_code == 201, made.text
    for opened in (path, f"{path}/edit"):
        began = time.monotonic()
        assert browser.get(opened).status_code == 200
        assert time.monotonic() - began < LARGE_OPENS_MAX_S
    form = {name: _as_browser(value) for name, value in _form(browser.get(f"{path}/edit").text).items()}
    form["value.1"] = form["value.1"][:600_000] + "ünique" + form["value.1"][600_000:]
    # Encoded here: the client's own way leaves a file open for what is large.
    boundary, encoded = encode_multipart(form)
    kind = f"multipart/form-data; boundary={boundary}"
    plan = browser.post(path, data=encoded, headers=own_page(), content_type=kind)
    assert plan.status_code == 200, plan.text[:2000]
    assert len(plan.text) < 1_000_000
    assert browser.post(path, data=_form(plan.text), headers=own_page()).status_code == 303
    assert "ünique" in client.get(path).json["values"]["app.log"]
    body = {"values": {"app.log": "x" * 1_100_000}}
    too_large = client.call("PUT", path, json=body)
    assert (too_large.status_code, "1,048,576" in too_large.json["detail"]) == (422, True)
    assert client.call("PUT", path, data=b"x" * 3_200_000, content_type="application/json").status_code == 413


def test_what_is_too_large_to_be_read_is_told_on_a_page_of_the_service(shown: Installation) -> None:
    browser, large = shown.browser("manager"), "x" * 3_200_000
    boundary, encoded = encode_multipart({"name": "large", "key.1": "A", "value.1": large})
    kind = f"multipart/form-data; boundary={boundary}"
    page = browser.post(f"{CONFIG}/configmaps", data=encoded, headers=own_page(), content_type=kind)
    assert (page.status_code, "3,000,000 bytes are taken here" in page.text) == (413, True), page.text
    assert "Nothing was changed. A ConfigMap or a Secret holds 1 MiB of values" in page.text
    assert f'<a class="button" href="{CONFIG}">All config</a>' in page.text, "it stands in the frame of its service"
    answer = shown.client("manager").call("PUT", SETTINGS, data=large, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (413, "request-entity-too-large")
    assert "holds 1 MiB of values" in answer.json["hint"]


def test_read_only_mode_shows_and_changes_nothing(shown: Installation, tmp_path: Any, seed: Any) -> None:
    from tests.web.conftest import closed, installed

    frozen = installed(tmp_path, seed, shown.cluster, read_only=True)
    try:
        client = frozen.client("manager")
        assert client.get(SETTINGS).status_code == 200
        assert client.call("PUT", SETTINGS, json={"values": {}}).status_code == 403
        page = frozen.browser("manager").get(SETTINGS).text
        assert "/delete" not in page
        assert "/edit" not in page
    finally:
        closed(frozen)


def test_saving_can_restart_who_reads_it_and_production_wants_the_name(changed: Installation) -> None:
    client = changed.client("manager")
    before = client.get(SETTINGS).json
    assert before["restartable"] == ["deployment.web"]
    body = {"values": {**before["values"], "LOG_LEVEL": "debug"}, "restart": ["deployment.web"]}
    asked = client.call("PUT", SETTINGS, json=body)
    assert (asked.status_code, asked.json["confirm"]) == (409, "shop")
    assert client.get(SETTINGS).json["values"]["LOG_LEVEL"] == "info", "nothing before it is confirmed"
    done = client.call("PUT", f"{SETTINGS}?confirm=shop", json=body)
    assert done.status_code == 200, done.text
    assert done.json["notes"] == ["deployment web restarts."]
    assert ("manager", "deployment.restart", "done") in changed.audited()
    odd = {**body, "values": {**before["values"], "LOG_LEVEL": "warn"}, "restart": ["deployment.nope"]}
    done = client.call("PUT", f"{SETTINGS}?confirm=shop", json=odd)
    assert done.status_code == 200
    assert "not restarted" in done.json["notes"][0]


def test_no_preview_tells_a_right_guess_from_a_wrong_one(changed: Installation) -> None:
    """What is sent for a masked value is answered alike, by API and form, with the name of that value or without."""
    client, browser = changed.client("manager"), changed.browser("manager")
    masked, before = client.get(SECRET).json, _form(browser.get(f"{SECRET}/edit").text)
    number = _number(before, "password")
    told: dict[str, list[Any]] = {}
    for guess in ("demo-only-not-a-secret", "demo-only-not-a-secreT"):
        plan = client.call("PUT", f"{SECRET}?preview=true", json={"values": {"password": guess, "username": None}})
        said = [plan.json]
        for more in ({}, {f"shown.{number}": "true"}, {"revision": "1", f"seen.{number}": "x"}):
            form = {**before, f"value.{number}": guess, **more}
            page = browser.post(SECRET, data=form, headers=own_page(), content_type="multipart/form-data")
            said.append((page.status_code, "nothing would change" in page.text, "key password" in page.text))
        added = {"preview": "true", "revision": masked["revision"], "key.1": "password", "value.1": guess}
        page = browser.post(SECRET, data=added, headers=own_page(), content_type="multipart/form-data")
        told[guess] = [*said, (page.status_code, "nothing would change" in page.text)]
    right, wrong = told.values()
    assert right == wrong
    assert right[0]["unchanged"] is False
    assert [each["what"] for each in right[0]["differences"]] == ["key password"]
    assert "BASE64" in right[0]["command"]


def test_an_immutable_secret_refuses_a_right_guess_as_it_does_a_wrong_one(changed: Installation) -> None:
    _made(changed, "Secret", "fixed", data={"A": ENCODED}, immutable=True)
    client = changed.client("manager")
    for guess in (PLANTED, "wrong"):
        answer = client.call("PUT", f"{CONFIG}/secrets/fixed?preview=true", json={"values": {"A": guess}})
        assert (answer.status_code, "is immutable" in answer.json["detail"]) == (422, True), guess


def test_a_mistake_shows_the_form_again_with_all_that_was_typed(
    changed: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    browser = changed.browser("manager")
    form = _form(browser.get(f"{CONFIG}/new?holder=secrets").text)
    form |= {
        "name": "db-credentials",
        "key.1": "TOKEN",
        "value.1": f"{PLANTED}\r\n",
        "key.2": "a b",
        "immutable": "true",
    }
    form |= {"type": "kubernetes.io/ssh-auth", "key.3": "ssh-privatekey", "value.3": "x"}
    sent = {**form, "file.2": (io.BytesIO(b"\xff\x00"), "k.bin")}
    page = browser.post(f"{CONFIG}/secrets", data=sent, headers=own_page(), content_type="multipart/form-data")
    assert (page.status_code, page.headers["Cache-Control"]) == (422, "no-store")
    again = _form(page.text)
    assert {name: again[name] for name in ("name", "key.1", "value.1", "key.2", "key.3", "type")} == {
        "name": "db-credentials",
        "key.1": "TOKEN",
        "value.1": f"{PLANTED}\n",
        "key.2": "a b",
        "key.3": "ssh-privatekey",
        "type": "kubernetes.io/ssh-auth",
    }
    assert again["immutable"] == "true"
    assert _wrong(page.text)[0] == "key.2"
    again["key.2"] = "k.bin"
    taken = browser.post(f"{CONFIG}/secrets", data=again, headers=own_page(), content_type="multipart/form-data")
    field, said = _wrong(taken.text)
    assert (taken.status_code, field, "Secret db-credentials exists already." in said) == (409, "name", True)
    last = {**_form(taken.text), "name": "token"}
    plan = browser.post(f"{CONFIG}/secrets", data=last, headers=own_page(), content_type="multipart/form-data")
    assert browser.post(f"{CONFIG}/secrets", data=_form(plan.text), headers=own_page()).status_code == 303
    found = changed.client("manager").get(f"{CONFIG}/secrets/token?reveal=true").json
    assert (found["values"], found["binary"]) == (
        {"TOKEN": f"{PLANTED}\n", "ssh-privatekey": "x"},
        {"k.bin": base64.b64encode(b"\xff\x00").decode()},
    )
    assert PLANTED not in "\n".join(f"{each.getMessage()} {each.__dict__}" for each in caplog.records)


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"key.1": ""}, "key.1", "A key needs a name."),
        ({"key.4": "LOG_LEVEL", "value.4": "x"}, "key.4", "'LOG_LEVEL' is there twice"),
        ({"value.1": "x" * 1_048_577}, "value.1", "1,048,576 at most"),
        ({"key.4": "..", "value.4": "x"}, "key.4", "'..' cannot be a key."),
    ],
)
def test_a_mistake_in_an_edit_is_said_beside_its_field(
    shown: Installation, more: dict[str, str], field: str, words: str
) -> None:
    browser = shown.browser("manager")
    form = {**_form(browser.get(f"{SETTINGS}/edit").text), "value.2": "typed", "restart": "deployment.web"}
    form |= {"key.4": "NEW", "value.4": "new", **more}
    # Encoded here: the client's own way leaves a file open for what is large.
    boundary, encoded = encode_multipart(form)
    kind = f"multipart/form-data; boundary={boundary}"
    page = browser.post(SETTINGS, data=encoded, headers=own_page(), content_type=kind)
    assert page.status_code == 422, page.text[:3000]
    found, said = _wrong(page.text)
    assert (found, words in said) == (field, True), said
    assert {name: value for name, value in _form(page.text).items() if name in form} == form


def test_a_certificate_that_is_none_is_said_beside_its_field(shown: Installation) -> None:
    browser = shown.browser("manager")
    form = _form(browser.get(f"{CONFIG}/new?holder=secrets&type=kubernetes.io/tls").text)
    form |= {"name": "cert", "value.1": "no certificate", "value.2": PLANTED}
    page = browser.post(f"{CONFIG}/secrets", data=form, headers=own_page(), content_type="multipart/form-data")
    assert page.status_code == 422
    field, said = _wrong(page.text)
    assert (field, "has to be in PEM" in said) == ("value.1", True)
    assert {name: _form(page.text)[name] for name in form} == form


def test_what_was_deleted_meanwhile_can_be_made_anew_of_what_was_typed(changed: Installation) -> None:
    browser, client = changed.browser("manager"), changed.client("manager")
    form = _form(browser.get(f"{SECRET}/edit").text)
    form[f"value.{_number(form, 'username')}"] = PLANTED
    assert client.call("DELETE", f"{SECRET}?confirm=shop").status_code == 200
    page = browser.post(SECRET, data=form, headers=own_page(), content_type="multipart/form-data")
    assert page.status_code == 404
    again = _form(page.text)
    assert (again["name"], again["key.2"], again["value.2"]) == ("db-credentials", "username", PLANTED)
    field, said = _wrong(page.text)
    assert (field, "not known any more" in said) == ("value.1", True)


@pytest.mark.parametrize("problem", [Unavailable("It does not answer."), Unreachable("No way leads there.")])
def test_a_form_stays_while_the_cluster_is_silent(
    changed: Installation, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """Which of the two a stopped cluster gives depends on who noticed it first: hence both are raised by hand."""

    def silent(*asked: object, **more: object) -> None:
        raise problem

    browser = changed.browser("manager")
    form = {**_form(browser.get(f"{SETTINGS}/edit").text), "value.1": "typed"}
    monkeypatch.setattr(Facets, "read", silent)
    page = browser.post(SETTINGS, data=form, headers=own_page(), content_type="multipart/form-data")
    assert page.status_code == 503, page.text[:3000]
    assert {name: _form(page.text)[name] for name in form} == form


def _made(installation: Installation, kind: str, name: str, **more: Any) -> None:
    metadata = {"name": name, "namespace": "shop"} | more.pop("metadata", {})
    installation.cluster.create({"apiVersion": "v1", "kind": kind, "metadata": metadata} | more)


_FIELD = re.compile(r"<(input|textarea|select)\b([^>]*)>(?:\n?(.*?)</\1>)?", re.DOTALL)
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')


def _form(page: str) -> dict[str, Any]:
    """Give what a browser would send of the page's own form, unchanged."""
    import html

    start = max(page.find('class="keys-form"'), page.find('<section id="content"'))
    found: dict[str, Any] = {}
    for kind, raw, inner in _FIELD.findall(page[start:]):
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(raw)}
        name, typed = attributes.get("name"), attributes.get("type", "")
        if not name or typed in ("file", "search") or (typed in ("checkbox", "radio") and "checked" not in attributes):
            continue
        value = attributes.get("value", "") if kind == "input" else html.unescape(inner)
        found[name] = _chosen(inner) if kind == "select" else value
    return found


def _chosen(options: str) -> str:
    found = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'<option value="([^"]*)"', options)
    return found.group(1) if found else ""


def _wrong(page: str) -> tuple[str, str]:
    """Give the field of a form that has the focus because it is wrong, and what is said beside it."""
    import html

    (raw,) = re.findall(r"<(?:input|textarea|select)\b([^>]*\bautofocus[^>]*)>", page)
    attributes = dict(_ATTRIBUTE.findall(raw))
    assert attributes["aria-invalid"] == "true"
    said = re.search(rf'<p class="problem" id="{re.escape(attributes["aria-describedby"])}">(.*?)</p>', page)
    assert said is not None
    return attributes["id"], html.unescape(re.sub(r"<[^>]+>|▲", "", said.group(1))).strip()


def _number(form: dict[str, Any], key: str) -> str:
    return next(name[4:] for name, value in form.items() if name.startswith("was.") and value == key)


def _as_browser(text: str) -> str:
    return re.sub(r"\r\n|\r|\n", "\r\n", text)
