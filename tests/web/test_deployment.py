"""The Deployment tab: read, planned, done and followed, by API and as a page, with every refusal told."""

from __future__ import annotations

import json
import re
import ssl
import time
import urllib.request
from collections.abc import Callable
from html import unescape
from typing import Any

import msgspec
import pytest
import websocket
import yaml
from flask.testing import FlaskClient

from opsmodal.tabs import deployment
from runtimes.base import Scope
from runtimes.deployment import Deployed
from runtimes.kubernetes.deployment.facet import WorkloadDeployment
from tests.web.conftest import Caller, Installation, own_page

WEB, DB = "/services/shop/deployment/deployment.web", "/services/shop/deployment/statefulset.db"
GOOD, BAD = "registry.example.com/shop/shop-web:1.4.3", "registry.example.com/shop/shop-web:no-such-tag"
SET_ENV = "kubectl set env deployment/web --from=secret/robot-token"
DEADLINE_S = 40.0


def until(read: Callable[[], Any], is_so: Callable[[Any], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def followed(caller: Caller, answer: Any) -> dict[str, Any]:
    """Follow the job of an answer to its end."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["Location"].removeprefix("/api/v1")
    found: dict[str, Any] = until(lambda: caller.get(path).json, lambda job: job["state"] != "running")
    return found


def form(browser: FlaskClient, path: str, **fields: str) -> Any:
    return browser.post(path, data=fields, headers=own_page())


def fields_of(page: str) -> dict[str, str]:
    """Read what the form of a plan sends on."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.partition("data-confirmed")[2])
    return {name: unescape(value) for name, value in found}


def test_everybody_who_sees_the_service_reads_what_runs(shown: Installation) -> None:
    value = shown.client("viewer").get("/services/shop/deployment").json
    assert {row["id"] for row in value["items"]} >= {"deployment.web", "statefulset.db"}
    web = next(row for row in value["items"] if row["id"] == "deployment.web")
    assert web["images"]["web"].endswith("shop-web:1.4.2")
    assert (web["replicas"], web["ready"], web["severity"], web["verbs"]) == (3, 3, "ok", [])
    assert web["revisions"][0]["current"] is True
    assert web["containers"][0]["probes"]
    assert value["stale"] is False


def test_workloads_are_searched_sorted_and_cut_as_every_list_is(shown: Installation) -> None:
    client = shown.client("viewer")
    every = client.get("/services/shop/deployment").json
    assert (every["total"], every["next"]) == (len(every["items"]), None)
    assert sum(every["counts"].values()) == every["total"]
    first = client.get("/services/shop/deployment?limit=1&sort=-name").json
    assert (first["total"], first["next"]) == (every["total"], "1")
    assert first["items"][0]["name"] == max(row["name"] for row in every["items"])
    assert [row["id"] for row in client.get("/services/shop/deployment?search=deploy+web").json["items"]] == [
        "deployment.web"
    ]
    assert client.get("/services/shop/deployment?sort=colour").status_code == 400
    page = shown.browser("viewer").get("/services/shop/deployment?limit=1").text
    assert "1–1 of" in page
    assert "Show all workloads" in shown.browser("viewer").get("/services/shop/deployment?search=nothing-such").text


def test_who_manages_has_the_buttons_and_nobody_else(shown: Installation) -> None:
    for user, has in (("viewer", False), ("operator", False), ("manager", True)):
        page = shown.browser(user).get(WEB).text
        assert ("Restart…" in page) is has, user
        assert ('name="image"' in page) is has, user
        assert "readiness" in page.lower()


def test_a_workload_of_another_service_is_not_there(shown: Installation) -> None:
    for workload in ("deployment.api", "deployment.nothing", "nothing"):
        assert shown.client("manager").get(f"/services/shop/deployment/{workload}").status_code == 404
    assert shown.client("manager").get("/services/payments/deployment").status_code == 404


def test_a_plan_says_what_would_change_and_changes_nothing(shown: Installation) -> None:
    client = shown.client("manager")
    plan = client.call("PUT", f"{WEB}/image", json={"image": GOOD, "container": "web", "preview": True}).json
    assert plan["differences"] == [
        {"what": plan["differences"][0]["what"], "before": GOOD.replace("1.4.3", "1.4.2"), "after": GOOD}
    ]
    assert plan["command"].startswith("kubectl -n shop set image ")
    assert plan["revision"]
    assert client.get(WEB).json["workload"]["images"]["web"].endswith("1.4.2")
    assert ("manager", "deployment.image", "done") not in shown.audited()


def test_an_image_is_set_as_planned_and_its_rollout_followed_to_the_end(changed: Installation) -> None:
    client = changed.client("manager")
    plan = client.call("PUT", f"{WEB}/image", json={"image": GOOD, "preview": True}).json
    body = {"image": GOOD, "revision": plan["revision"], "reason": "ticket 7"}
    job = followed(client, client.call("PUT", f"{WEB}/image", json=body))
    assert (job["state"], job["kind"], job["target"]) == ("done", "rollout", "deployment/web"), job
    web = client.get(WEB).json
    assert web["workload"]["images"]["web"] == GOOD
    assert web["workload"]["revisions"][0]["change_cause"] == "ticket 7"
    assert [row["revision"] for row in web["workload"]["revisions"]] == [2, 1]
    assert ("manager", "deployment.image", "done") in changed.audited()
    assert web["jobs"][0]["id"] == job["id"]


def test_what_was_planned_on_another_state_is_not_done(changed: Installation) -> None:
    client = changed.client("manager")
    plan = client.call("PUT", f"{WEB}/image", json={"image": GOOD, "preview": True}).json
    assert client.call("POST", f"{WEB}/pause").status_code in (200, 202)
    body = {"image": GOOD, "revision": plan["revision"]}
    assert client.call("PUT", f"{WEB}/image", json=body).status_code == 412
    assert client.call("PUT", f"{WEB}/image", json={"image": GOOD}, headers={"If-Match": '"1"'}).status_code == 412


def test_a_bad_image_is_told_as_stuck_and_rolled_back(changed: Installation) -> None:
    client = changed.client("manager")
    answer = client.call("PUT", f"{WEB}/image", json={"image": BAD})
    job = followed(client, answer)
    assert job["state"] == "failed", job
    assert "web-" in job["error"], job
    assert "roll back to revision 1" in job["hint"]
    assert any(step["state"] == "failed" and step["name"].startswith("Pod web-") for step in job["steps"])
    row = next(it for it in client.get("/services/shop/deployment").json["items"] if it["id"] == "deployment.web")
    assert (row["progress"]["state"], row["severity"]) == ("failed", "error")
    page = changed.browser("manager").get(WEB).text
    assert "Roll back to the revision before…" in page
    unconfirmed = client.call("POST", f"{WEB}/rollback", json={"revision": 1})
    assert (unconfirmed.status_code, unconfirmed.json["code"]) == (409, "confirmation-required")
    assert unconfirmed.json["command"].startswith("kubectl -n shop rollout undo")
    preview = client.call("POST", f"{WEB}/rollback", json={"revision": 1, "preview": True}).json
    assert "shop-web:1.4.2" in str(preview)
    back = followed(client, client.call("POST", f"{WEB}/rollback", json={"revision": 1, "confirm": "shop"}))
    assert back["state"] == "done", back
    revisions = client.get(WEB).json["workload"]["revisions"]
    assert [(row["revision"], row["current"]) for row in revisions] == [(3, True), (2, False)]
    assert revisions[0]["images"] == [GOOD.replace("1.4.3", "1.4.2")]


def test_restarting_in_production_wants_the_name(changed: Installation) -> None:
    client = changed.client("manager")
    refused = client.call("POST", f"{DB}/restart")
    assert (refused.status_code, refused.json["confirm"]) == (409, "shop")
    assert client.call("POST", f"{DB}/restart", json={"confirm": "true"}).status_code == 409
    assert followed(client, client.call("POST", f"{DB}/restart", json={"confirm": "shop"}))["state"] == "done"


def test_scaling_to_nothing_wants_the_name_and_scaling_does_not(changed: Installation) -> None:
    client = changed.client("manager")
    assert followed(client, client.call("PUT", f"{WEB}/replicas", json={"replicas": 4}))["state"] == "done"
    assert client.get(WEB).json["workload"]["replicas"] == 4
    refused = client.call("PUT", f"{WEB}/replicas", json={"replicas": 0})
    assert (refused.status_code, refused.json["code"]) == (409, "confirmation-required")
    assert client.call("PUT", f"{WEB}/replicas", json={"replicas": 0, "confirm": "shop"}).status_code in (200, 202)
    assert ("manager", "deployment.remove-pods", "done") in changed.audited()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "replicas", {}),
        ("PUT", "replicas", {"replicas": -1}),
        ("PUT", "replicas", {"replicas": "many"}),
        ("PUT", "replicas", {"replicas": 2**40}),
        ("PUT", "image", {}),
        ("PUT", "image", {"image": "not an image"}),
        ("PUT", "image", {"image": "x:1", "container": "no-such"}),
        ("PUT", "resources", {"container": "web", "cpu_limit": "much"}),
        ("PUT", "resources", {"container": "web", "memory_limit": "1Q"}),
        ("PUT", "strategy", {}),
        ("PUT", "strategy", {"kind": "Never"}),
        ("POST", "rollback", {"revision": "last", "confirm": "shop"}),
        ("POST", "rollback", {"revision": 99, "confirm": "shop"}),
        ("PUT", "manifest", {}),
        ("PUT", "manifest", {"text": "kind: Deployment"}),
        ("PUT", "manifest", {"text": "metadata: {}", "revision": "1"}),
        ("PUT", "suspend", {"suspended": True}),
        ("POST", "run", {}),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    shown: Installation, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = shown.client("manager").call(method, f"{WEB}/{path}", json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json["detail"].endswith((".", "?"))


def manifest_of(client: Caller) -> tuple[dict[str, Any], str]:
    answer = client.get(f"{WEB}/manifest")
    return yaml.safe_load(answer.json["text"]), answer.headers["ETag"]


def test_a_manifest_is_read_changed_and_put_back_as_yaml(changed: Installation) -> None:
    client = changed.client("manager")
    manifest, etag = manifest_of(client)
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = GOOD
    headers = {"If-Match": etag, "Content-Type": "application/yaml"}
    preview = client.call("PUT", f"{WEB}/manifest?preview=true", data=yaml.safe_dump(manifest), headers=headers)
    assert any(line.startswith("+") and GOOD in line for line in preview.json["diff"].splitlines())
    assert client.call("PUT", f"{WEB}/manifest", data=yaml.safe_dump(manifest)).status_code == 400
    answer = client.call("PUT", f"{WEB}/manifest", data=yaml.safe_dump(manifest), headers=headers)
    assert followed(client, answer)["state"] == "done"
    assert client.get(WEB).json["workload"]["images"]["web"] == GOOD
    again = client.call("PUT", f"{WEB}/manifest", data=yaml.safe_dump(manifest), headers=headers)
    assert (again.status_code, again.json["code"]) == (412, "changed-meanwhile")


def test_a_manifest_gives_no_privileges_and_that_is_audited(changed: Installation) -> None:
    client = changed.client("manager")
    manifest, etag = manifest_of(client)
    manifest["spec"]["template"]["spec"]["hostPID"] = True
    for preview in (True, False):
        body = {"text": yaml.safe_dump(manifest), "preview": preview}
        answer = client.call("PUT", f"{WEB}/manifest", json=body, headers={"If-Match": etag})
        assert (answer.status_code, answer.json["code"]) == (422, "rejected")
        assert "hostPID" in answer.json["detail"]
    assert ("manager", "deployment.edit", "refused") in changed.audited()


def test_a_manifest_is_given_no_secret_that_holds_a_token(changed: Installation) -> None:
    client = changed.client("manager")
    _token(changed)
    manifest, etag = manifest_of(client)
    pod = manifest["spec"]["template"]["spec"]
    for name, status in (("shop-database", 200), ("robot-token", 422)):
        pod["volumes"] = [{"name": "more", "secret": {"secretName": name}}]
        body = {"text": yaml.safe_dump(manifest), "preview": True}
        answer = client.call("PUT", f"{WEB}/manifest", json=body, headers={"If-Match": etag})
        assert answer.status_code == status, answer.json
    assert "robot-token" in answer.json["detail"]
    typed = client.call("POST", "/services/shop/commands", json={"command": SET_ENV, "mode": "oneshot"})
    assert (typed.status_code, typed.json["rule"]) == (422, "kubectl-token")


def test_going_back_gives_no_more_than_a_manifest_may(changed: Installation) -> None:
    client = changed.client("manager")
    _revision(changed, {"hostNetwork": True, "dnsPolicy": "Default"}, 2)
    _revision(changed, {"hostNetwork": None}, 3)
    for preview in (True, False):
        body = {"revision": 2, "preview": preview, "confirm": "shop"}
        answer = client.call("POST", f"{WEB}/rollback", json=body)
        assert (answer.status_code, answer.json["code"]) == (422, "rejected"), answer.json
        assert "hostNetwork" in answer.json["detail"]
        assert answer.json["hint"]
    assert ("manager", "deployment.rollback", "refused") in changed.audited()
    page = form(changed.browser("manager"), f"{WEB}/rollback", to="2", preview="true")
    assert page.status_code == 422
    assert "“hostNetwork” is a part of the host." in page.text
    line = "kubectl rollout undo deployment/web --to-revision=2"
    typed = client.call("POST", "/services/shop/commands", json={"command": line, "mode": "oneshot", "confirm": "shop"})
    assert (typed.status_code, typed.json["rule"]) == (422, "kubectl-patch-privilege"), typed.json
    assert client.call("POST", f"{WEB}/rollback", json={"revision": 1, "preview": True}).status_code == 200


def _token(made: Installation) -> None:
    kind = {
        "name": "robot-token",
        "namespace": "shop",
        "annotations": {"kubernetes.io/service-account.name": "default"},
    }
    type_ = "kubernetes.io/service-account-token"
    made.cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": kind, "type": type_})


def _revision(made: Installation, pod: dict[str, Any], number: int) -> None:
    """Give the pods of web something else, as an administrator of the cluster does, and wait for its revision."""
    url = f"{made.cluster.url}/apis/apps/v1/namespaces/shop/deployments/web"
    body = json.dumps({"spec": {"template": {"spec": pod}}}).encode()
    known = ssl.create_default_context(cadata=made.cluster.authority)
    headers = {
        "Content-Type": "application/strategic-merge-patch+json",
        "Authorization": f"Bearer {made.cluster.token()}",
    }
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PATCH"), context=known):
        pass
    client = made.client()
    until(lambda: client.get(WEB).json["workload"]["revisions"][0]["revision"], lambda found: found == number)


def test_a_manifest_that_removes_all_pods_wants_the_name(changed: Installation) -> None:
    client = changed.client("manager")
    manifest, etag = manifest_of(client)
    manifest["spec"]["replicas"] = 0
    body = {"text": yaml.safe_dump(manifest)}
    answer = client.call("PUT", f"{WEB}/manifest", json=body, headers={"If-Match": etag})
    assert (answer.status_code, answer.json["code"]) == (409, "confirmation-required")


def test_a_manifest_may_be_large(shown: Installation) -> None:
    client = shown.client("manager")
    text = "# " + "x" * 1_200_000
    assert client.call("PUT", f"{WEB}/manifest", json={"text": text}).status_code != 413
    assert client.call("PUT", f"{WEB}/image", json={"image": text}).status_code == 413


def test_without_script_a_change_is_planned_on_a_page_and_done_from_there(changed: Installation) -> None:
    browser = changed.browser("manager")
    plan = form(browser, f"{WEB}/image", image=GOOD, container="web", preview="true")
    assert plan.status_code == 200
    assert "kubectl -n shop set image" in plan.text
    sent = fields_of(plan.text)
    assert (sent["image"], sent["container"]) == (GOOD, "web")
    assert "preview" not in sent
    done = form(browser, f"{WEB}/image", **sent, reason="by hand")
    assert (done.status_code, done.headers["Location"]) == (303, WEB)
    page = browser.get(WEB).text
    assert "by hand" in page  # as the change-cause
    assert GOOD in page


def test_another_kind_of_strategy_is_chosen_in_the_form_as_it_is_filled_in(shown: Installation) -> None:
    client, browser = shown.client("manager"), shown.browser("manager")
    filled = {"max_surge": "25%", "max_unavailable": "25%"}
    plan = form(browser, f"{WEB}/strategy", kind="Recreate", **filled, preview="true")
    assert plan.status_code == 200, plan.text
    assert "each rollout is an outage" in plan.text
    told = client.call("PUT", f"{WEB}/strategy", json={"kind": "Recreate", **filled, "preview": True})
    assert told.status_code == 422, "a program is told"


def test_the_page_of_a_rollback_asks_for_the_name_and_goes_back(changed: Installation) -> None:
    client, browser = changed.client("manager"), changed.browser("manager")
    followed(client, client.call("PUT", f"{WEB}/image", json={"image": GOOD}))
    plan = form(browser, f"{WEB}/rollback", to="1", preview="true")
    assert "Type shop to go on" in plan.text
    sent = fields_of(plan.text)
    wrong = form(browser, f"{WEB}/rollback", **sent, confirm="shp")
    assert wrong.status_code == 409
    assert "That is not the name" in wrong.text
    assert form(browser, f"{WEB}/rollback", **sent, confirm="shop").status_code == 303
    until(lambda: client.get(WEB).json["workload"]["images"]["web"], lambda name: name.endswith("1.4.2"))


def test_a_mistake_in_a_manifest_keeps_what_was_typed(shown: Installation) -> None:
    browser = shown.browser("manager")
    for text in ("kind: [", "metadata: {name: web}\nspec: {x: &a 1}", "metadata: {name: other}"):
        page = form(browser, f"{WEB}/manifest", text=text, preview="true")
        assert page.status_code == 422
        assert "data-error" in page.text
        assert text.splitlines()[0] in page.text.replace("&#34;", '"')


def test_a_job_is_followed_by_socket_and_stopped(changed: Installation, served: str) -> None:
    client = changed.client("manager")
    answer = client.call("PUT", f"{WEB}/image", json={"image": "registry.example.com/shop/slow-pull:1"})
    path = answer.headers["Location"]
    url = f"{served.replace('http', 'ws')}{path}/events"
    socket = websocket.create_connection(
        url, header={"Authorization": f"Bearer {changed.tokens['viewer']}"}, timeout=DEADLINE_S
    )
    first = msgspec.json.decode(socket.recv())
    assert (first["id"], first["kind"]) == (path.rpartition("/")[2], "rollout")
    short = path.removeprefix("/api/v1")
    assert changed.client("operator").call("DELETE", short).status_code == 403
    assert client.call("DELETE", short).status_code == 200
    last = first
    while last["state"] == "running":
        last = msgspec.json.decode(socket.recv())
    assert (last["state"], last["sentence"]) == ("stopped", "Stopped by manager.")
    assert socket.recv() in ("", b"")
    socket.shutdown()
    assert client.get(short.replace("/shop/", "/payments/")).status_code == 404


def test_every_change_of_the_tab_is_planned_by_preview() -> None:
    changing = [route for route in deployment.routes.routes if route.method != "GET"]
    assert len(changing) == 16
    assert all(any(each.name == "preview" for each in route.parameters) for route in changing)


def test_a_manifest_that_somebody_else_changed_meanwhile_is_not_even_planned(changed: Installation) -> None:
    client, browser = changed.client("manager"), changed.browser("manager")
    page = browser.get(f"{WEB}/manifest").text
    looked_at = re.search(r'name="revision" value="([^"]+)"', page)
    assert looked_at is not None
    text = client.get(f"{WEB}/manifest").json["text"]
    assert client.call("POST", f"{WEB}/pause").status_code in (200, 202)
    answer = form(browser, f"{WEB}/manifest", text=text + "# mine\n", revision=looked_at[1], preview="true")
    assert answer.status_code == 412
    assert "# mine" in answer.text
    assert "Open what is there now" in answer.text
    body = {"text": text, "preview": True, "revision": looked_at[1]}
    assert client.call("PUT", f"{WEB}/manifest", json=body).status_code == 412


def test_those_who_look_at_one_workload_share_what_the_cluster_is_asked(
    shown: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    get = WorkloadDeployment.get

    def counted(facet: WorkloadDeployment, scope: Scope, workload: str) -> Deployed:
        asked.append(workload)
        return get(facet, scope, workload)

    monkeypatch.setattr(WorkloadDeployment, "get", counted)
    for user in ("viewer", "operator", "manager"):
        assert shown.browser(user).get("/services/shop/deployment/statefulset.db").status_code == 200
    assert len(asked) <= 1, "none when another test has just looked"
