"""Scaling, Metrics Server and images by page and API: what is read, previewed, confirmed, begun and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Installation, Seed, closed, installed, own_page

SETTLE_S = 60.0
SERVER = "/services/shop/metrics-server"
CLEANUP = "/services/shop/images/cleanup"
KUBELET_LOOKS_S = 0.3


def settle(look: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """Look again and again until it is as it should be; give the last look."""
    deadline = time.monotonic() + SETTLE_S
    while not done(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(KUBELET_LOOKS_S)
    return seen


def ended(changed: Installation, location: str) -> Any:
    """Follow a job to its end."""
    path = location.removeprefix("/api/v1")
    return settle(lambda: changed.client().get(path).json, lambda job: job["state"] != "running")


@pytest.fixture
def removed(changed: Installation) -> Installation:
    """An installation whose cluster has no Metrics API."""
    answer = changed.client().call("DELETE", SERVER, json={"confirm": "shop"})
    assert answer.status_code == 202, answer.json
    assert ended(changed, answer.headers["Location"])["state"] == "done"
    return changed


def test_what_can_be_scaled_is_listed_with_how_the_metrics_api_stands(shown: Installation) -> None:
    value = shown.client("viewer").get("/services/shop/scaling").json
    names = {row["id"]: row for row in value["workloads"]}
    assert {"deployment.web", "statefulset.db"} <= set(names)
    assert names["deployment.web"]["autoscaler"] is None
    assert names["deployment.web"]["lock"] == ""
    assert value["metrics_server"]["state"] == "answering"
    assert len(value["nodes"]) == 3


def test_the_page_has_forms_for_those_who_may_change_and_none_for_others(shown: Installation) -> None:
    manager = shown.browser("manager").get("/services/shop/scaling").text
    viewer = shown.browser("viewer").get("/services/shop/scaling").text
    for words in ("Apply pod count", "Remove all pods", "Create an autoscaler", "Delete images", "Diagnostics"):
        assert words in manager, words
        assert words not in viewer, words
    assert 'aria-current="page">Pods</a>' in viewer
    assert "“manage”" in viewer


def test_one_of_many_is_found_by_its_name(shown: Installation) -> None:
    value = shown.client("viewer").get("/services/shop/scaling?search=deployment+WEB").json
    assert [each["id"] for each in value["workloads"]] == ["deployment.web"]
    assert value["total"] > 1
    page = shown.browser("viewer").get("/services/shop/scaling?search=nothing").text
    assert "No workload matches." in page
    assert 'href="#metrics-server"' in page or value["total"] <= 3


def test_read_only_mode_blames_no_right_that_is_there(seed: Seed, shown: Installation, tmp_path: Path) -> None:
    made = installed(tmp_path / "reading", seed, shown.cluster, read_only=True)
    page = made.browser("manager").get("/services/shop/scaling").text
    closed(made)
    assert "Apply pod count" not in page
    assert "needs the permission" not in page


def test_a_scaled_page_leads_there_from_the_pods(shown: Installation) -> None:
    assert 'href="/services/shop/scaling"' in shown.browser().get("/services/shop/instances").text


def test_0_without_an_autoscaler_is_confirmed(shown: Installation) -> None:
    answer = shown.client().call("PUT", "/services/shop/deployment/deployment.web/replicas", json={"replicas": 0})
    assert (answer.status_code, answer.json["code"]) == (409, "confirmation-required")
    assert answer.json["hits"]


def test_an_autoscaler_needs_a_metrics_api_and_locks_scaling_by_hand(removed: Installation) -> None:
    client, url = removed.client(), "/services/shop/deployment/deployment.web"
    refused = client.call("PUT", f"{url}/autoscaler", json={})
    assert (refused.status_code, refused.json["code"]) == (424, "metrics-server-missing")
    assert client.get("/services/shop/scaling").json["metrics_server"]["state"] == "absent"
    plan = client.call("PUT", SERVER, json={"preview": True}).json
    assert "kind: APIService" in plan["diff"]
    begun = client.call("PUT", SERVER, json={"reason": "autoscaling"})
    assert begun.status_code == 202, begun.json
    job = ended(removed, begun.headers["Location"])
    assert (job["state"], job["sentence"]) == ("done", "The Metrics API answers."), job
    assert {step["state"] for step in job["steps"]} == {"done"}
    found = client.get(SERVER).json
    assert (found["state"], found["ours"]) == ("answering", True)
    assert ("admin", "metrics-server.install", "done") in removed.audited()
    made = client.call("PUT", f"{url}/autoscaler", json={"min": 2, "max": 4})
    assert made.status_code == 200, made.json
    locked = client.call("PUT", f"{url}/replicas", json={"replicas": 5})
    assert (locked.status_code, locked.json["code"]) == (409, "autoscaler-active")
    page = removed.browser().get("/services/shop/scaling").text
    assert "Scaling by hand is locked" in page
    assert "Apply pod count" in page, "the database has no autoscaler"
    row = {each["id"]: each for each in client.get("/services/shop/scaling").json["workloads"]}["deployment.web"]
    assert (row["autoscaler"]["min"], row["autoscaler"]["max"], row["autoscaler"]["cpu_percent"]) == (2, 4, 80)
    assert client.get(url).json["workload"]["autoscaler"]["max"] == 4
    assert row["lock"]
    out = client.call("DELETE", f"{url}/autoscaler", json={"replicas": 2, "confirm": "shop"})
    assert out.status_code == 202, out.json
    assert ended(removed, out.headers["Location"])["state"] == "done"
    _switched_off_and_on(removed, url)


def _switched_off_and_on(made: Installation, url: str) -> None:
    """Nobody has to remove an autoscaler to bring back what has no pods."""
    client = made.client()
    assert client.call("PUT", f"{url}/replicas", json={"replicas": 0, "confirm": "shop"}).status_code == 202
    assert client.call("PUT", f"{url}/autoscaler", json={"max": 3}).status_code == 200
    page = made.browser().get("/services/shop/scaling").text
    assert "Start and turn the autoscaler on" in page
    locked = client.call("PUT", f"{url}/replicas", json={"replicas": 4, "preview": True})
    assert (locked.status_code, locked.json["code"]) == (409, "autoscaler-active")
    assert "between 1 and 3" in locked.json["hint"]
    plan = client.call("PUT", f"{url}/replicas", json={"replicas": 2, "preview": True}).json
    assert "switches the autoscaler web on again" in " ".join(plan["warnings"])
    assert client.call("PUT", f"{url}/replicas", json={"replicas": 2}).status_code == 202


def test_removing_metrics_server_is_confirmed_and_says_what_is_hit(changed: Installation) -> None:
    asked = changed.client().call("DELETE", SERVER)
    assert (asked.status_code, asked.json["code"]) == (409, "confirmation-required")
    assert "APIService v1beta1.metrics.k8s.io" in asked.json["hits"]
    assert asked.json["command"].startswith("kubectl -n kube-system delete ")


def test_another_ones_metrics_server_is_replaced_only_when_that_is_confirmed(changed: Installation) -> None:
    asked = changed.client().call("PUT", SERVER)
    assert (asked.status_code, asked.json["code"]) == (409, "confirmation-required")
    assert changed.client().get(SERVER).json["ours"] is False


def test_diagnostics_are_for_those_who_manage(changed: Installation) -> None:
    assert changed.client("operator").get(f"{SERVER}/diagnostics").status_code == 403
    value = changed.client().get(f"{SERVER}/diagnostics").json
    assert value["state"] == "answering"
    page = changed.browser().get(f"{SERVER}/diagnostics").text
    assert "Last log lines" in page


def test_a_cleanup_is_stopped_when_whoever_began_it_may_not_do_it_any_more(changed: Installation) -> None:
    manager, admin = changed.client("manager"), changed.client()
    # Each look at a pod takes longer than the watch needs to see what has changed.
    changed.cluster.faults.delay(2.0, "/api/v1/namespaces/kube-system/pods/opsmodal-images-")
    begun = manager.call("POST", CLEANUP, json={"confirm": "shop"})
    assert begun.status_code == 202, begun.json
    changed.people.disable("manager")
    job = ended(changed, begun.headers["Location"])
    assert job["state"] == "stopped"
    assert job["sentence"].endswith("may not do this any more. The user was disabled.")
    assert ("manager", "images.clean", "stopped") in changed.audited()
    assert admin.get("/services/shop/scaling").status_code == 200


def test_images_are_cleaned_when_that_is_confirmed_and_no_pod_stays(changed: Installation) -> None:
    client = changed.client()
    assert len(client.get("/services/shop/images").json["nodes"]) == 3
    plan = client.call("POST", CLEANUP, json={"preview": True, "node": "demo-worker-1"}).json
    assert plan["summary"] == "Delete unused images on demo-worker-1"
    assert "crictl rmi --prune" in plan["command"]
    asked = client.call("POST", CLEANUP, json={"node": "demo-worker-1"})
    assert (asked.status_code, asked.json["code"]) == (409, "confirmation-required")
    begun = client.call("POST", CLEANUP, json={"node": "demo-worker-1", "confirm": "shop"})
    assert begun.status_code == 202, begun.json
    job = ended(changed, begun.headers["Location"])
    assert job["state"] == "done", job
    assert "Deleted" in job["steps"][0]["detail"]
    path = begun.headers["Location"].removeprefix("/api/v1")
    assert changed.client("manager").get(path).json["steps"] == job["steps"]
    (listed,) = changed.client("viewer").get("/services/shop/deployment").json["jobs"]
    for told in (changed.client("viewer").get(path).json, listed):
        assert told["state"] == "done"
        assert [step["detail"] for step in told["steps"]] == [""], "what nodes print is not for who only looks"
    assert "Deleted" not in changed.browser("viewer").get("/services/shop/scaling").text


@pytest.mark.parametrize("image", ["--prune", "a b", "-x", "a;b"])
def test_what_is_no_image_is_refused(shown: Installation, image: str) -> None:
    answer = shown.client().call("POST", CLEANUP, json={"image": image, "confirm": "shop"})
    assert answer.status_code == 422, answer.json


def test_a_form_shows_its_plan_first(shown: Installation) -> None:
    browser = shown.browser()
    sent = {"preview": "true", "replicas": "5"}
    page = browser.post("/services/shop/deployment/deployment.web/replicas", data=sent, headers=own_page()).text
    assert "kubectl -n shop scale deployment/web --replicas=5" in page
    sent = {"preview": "true", "node": "", "image": ""}
    page = browser.post("/services/shop/images/cleanup", data=sent, headers=own_page()).text
    assert "Delete unused images on 3 nodes" in page
    assert 'name="confirm"' in page
