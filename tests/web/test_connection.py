"""The ways to a service: read, chosen for oneself, tried. One direct way works here, one of SSH leads to nobody."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from opsmodal.app import FLEET
from opsmodal.operations import trying
from opsmodal.operations.connection import TEST_DEADLINE_S
from tests.web.conftest import Installation, own_page

HERE = "/services/shop/connection"
LAN = {"name": "lan", "kind": "direct", "priority": 10}
SPARE = {"name": "spare", "kind": "direct", "priority": 20}
DEAD = {"name": "bastion", "kind": "ssh", "priority": 30, "host": "127.0.0.1", "port": 1, "user": "ops", "agent": True}


def register(made: Installation, *ways: dict[str, Any], files: dict[str, str] | None = None) -> None:
    """Register the demo's cluster anew, with these connections and the files that they name."""
    entry = {"name": "demo", "kind": "kubernetes", "kubeconfig": {"file": "demo.yaml"}, "connections": list(ways)}
    made.registry.put("runtimes", entry, {"kubeconfig": made.cluster.kubeconfig(), **(files or {})})
    made.app.extensions[FLEET].refresh()


@pytest.fixture
def forked(changed: Installation) -> Installation:
    """Give an installation whose cluster is reached in two ways that work."""
    register(changed, LAN, SPARE)
    return changed


def test_one_connection_is_no_choice(shown: Installation) -> None:
    value = shown.client("viewer").get(HERE).json
    assert (value["chosen"], value["remembered"], value["runtime"]) == ("auto", False, "demo")
    assert [(each["name"], each["kind"], each["label"]) for each in value["candidates"]] == [
        ("direct", "direct", "Direct")
    ]
    page = shown.browser("viewer").get("/services/shop/overview").text
    assert "Change connection" not in page
    assert "first.js" not in page


def test_candidates_come_in_the_order_of_auto_with_what_is_known(forked: Installation) -> None:
    client = forked.client("viewer")
    assert client.get("/services/shop/instances").status_code == 200
    value = client.get(HERE).json
    assert [each["name"] for each in value["candidates"]] == ["lan", "spare"]
    assert (value["in_use"], value["auto"]) == ("lan", "lan")
    assert value["sentence"] == "Auto takes Direct lan: it has the highest priority."
    assert [each["in_use"] for each in value["candidates"]] == [True, False]


def test_a_choice_is_kept_for_one_person_and_one_service(forked: Installation) -> None:
    client = forked.client("viewer")
    answer = client.call("PUT", HERE, json={"name": "spare"})
    assert (answer.status_code, answer.json["targets"]) == (200, ["spare"])
    assert answer.json["sentence"] == "You reach shop by Direct spare from now on."
    mine = client.get(HERE).json
    assert (mine["chosen"], mine["remembered"]) == ("spare", True)
    others = forked.client("manager").get(HERE).json
    assert (others["chosen"], others["remembered"]) == ("auto", False)
    assert forked.client().get("/services/payments/connection").json["chosen"] == "auto"


def test_a_choice_goes_that_way(forked: Installation) -> None:
    client = forked.client("viewer")
    client.call("PUT", HERE, json={"name": "spare"})
    assert client.get("/services/shop/instances").status_code == 200
    assert client.get(HERE).json["in_use"] == "spare"
    assert forked.client("manager").get("/services/shop/instances").status_code == 200
    assert forked.client("manager").get(HERE).json["in_use"] == "lan"


def test_a_choice_that_is_not_registered_any_more_is_auto(forked: Installation) -> None:
    forked.client("viewer").call("PUT", HERE, json={"name": "spare"})
    register(forked, LAN, DEAD)
    assert forked.client("viewer").get(HERE).json["chosen"] == "auto"


@pytest.mark.parametrize("name", ["bastion", "Spare", "spare ", "direct", "x" * 500, "../spare"])
def test_what_is_no_connection_is_refused_with_those_that_are(forked: Installation, name: str) -> None:
    answer = forked.client("viewer").call("PUT", HERE, json={"name": name})
    assert answer.status_code == 422
    assert "There are: auto, lan, spare." in answer.json["hint"]
    assert forked.client("viewer").get(HERE).json["remembered"] is False


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None}])
def test_a_choice_names_something(forked: Installation, body: dict[str, Any]) -> None:
    assert forked.client("viewer").call("PUT", HERE, json=body).status_code == 400


def test_a_choice_is_on_record_and_reading_is_not(forked: Installation) -> None:
    client = forked.client("viewer")
    client.get(HERE)
    client.call("POST", f"{HERE}/test")
    client.call("PUT", HERE, json={"name": "lan"})
    mine = {action for actor, action, _ in forked.audited() if actor == "viewer"}
    assert mine == {"connection.choose"}
    assert ("viewer", "connection.choose", "done") in forked.audited()


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PUT", ""), ("POST", "/test")])
def test_anothers_service_is_not_there(forked: Installation, method: str, path: str) -> None:
    answer = forked.client("viewer").call(method, f"/services/payments/connection{path}", json={"name": "lan"})
    assert answer.status_code == 404
    assert forked.client().get("/services/payments/connection").json["remembered"] is False


