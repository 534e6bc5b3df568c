"""The Pods tab: list, explain, delete with confirmation; each by API, some as a page."""

from __future__ import annotations

import time

import pytest

from tests.web.conftest import Installation, own_page


def test_the_worst_come_first_and_are_counted(shown: Installation) -> None:
    value = shown.client().get("/services/payments/instances").json
    assert value["items"][0]["severity"] == "error"
    assert value["counts"]["error"] >= 1
    assert value["total"] == len(value["items"]) == sum(value["counts"].values())
    assert value["stale"] is False
    assert value["as_of"]


def test_search_filter_sort_and_pages(shown: Installation) -> None:
    client = shown.client("viewer")
    names = [row["name"] for row in client.get("/services/shop/instances?sort=-name").json["items"]]
    assert names == sorted(names, reverse=True)
    first = client.get("/services/shop/instances?sort=-name&limit=1").json
    second = client.get(f"/services/shop/instances?sort=-name&limit=1&cursor={first['next']}").json
    assert [first["items"][0]["name"], second["items"][0]["name"]] == names[:2]
    assert client.get("/services/shop/instances?search=db-0").json["total"] == 1
    assert client.get("/services/shop/instances?severity=error").json["total"] == 0
    assert client.get("/services/shop/instances?sort=secret").status_code == 400


def test_an_instance_is_found_by_a_unique_prefix_and_masked_below_manage(shown: Installation) -> None:
    for user, masked in (("viewer", True), ("manager", False)):
        value = shown.client(user).get("/services/shop/instances/db").json
        assert value["instance"]["name"] == "db-0"
        assert value["environment_masked"] is masked
        given = [variable["value"] for variable in value["environment"] if variable["value"] is not None]
        assert all((one == "••••••") is masked for one in given)


def test_an_ambiguous_prefix_names_what_it_could_be(shown: Installation) -> None:
    answer = shown.client().get("/services/shop/instances/web")
    assert answer.status_code == 422
    assert answer.json["hint"].count("web-") == 3


def test_an_absent_instance_is_not_found(shown: Installation) -> None:
    for name in ("no-such-pod", "..", "%2e%2e", "db-0/log"):
        assert shown.client().get(f"/services/shop/instances/{name}").status_code == 404, name


def test_why_is_one_sentence_with_causes_and_hints(shown: Installation) -> None:
    crashing = shown.client().get("/services/payments/instances").json["items"][0]["name"]
    value = shown.client().get(f"/services/payments/instances/{crashing}/cause").json
    assert crashing in value["sentence"]
    assert all(cause["kind"] and cause["detail"] and cause["hint"] for cause in value["causes"])
    pending = shown.client().get("/services/reports/instances").json["items"][0]["name"]
    value = shown.client().get(f"/services/reports/instances/{pending}/cause").json
    assert "memory" in value["sentence"].lower()


def test_why_quotes_no_log_to_those_who_may_not_read_logs(changed: Installation) -> None:
    for role in ("viewer", "developer"):
        changed.registry.put("grants", {"user": role, "role": role, "services": ["payments"]})
    crashing = changed.client().get("/services/payments/instances").json["items"][0]["name"]
    path = f"/services/payments/instances/{crashing}/cause"
    assert "Traceback" not in changed.client("viewer").get(path).text
    assert "Error" in changed.client("developer").get(path).text


def test_deleting_asks_for_the_name_in_production_and_says_what_is_hit(changed: Installation) -> None:
    client = changed.client("manager")
    asked = client.call("DELETE", "/services/shop/instances/db-0")
    assert asked.status_code == 409
    assert asked.json["code"] == "confirmation-required"
    assert asked.json["confirm"] == "shop"
    assert any("db-0" in hit for hit in asked.json["hits"])
    assert asked.json["command"] == "kubectl -n shop delete pod db-0"
    assert client.call("DELETE", "/services/shop/instances/db-0?confirm=true").status_code == 409
    before = client.get("/services/shop/instances/db-0").json["instance"]["created_at"]
    assert client.call("DELETE", "/services/shop/instances/db-0?confirm=shop").status_code == 200
    _until(lambda: _created(changed, "db-0") not in (None, before))


def test_a_pod_made_again_under_its_name_is_not_hit(changed: Installation) -> None:
    client, path = changed.client(), "/services/shop/instances/db-0"
    seen = client.get(path).json["instance"]["uid"]
    assert seen
    assert f'name="uid" value="{seen}"' in changed.browser("manager").get("/services/shop/instances").text
    assert client.call("DELETE", f"{path}?confirm=shop&uid={seen}").status_code == 200
    _until(lambda: _uid(changed, "db-0") not in (None, seen))
    late = client.call("DELETE", f"{path}?confirm=shop&uid={seen}")
    assert (late.status_code, late.json["code"]) == (409, "conflict")
    assert "recreated" in late.json["detail"]
    page = changed.browser("manager").post(f"{path}/delete", data={"confirm": "shop", "uid": seen}, headers=own_page())
    assert page.status_code == 409
    assert "recreated" in page.text
    assert client.get(path).json["instance"]["status"] != "Terminating"


def test_deleting_is_confirmed_with_true_elsewhere_and_by_a_json_body(changed: Installation) -> None:
    client = changed.client()
    pending = client.get("/services/reports/instances").json["items"][0]["name"]
    path = f"/services/reports/instances/{pending}"
    assert client.call("DELETE", path, json={"confirm": "reports"}).status_code == 409
    assert client.call("DELETE", path, json={"confirm": True}).status_code == 200
    assert client.call("DELETE", f"{path}?confirm=true").status_code in (200, 404), "twice is no error"


