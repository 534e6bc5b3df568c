"""An API server that is ill, silent or gone while a page is open: the page keeps the last truth, says so, recovers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from opsmodal import recent
from tests.web.conftest import Installation

LISTED = "/services/shop/instances"
NOTICED_S = 10.0
"""Within this a list that is watched notices that its API server is gone, and that it is back."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once, so that recovery is seen without waiting."""
    monkeypatch.setattr(recent, "RETRY_S", 0.0)
    monkeypatch.setattr("opsmodal.fleet.slots.RETRY_S", 0.0)
    monkeypatch.setattr("opsmodal.operations.instances.FRESH_S", 0.0)
    monkeypatch.setattr("opsmodal.operations.services.GLANCE_FRESH_S", 0.0)


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + NOTICED_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_killed_api_server_leaves_the_last_rows_with_their_age_and_comes_back(changed: Installation) -> None:
    before = changed.client().get(LISTED).json
    changed.cluster.pause()
    eventually(lambda: changed.client().get(LISTED).json["stale"], "the page says that it is old")
    during = changed.client().get(LISTED)
    assert during.status_code == 200
    assert changed.client().get(LISTED).json["as_of"] == during.json["as_of"]
    assert changed.cluster.url.removeprefix("https://").removeprefix("http://") in during.json["problem"]
    assert [row["id"] for row in during.json["items"]] == [row["id"] for row in before["items"]]
    page = changed.browser("viewer").get(LISTED)
    assert page.status_code == 200
    assert "db-0" in page.text
    assert during.json["problem"][:20] in page.text
    row = next(row for row in changed.client().get("/services").json["items"] if row["name"] == "shop")
    assert row["stale"] is True
    changed.cluster.resume()
    eventually(lambda: not changed.client().get(LISTED).json["stale"], "the page is current again")
    assert changed.client().get(LISTED).json["as_of"] > during.json["as_of"]


def test_a_server_that_was_never_reached_is_an_error_with_what_to_do(changed: Installation) -> None:
    changed.cluster.pause()
    answer = changed.client().get(LISTED)
    assert answer.status_code == 503
    assert answer.json["detail"]
    listed = changed.client().get("/services").json["items"]
    assert {row["status"] for row in listed} == {"unknown"}
    page = changed.browser("viewer").get(LISTED)
    assert page.status_code == 503
    assert "Try again" in page.text
    changed.cluster.resume()
    assert changed.client().get(LISTED).status_code == 200


@pytest.mark.parametrize(
    ("status", "expected", "word"),
    [(401, 502, "401"), (403, 502, ""), (410, 410, ""), (429, 503, ""), (500, 503, ""), (503, 503, "")],
)
def test_what_an_api_server_answers_is_a_sentence(changed: Installation, status: int, expected: int, word: str) -> None:
    changed.client().get("/services/shop/overview")
    changed.cluster.faults.answer(status, "/api/v1/namespaces/shop/pods", retry_after_s=1 if status == 429 else None)
    answer = changed.client().get("/services/shop/instances/db-0")
    assert answer.status_code in (expected, 503), answer.text
    assert word in answer.json["detail"]
    for foreign in ("Traceback", "<html", "kind", "Bearer"):
        assert foreign not in answer.text
    changed.cluster.faults.clear()
    assert changed.client().get("/services/shop/instances/db-0").status_code == 200


def test_a_refusal_is_shown_and_never_covered_by_older_rows(changed: Installation) -> None:
    changed.client().get(LISTED)
    changed.cluster.faults.answer(401, "/api/v1/namespaces/shop/pods")
    changed.cluster.faults.drop_watches()
    eventually(lambda: changed.client().get(LISTED).status_code == 502, "the refusal")
    assert "items" not in changed.client().get(LISTED).json


def test_half_an_answer_is_no_answer(changed: Installation) -> None:
    before = changed.client().get(LISTED).json
    changed.cluster.faults.half("/api/v1/namespaces/shop/pods")
    changed.cluster.world.storage.forget()  # a watch cannot go on from where it was, so there has to be a list
    changed.cluster.faults.drop_watches()
    eventually(lambda: changed.client().get(LISTED).json["stale"], "the page says that it is old")
    assert changed.client().get(LISTED).json["total"] == before["total"]


def test_the_services_page_does_not_wait_for_a_silent_runtime(changed: Installation) -> None:
    changed.client().get("/services")
    changed.cluster.faults.silence("/api/v1/namespaces/payments")
    answer = changed.client().get("/services")
    assert answer.status_code == 200
    statuses = {row["name"]: row["status"] for row in answer.json["items"]}
    assert statuses["shop"] == "ok"
    assert statuses["payments"] == "error", "the last one that was known"
    changed.cluster.faults.clear()


def test_an_instance_that_went_between_list_and_click_is_a_sentence(changed: Installation) -> None:
    client = changed.client()
    gone = client.get("/services/shop/instances?search=web").json["items"][0]["name"]
    assert client.call("DELETE", f"{LISTED}/{gone}?force=true&confirm=shop").status_code == 200
    answer = client.get(f"{LISTED}/{gone}/cause")
    assert answer.status_code == 404
    assert gone in answer.json["detail"]
    page = changed.browser("viewer").get(f"{LISTED}/{gone}")
    assert page.status_code == 404
    assert "All pods" in page.text