def test_every_connection_is_tried_side_by_side_and_told_in_a_sentence(changed: Installation) -> None:
    register(changed, LAN, DEAD)
    answer = changed.client("viewer").call("POST", f"{HERE}/test")
    assert answer.status_code == 200
    lan, dead = answer.json["candidates"]
    assert (lan["health"], lan["word"], lan["latency_ms"] > 0) == ("ok", "answers", True)
    assert (dead["health"], dead["word"], dead["latency_ms"]) == ("error", "fails", None)
    assert dead["last_error"].endswith(".")
    assert lan["checked_at"]
    assert dead["checked_at"]


@pytest.mark.exhaustive
def test_a_host_that_accepts_and_says_nothing_fails_within_the_deadline(changed: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_way = {**DEAD, "port": silent.getsockname()[1], "password": {"file": "password"}}
        del silent_way["agent"]
        register(changed, LAN, silent_way, files={"connections.bastion.password": "nothing"})
        began = time.monotonic()
        answer = changed.client("viewer").call("POST", f"{HERE}/test")
        assert time.monotonic() - began < TEST_DEADLINE_S + 2
        lan, way = answer.json["candidates"]
        assert (lan["health"], way["latency_ms"], bool(way["last_error"])) == ("ok", None, True)
        ends_at = time.monotonic() + 20  # the line itself may still be waited for by others
        while way["health"] != "error" and time.monotonic() < ends_at:
            time.sleep(0.2)
            way = changed.client("viewer").get(HERE).json["candidates"][1]
    assert (way["health"], way["word"]) == ("error", "fails")


def test_a_test_waits_until_the_one_before_is_over(forked: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    fleet = forked.app.extensions[FLEET]

    def slow(*_: object, **__: object) -> None:
        begun.set()
        assert go_on.wait(10)

    monkeypatch.setattr(fleet, "test_ways", slow)
    first = threading.Thread(target=lambda: forked.client("viewer").call("POST", f"{HERE}/test"), name="first test")
    first.start()
    assert begun.wait(10)
    second = forked.client("manager").call("POST", f"{HERE}/test")
    go_on.set()
    first.join(10)
    assert (second.status_code, second.headers["Retry-After"]) == (429, str(int(trying.RUNNING_S)))
    third = forked.client("manager").call("POST", f"{HERE}/test")
    assert third.status_code == 429
    assert "a moment ago" in third.json["detail"]


def test_the_header_says_the_way_on_every_tab(forked: Installation) -> None:
    browser = forked.browser("viewer")
    browser.get("/services/shop/instances")
    for tab in ("overview", "instances", "timeline", "rights"):
        page = browser.get(f"/services/shop/{tab}").text
        assert "Auto → lan" in page, tab
        assert "Change connection" in page, tab
    browser.post(HERE, data={"name": "spare"}, headers=own_page())
    assert "Direct spare" in browser.get("/services/shop/overview").text


def test_the_page_leads_back_to_the_tab_it_came_from(forked: Installation) -> None:
    browser = forked.browser("viewer")
    page = browser.get(f"{HERE}?tab=instances").text
    assert '<input type="hidden" name="tab" value="instances">' in page
    answer = browser.post(HERE, data={"name": "spare", "tab": "instances"}, headers=own_page())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/services/shop/instances")
    tested = browser.post(f"{HERE}/test", data={"tab": "instances"}, headers=own_page())
    assert (tested.status_code, tested.headers["Location"]) == (303, f"{HERE}?tab=instances")


@pytest.mark.parametrize("tab", ["//evil.example", "https://evil.example", "../../registry", "nothing", "", "a b"])
def test_an_invented_tab_leads_to_the_first(forked: Installation, tab: str) -> None:
    answer = forked.browser("viewer").post(HERE, data={"name": "auto", "tab": tab}, headers=own_page())
    assert answer.headers["Location"] == "/services/shop/overview"


def test_the_choice_is_asked_for_once(forked: Installation) -> None:
    browser = forked.browser("viewer")
    first = browser.get("/services/shop/overview").text
    assert "first.js" in first
    assert "Keep Auto" in first
    browser.post(HERE, data={"name": "auto"}, headers=own_page())
    again = browser.get("/services/shop/overview").text
    assert "first.js" not in again
    assert "Keep Auto" not in again


def test_a_chosen_way_that_fails_says_why_and_offers_the_others(changed: Installation) -> None:
    register(changed, LAN, DEAD)
    browser = changed.browser("viewer")
    browser.post(HERE, data={"name": "bastion"}, headers=own_page())
    page = browser.get("/services/shop/instances")
    assert page.status_code >= 500
    assert "You chose SSH bastion, so no other connection is taken by itself." in page.text
    assert "Use Auto" in page.text
    assert "Use Direct lan" in page.text
    assert changed.client("manager").get("/services/shop/instances").status_code == 200


def test_read_only_mode_leaves_what_is_ones_own(seed: Any, tmp_path: Any, example_cluster: Any) -> None:
    from tests.web.conftest import closed, installed

    made = installed(tmp_path, seed, example_cluster, read_only=True)
    try:
        assert made.client("viewer").call("PUT", HERE, json={"name": "direct"}).status_code == 200
    finally:
        closed(made)