def test_deleting_pending_pods_names_them_first(changed: Installation) -> None:
    client = changed.client()
    asked = client.call("POST", "/services/reports/instances/delete-pending")
    assert asked.status_code == 409
    assert [hit for hit in asked.json["hits"] if hit.startswith("pod ")] == asked.json["hits"][:1]
    done = client.call("POST", "/services/reports/instances/delete-pending?confirm=true")
    assert done.status_code == 200
    assert len(done.json["targets"]) == 1


def test_a_pod_is_not_restarted(shown: Installation) -> None:
    answer = shown.client().call("POST", "/services/shop/instances/db-0/restart?confirm=shop")
    assert answer.status_code == 422
    assert answer.json["code"] == "unsupported"
    assert answer.json["hint"]


def test_the_page_confirms_without_script(changed: Installation) -> None:
    browser = changed.browser("manager")
    page = browser.post("/services/shop/instances/db-0/delete", headers=own_page())
    assert page.status_code == 409
    assert "db-0" in page.text
    assert 'name="confirm"' in page.text
    done = browser.post("/services/shop/instances/db-0/delete", data={"confirm": "shop"}, headers=own_page())
    assert done.status_code == 303
    listed = browser.get(done.location)
    assert "db-0 is being deleted." in listed.text


def test_the_buttons_are_not_there_for_those_who_may_not(shown: Installation) -> None:
    assert "/delete" not in shown.browser("viewer").get("/services/shop/instances").text
    assert "/delete" in shown.browser("manager").get("/services/shop/instances").text


@pytest.mark.parametrize("tab", ["instances", "instances/db-0", "instances/db-0/cause"])
def test_the_pages_open(shown: Installation, tab: str) -> None:
    page = shown.browser("viewer").get(f"/services/shop/{tab}")
    assert page.status_code == 200
    assert "db-0" in page.text


def _created(installation: Installation, name: str) -> str | None:
    answer = installation.client().get(f"/services/shop/instances/{name}")
    return answer.json["instance"]["created_at"] if answer.status_code == 200 else None


def _uid(installation: Installation, name: str) -> str | None:
    answer = installation.client().get(f"/services/shop/instances/{name}")
    return answer.json["instance"]["uid"] if answer.status_code == 200 else None


def _until(holds: object, *, within_s: float = 20.0) -> None:
    assert callable(holds)
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


def test_a_question_says_what_else_is_hit(changed: Installation) -> None:
    client = changed.client("manager")
    asked = client.call("DELETE", "/services/shop/instances/db-0").json
    assert "the last ready pod of statefulset db" in asked["hits"]
    assert "statefulset db makes it again" in asked["hits"]
    assert any(hit.startswith("claim ") and hit.endswith(" stays") for hit in asked["hits"])
    assert not any("could not be looked at" in hit for hit in asked["hits"])
    web = [row["name"] for row in client.get("/services/shop/instances").json["items"] if "web" in row["name"]]
    assert len(web) > 1
    hits = client.call("DELETE", f"/services/shop/instances/{web[0]}").json["hits"]
    assert not any("last ready" in hit or "no ready pod" in hit for hit in hits), "others are left"


def test_who_shares_an_instance_is_named_to_those_who_may_see_it_and_counted_to_others(changed: Installation) -> None:
    entry = {"runtime": "demo", "namespace": "shop", "environment": "production"}
    for name in ("shop-mine", "shop-of-others"):
        changed.registry.put("services", {"name": name, **entry})
    changed.registry.put("grants", {"user": "manager", "role": "viewer", "services": ["shop-mine"]})
    hits = changed.client("manager").call("DELETE", "/services/shop/instances/db-0").json["hits"]
    assert "also shown by service shop-mine" in hits
    assert "also shown by 1 service that you may not see" in hits
    assert "shop-of-others" not in str(hits)


def test_a_reason_is_kept_in_the_audit_log(changed: Installation) -> None:
    client, path = changed.client("manager"), "/services/shop/instances/db-0"
    for sent in ({"json": {"confirm": "shop", "reason": "it hangs"}}, {"query_string": "confirm=shop&reason=it+hangs"}):
        _until(lambda: client.get(path).status_code == 200)
        assert client.call("DELETE", path, **sent).status_code == 200
    for wrong in ("x" * 501, "two\nlines"):
        answer = client.call("DELETE", path, json={"confirm": "shop", "reason": wrong})
        assert (answer.status_code, "Nothing was done" in answer.json["hint"]) == (400, True)
    rows = changed.client().get("/audit?action=instance.delete").json["items"]
    assert [row["reason"] for row in rows if row["outcome"] == "done"] == ["it hangs", "it hangs"]


def test_the_dialog_offers_a_reason_and_enter_in_it_does_nothing(changed: Installation) -> None:
    browser = changed.browser("manager")
    page = browser.post("/services/shop/instances/db-0/delete", headers=own_page()).text
    assert '<input id="reason" name="reason"' in page
    assert 'maxlength="500"' in page
    assert page.index("<button hidden disabled") < page.index('id="confirm"') < page.index('id="reason"')
    again = browser.post(
        "/services/shop/instances/db-0/delete", data={"confirm": "shop ", "reason": "a <b>"}, headers=own_page()
    ).text
    assert 'value="a &lt;b&gt;"' in again, "what was written is kept when the name was wrong"
    assert again.count('name="reason"') == 1
