"""The audit log by its page, its API and its export."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from tests.web.conftest import Installation


def _delete_a_pod(changed: Installation, actor: str = "manager") -> str:
    name = str(changed.client(actor).get("/services/shop/instances?search=web").json["items"][0]["id"])
    answer = changed.client(actor).call("DELETE", f"/services/shop/instances/{name}", json={"confirm": "shop"})
    assert answer.status_code == 200, answer.text
    return name


def test_a_change_is_one_entry_with_its_outcome(changed: Installation) -> None:
    name = _delete_a_pod(changed)
    value = changed.client("auditor").get("/audit?action=instance.delete").json
    (entry,) = value["items"]
    assert (entry["actor"], entry["service"], entry["verdict"]) == ("manager", "shop", "allow")
    assert (entry["target"], entry["outcome"]) == (f"pod/{name}", "done")
    assert entry["via"].startswith("token:")
    assert entry["duration_ms"] >= 0
    assert changed.client("auditor").get(f"/audit/{entry['id']}").json == entry


def test_a_refusal_is_an_entry_with_its_rule(changed: Installation) -> None:
    assert changed.client("viewer").call("POST", "/services/shop/instances/delete-pending").status_code == 403
    value = changed.client("admin").get("/audit?verdict=refuse&actor=viewer").json
    (entry,) = value["items"]
    assert (entry["outcome"], entry["rule"]) == ("refused", "needs manage")


def test_pages_follow_each_other_without_a_gap(changed: Installation) -> None:
    for _ in range(7):
        changed.client("viewer").call("POST", "/services/shop/instances/delete-pending")
    whole = [row["id"] for row in changed.client("admin").get("/audit").json["items"]]
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = changed.client("admin").get(f"/audit?limit=3&cursor={cursor}").json
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
    assert seen == whole == sorted(whole, reverse=True)


def test_the_id_of_a_request_finds_its_rows_and_its_reason_is_shown(changed: Installation) -> None:
    asked = {"confirm": "shop", "reason": "ticket OPS-12, with --password planted-in-the-reason"}
    name = str(changed.client("manager").get("/services/shop/instances?search=web").json["items"][0]["id"])
    path = f"/services/shop/instances/{name}"
    answer = changed.client("manager").call("DELETE", path, json=asked, headers={"X-Request-Id": "from-the-proxy-1"})
    assert answer.headers["X-Request-Id"] == "from-the-proxy-1"
    auditor = changed.client("auditor")
    for narrowed in ("request_id=from-the-proxy-1", "search=from-the-proxy-1", "search=OPS-12"):
        (entry,) = auditor.get(f"/audit?{narrowed}").json["items"]
        assert (entry["action"], entry["request_id"]) == ("instance.delete", "from-the-proxy-1")
        assert entry["reason"] == "ticket OPS-12, with --password •••"
    assert auditor.get("/audit?request_id=from-the-proxy").json["items"] == []
    page = changed.browser("auditor").get(f"/audit/{entry['id']}").text
    assert "ticket OPS-12" in page
    assert "/audit?request_id=from-the-proxy-1" in page
    for exported in ("/audit/export", "/audit/export?format=csv"):
        text = auditor.get(exported).text
        assert "from-the-proxy-1" in text
        assert "OPS-12" in text
        assert "planted" not in text


def test_where_the_log_is_forwarded_to_is_said(changed: Installation) -> None:
    assert "not forwarded" in changed.browser("auditor").get("/audit/forwarding").text
    assert changed.client("auditor").get("/audit/forwarding").json["items"] == []


@pytest.mark.parametrize("narrowed", ["since=1h", "until=2099-01-01", "search=delete-pending", "service=shop"])
def test_filters_that_hold_keep_the_entry(changed: Installation, narrowed: str) -> None:
    changed.client("viewer").call("POST", "/services/shop/instances/delete-pending")
    assert changed.client("admin").get(f"/audit?actor=viewer&{narrowed}").json["total"] == 1


@pytest.mark.parametrize("narrowed", ["since=2099-01-01", "until=1h", "search=nothing%20like%20it", "service=payments"])
def test_filters_that_do_not_hold_leave_it_out(changed: Installation, narrowed: str) -> None:
    changed.client("viewer").call("POST", "/services/shop/instances/delete-pending")
    assert changed.client("admin").get(f"/audit?actor=viewer&{narrowed}").json["total"] == 0


def test_the_page_shows_rows_and_opens_one(changed: Installation) -> None:
    name = _delete_a_pod(changed)
    page = changed.browser("auditor").get("/audit").text
    assert name in page
    opened = re.search(r'href="(/audit/\d+)"[^>]*>instance.delete', page)
    assert opened is not None
    row = changed.browser("auditor").get(opened[1]).text
    assert f"pod/{name}" in row
    assert "Hash" in row


def test_an_auditor_sees_the_audit_log_and_no_service(changed: Installation) -> None:
    assert changed.client("auditor").get("/services").json["items"] == []
    assert changed.client("auditor").get("/services/shop/overview").status_code == 404
    assert 'href="/audit"' in changed.browser("auditor").get("/services").text
    assert 'href="/audit"' not in changed.browser("manager").get("/services").text


def test_a_narrowed_token_of_an_auditor_reads_no_audit_log(changed: Installation) -> None:
    token = changed.people.new_token("auditor", services=["shop"]).secret
    answer = changed.app.test_client().get("/api/v1/audit", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_json_lines_hold_every_row_with_its_hash(changed: Installation) -> None:
    _delete_a_pod(changed)
    rows = [json.loads(line) for line in changed.client("auditor").get("/audit/export").text.splitlines()]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert {"instance.delete", "audit.export"} <= {row["action"] for row in rows}
    assert all(len(row["hash"]) == 64 for row in rows)


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(changed: Installation) -> None:
    name = str(changed.client("manager").get("/services/shop/instances?search=web").json["items"][0]["id"])
    asked = {"confirm": "shop", "reason": "=HYPERLINK(1)"}
    assert changed.client("manager").call("DELETE", f"/services/shop/instances/{name}", json=asked).status_code == 200
    text = changed.client("auditor").get("/audit/export?format=csv").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert "'=HYPERLINK(1)" in {row["reason"] for row in rows}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]


@pytest.mark.parametrize("path", ["/audit/export?format=xlsx", "/audit?since=yesterday", "/audit?cursor=x"])
def test_what_cannot_be_understood_is_said(changed: Installation, path: str) -> None:
    answer = changed.client("admin").get(path)
    assert answer.status_code == 400
    assert answer.json["detail"].endswith(".")


@pytest.mark.parametrize("number", ["0", "999999999", "x", "99999999999999999999"])
def test_a_row_that_there_is_not_is_not_there(changed: Installation, number: str) -> None:
    assert changed.client("admin").get(f"/audit/{number}").status_code == 404
