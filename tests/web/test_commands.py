"""The Commands tab, on the simulated cluster with the real kubectl: judged, let through, run, written down."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from opsmodal.demo.cluster import Cluster, start
from tests.web.conftest import Installation, Seed, closed, installed, own_page
from tests.web.typed import installed_with_kubectl, rows, run, with_another_operator

BODIES_THAT_ARE_NONE = (
    {"command": 7},
    {"command": "kubectl get pods", "mode": "for ever"},
    {"command": "kubectl get pods", "confirm": 7},
    {"command": "kubectl get pods", "instance": ["web"]},
    {"command": "kubectl get pods", "reason": {}},
)
PLANTED = "swordfish-of-nobody"


@pytest.fixture(scope="module")
def shop(seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give an installation with a cluster of its own, whose commands change what they like."""
    cluster = start()
    made = installed_with_kubectl(tmp_path_factory.mktemp("commands"), seed, cluster)
    made.people.add("reporter")
    made.registry.put("grants", {"user": "reporter", "role": "manager", "services": ["reports"]})
    reporter = made.people.new_token("reporter").secret
    both = with_another_operator(made)
    yield replace(both, tokens={**both.tokens, "reporter": reporter})
    closed(made)
    cluster.stop()


def pod_of(made: Installation, service: str = "shop") -> str:
    return str(made.client().get(f"/services/{service}/instances?sort=name").json["items"][-1]["name"])


def test_a_line_is_run_and_its_output_answered(shop: Installation) -> None:
    answer = run(shop, "kubectl get pods", "operator")
    assert answer.status_code == 200, answer.text
    value = answer.json
    assert (value["exit_code"], value["verdict"], value["stderr"]) == (0, "allow", "")
    assert "db-0" in value["stdout"]
    assert (value["timed_out"], value["truncated"], value["notes"]) == (False, False, [])
    assert value["duration_ms"] > 0


def test_a_program_that_says_no_is_an_answer_with_its_exit_code(shop: Installation) -> None:
    value = run(shop, "kubectl get pod no-such-pod", "operator").json
    assert value["exit_code"] == 1
    assert value["stdout"] == ""
    assert "NotFound" in value["stderr"]
    assert rows(shop)[-1].outcome == "failed"


def test_what_was_run_is_audited_with_how_it_went(shop: Installation) -> None:
    value = run(shop, "kubectl get pods -o wide", "operator").json
    intent, outcome = rows(shop)[-2:]
    assert (intent.action, intent.actor, intent.service) == ("command.run", "operator", "shop")
    assert (intent.verdict, intent.rule != "") == ("allow", True)
    assert "kubectl get pods -o wide" in intent.target
    assert (outcome.outcome, outcome.exit_code, outcome.verdict) == ("done", 0, "allow")
    assert outcome.bytes_count == len(value["stdout"].encode())
    assert outcome.duration_ms is not None
    assert outcome.duration_ms >= value["duration_ms"]
    assert outcome.detail.startswith("Over direct, as ")
    shown = shop.client().get(f"/audit/{intent.id}").json
    assert (shown["exit_code"], shown["verdict"]) == (0, "allow")


@pytest.mark.parametrize(
    ("actor", "command", "status", "rule"),
    [
        ("viewer", "kubectl get pods", 403, ""),
        ("developer", "kubectl get pods", 403, ""),
        ("narrow", "kubectl get pods", 403, ""),
        ("operator", "kubectl delete pod db-0", 403, "permission-manage"),
        ("operator", "kubectl rollout restart deployment web", 403, "permission-manage"),
        ("operator", "kubectl get secret db-credentials", 403, "permission-manage"),
        ("nobody", "kubectl get pods", 404, ""),
        ("reporter", "kubectl get pods", 404, ""),
        ("nobody-at-all", "kubectl get pods", 401, ""),
    ],
)
def test_who_may_not_is_told_so(shop: Installation, actor: str, command: str, status: int, rule: str) -> None:
    answer = run(shop, command, actor)
    assert answer.status_code == status, answer.text
    assert answer.json.get("rule", "") == rule
    if status == 403:
        assert answer.json["hint"] == "Ask admin.", "who can grant it"
        assert rows(shop)[-1].outcome == "refused"
        assert command in rows(shop)[-1].target, "also who may run nothing leaves what they tried"


def test_a_token_for_less_than_its_owner_runs_less(shop: Installation) -> None:
    token = shop.people.new_token("manager", services=["shop"], permissions=["view", "exec"]).secret  # type: ignore[list-item]
    assert run(shop, "kubectl get pods", token).status_code == 200
    refused = run(shop, "kubectl logs db-0", token)
    assert (refused.status_code, refused.json["rule"]) == (403, "permission-logs")
    assert run(shop, "kubectl get pods", token, service="reports").status_code == 404


@pytest.mark.parametrize(
    ("command", "suggestion"),
    [
        ("kubectl get pods -A", "kubectl get pods"),
        ("kubectl get pods --all-namespaces=true", "kubectl get pods"),
        ("kubectl -n payments get pods", None),
        ("kubectl get nodes", None),
        ("kubectl exec -it db-0 -- sh", None),
        ("kubectl port-forward db-0 80", None),
        ("kubectl get pods; id", None),
        ("kubectl get pods | grep db", "kubectl get pods"),
        ("kubectl get pods -w", None),
        ("kubectl logs -f db-0", None),
        ("kubectl apply -f -", None),
        ("kubectl get pods --kubeconfig=x", None),
        ("docker ps", None),
        ("sh -c id", None),
        ("", None),
    ],
)
def test_a_refusal_names_its_rule_and_what_to_type_instead(
    shop: Installation, command: str, suggestion: str | None
) -> None:
    answer = run(shop, command)
    assert answer.status_code == 422, answer.text
    problem = answer.json
    assert (problem["code"], bool(problem["rule"]), problem["detail"].endswith(".")) == ("command-refused", True, True)
    assert suggestion is None or problem["suggestion"] == suggestion
    refusal = rows(shop)[-1]
    assert (refusal.action, refusal.verdict, refusal.rule) == ("command.run", "refuse", problem["rule"])
    assert refusal.target == command
    newest = shop.client("manager").get("/services/shop/commands").json["history"]["items"][0]
    assert (newest["command"], newest["outcome"], newest["rule"]) == (command, "refused", problem["rule"])


def test_no_container_is_chosen_on_a_cluster(shop: Installation) -> None:
    answer = run(shop, "kubectl get pods", instance="db-0")
    assert (answer.status_code, answer.json["rule"]) == (422, "container-on-cluster")


@pytest.mark.parametrize("body", [*BODIES_THAT_ARE_NONE, [1], "x"])
def test_a_body_that_is_none_is_a_mistake_of_the_sender(shop: Installation, body: Any) -> None:
    answer = shop.client("manager").call("POST", "/services/shop/commands", json=body)
    assert answer.status_code == 400, answer.text


def test_null_is_the_same_as_nothing(shop: Installation) -> None:
    body = {"command": "kubectl version --client", "instance": None, "confirm": None, "reason": None}
    assert shop.client("manager").call("POST", "/services/shop/commands", json=body).status_code == 200


def test_what_destroys_asks_first_for_the_name_in_production(shop: Installation) -> None:
    pod, before = pod_of(shop), len(rows(shop))
    question = run(shop, f"kubectl delete pod {pod}")
    assert (question.status_code, question.json["code"]) == (409, "confirmation-required")
    assert question.json["confirm"] == "shop"
    assert any(pod in hit for hit in question.json["hits"]), question.json["hits"]
    assert len(rows(shop)) == before, "a question is no attempt"
    wrong = run(shop, f"kubectl delete pod {pod}", confirm="true")
    assert wrong.status_code == 409
    assert [(row.entry, row.rule) for row in rows(shop)[before:]] == [("refusal", "confirmation")]
    done = run(shop, f"kubectl delete pod {pod}", confirm="shop")
    assert (done.status_code, done.json["verdict"], done.json["exit_code"]) == (200, "confirm", 0), done.text
    intent, outcome = rows(shop)[-2:]
    assert (intent.action, intent.verdict, outcome.outcome) == ("command.destroy", "confirm", "done")
    assert f"pod/{pod}" in intent.target.replace("pods/", "pod/")
    names = [row["name"] for row in shop.client().get("/services/shop/instances").json["items"]]
    assert pod not in names, "the list is read anew after a change"


def test_elsewhere_true_confirms(shop: Installation) -> None:
    pod = pod_of(shop, "reports")
    question = run(shop, f"kubectl delete pod {pod}", "reporter", service="reports")
    assert (question.status_code, question.json["confirm"]) == (409, "true")
    done = run(shop, f"kubectl delete pod {pod}", "reporter", service="reports", confirm=True)
    assert done.status_code == 200, done.text


def test_what_changes_is_a_change_and_needs_no_confirmation(shop: Installation) -> None:
    answer = run(shop, "kubectl annotate deployment web checked=yes --overwrite")
    assert (answer.status_code, answer.json["exit_code"]) == (200, 0), answer.text
    assert rows(shop)[-2].action == "command.change"


def test_a_program_in_a_pod_runs_and_is_written_down_as_such(shop: Installation) -> None:
    value = run(shop, "kubectl exec db-0 -- echo hello there", "operator").json
    assert (value["stdout"], value["exit_code"]) == ("hello there\n", 0), value
    intent = rows(shop)[-2]
    assert (intent.action, intent.target) == ("command.exec", "pod/db-0: kubectl exec db-0 -- echo hello there")


def test_checking_runs_nothing_and_writes_nothing_down(shop: Installation) -> None:
    before, pod = len(rows(shop, "")), pod_of(shop)

    def check(command: str, actor: str = "manager") -> TestResponse:
        body = {"command": command, "mode": "oneshot"}
        return shop.client(actor).call("POST", "/services/shop/commands/check", json=body)

    allowed = check("kubectl get pods").json
    assert (allowed["decision"], allowed["argv"]) == ("allow", ["kubectl", "-n", "shop", "get", "pods"])
    asked = check(f"kubectl delete pod {pod}").json
    assert (asked["decision"], asked["targets"][0]["name"]) == ("confirm", pod)
    refused = check("kubectl get pods -A").json
    assert (refused["decision"], refused["suggestion"], refused["argv"]) == ("refuse", "kubectl get pods", [])
    assert check("kubectl delete pod db-0", "operator").json["rule"] == "permission-manage"
    assert len(rows(shop, "")) == before
    assert pod_of(shop) == pod


def test_values_of_secrets_are_masked_where_they_are_written_down_and_shown(shop: Installation) -> None:
    name = f"planted-{time.monotonic_ns()}"
    made = run(shop, f"kubectl create secret generic {name} --from-literal=password={PLANTED}")
    assert made.json["exit_code"] == 0, made.text
    refused = run(shop, f"kubectl create secret generic {name} -A --from-literal=password={PLANTED}")
    assert refused.status_code == 422
    for command in (f"kubectl get secret {name} -o yaml", f"kubectl get secret {name} -o json"):
        value = run(shop, command).json
        assert value["masked"] is True
        assert "password" in value["stdout"], value
        assert "•••" in value["stdout"]
        assert PLANTED not in value["stdout"]
        assert "c3dvcmRmaXNo" not in value["stdout"], "in base64"
    log = json.dumps([(row.target, row.detail, row.reason) for row in rows(shop)], ensure_ascii=False)
    assert "--from-literal=password=•••" in log
    assert PLANTED not in log
    assert PLANTED not in shop.client("manager").get("/services/shop/commands?limit=1000").text
    for path in shop.folder.rglob("*"):
        assert not path.is_file() or PLANTED.encode() not in path.read_bytes(), path


def test_a_workload_that_an_autoscaler_owns_is_not_scaled(shop: Installation) -> None:
    scaled = run(shop, "kubectl scale deployment web --replicas=2")
    assert scaled.status_code == 200, scaled.text
    owned = run(shop, "kubectl autoscale deployment web --min=1 --max=3 --cpu-percent=80")
    assert owned.json["exit_code"] == 0, owned.text
    refused = run(shop, "kubectl scale deployment web --replicas=3")
    assert refused.status_code == 422, refused.text
    assert "autoscaler" in refused.json["detail"].lower()
    run(shop, "kubectl delete hpa web", confirm="shop")


def test_what_was_run_can_be_read_again_by_its_person_and_who_manages(shop: Installation) -> None:
    value = run(shop, "kubectl get pods", "operator").json
    path = f"/services/shop/commands/{value['id']}"
    record = shop.client("operator").get(path).json
    assert (record["stdout"], record["running"], record["row"]["exit_code"]) == (value["stdout"], False, 0)
    assert (record["row"]["outcome"], record["row"]["command"]) == ("exited", "kubectl get pods")
    text = shop.client("operator").get(f"{path}/text")
    assert (text.text, text.mimetype) == (value["stdout"], "text/plain")
    assert "attachment" in text.headers["Content-Disposition"]
    for who, status in (("manager", 200), ("other", 404), ("reporter", 404)):
        assert shop.client(who).get(path).status_code == status, who
        assert shop.client(who).get(f"{path}/text").status_code == status, who
    assert shop.client("other").call("DELETE", path).status_code == 404
    assert shop.client("reporter").get(path.replace("shop", "reports")).status_code == 404, "on another service"


def test_the_history_is_ones_own_and_can_be_searched(shop: Installation) -> None:
    run(shop, "kubectl get configmaps", "other")
    mine = shop.client("other").get("/services/shop/commands?limit=1").json["history"]
    assert mine["items"][0]["command"] == "kubectl get configmaps"
    assert all("configmaps" in row["command"] for row in mine["items"])
    run(shop, "kubectl get events", "other")
    found = shop.client("other").get("/services/shop/commands?search=CONFIGMAPS").json["history"]
    assert {row["command"] for row in found["items"]} == {"kubectl get configmaps"}
    first = shop.client("other").get("/services/shop/commands?limit=1").json["history"]
    following = shop.client("other").get(f"/services/shop/commands?limit=1&cursor={first['next']}").json["history"]
    assert first["items"][0]["id"] != following["items"][0]["id"]


def test_the_tab_says_where_lines_run_and_within_which_limits(shop: Installation) -> None:
    value = shop.client("operator").get("/services/shop/commands").json
    assert (value["program"], value["namespace"], value["missing"]) == ("kubectl", "shop", "")
    assert (value["hosts"], value["containers"], value["runbooks"]) == (False, [], [])
    limits = value["limits"]
    assert (limits["oneshot_s"], limits["oneshot_long_s"], limits["streaming_s"]) == (30, 60, 600)
    assert (limits["streaming_bytes"], limits["streaming_count"]) == (5_000_000, 3)
    for offered in value["common"]:
        body = {"command": offered["command"], "mode": offered["mode"]}
        checked = shop.client("operator").call("POST", "/services/shop/commands/check", json=body).json
        assert checked["decision"] == "allow", f"{offered} is offered and refused: {checked}"


def test_words_are_completed_from_what_is_known(shop: Installation) -> None:
    def words(line: str) -> list[str]:
        answer = shop.client("operator").get("/services/shop/commands/completions", query_string={"line": line})
        return [each["text"] for each in answer.json["items"]]

    assert words("ku") == ["kubectl"]
    assert "rollout" in words("kubectl ro")
    assert "restart" in words("kubectl rollout re")
    assert "pods" in words("kubectl get po")
    assert words("kubectl logs db") == ["db-0"]
    assert words("kubectl exec db-0 -- ca") == []


def test_without_script_a_form_leads_to_the_result(shop: Installation) -> None:
    browser = shop.browser("operator")
    page = browser.get("/services/shop/commands")
    assert page.status_code == 200
    assert "Commands" in page.text
    sent = {"command": "kubectl get pods", "mode": "oneshot", "instance": ""}
    done = browser.post("/services/shop/commands", data=sent, headers=own_page())
    assert (done.status_code, "db-0" in done.text) == (200, True)
    refused = browser.post(
        "/services/shop/commands", data={**sent, "command": "kubectl get pods -A"}, headers=own_page()
    )
    assert refused.status_code == 422
    assert re.search(r"line=kubectl(%20|\+)get(%20|\+)pods", refused.text), "the line to take over"
    checked = browser.post("/services/shop/commands/check", data=sent, headers=own_page())
    assert (checked.status_code, "It may run" in checked.text) == (200, True)


def test_each_line_has_a_page_whatever_became_of_it(shop: Installation) -> None:
    browser = shop.browser("operator")
    for line, words in (("kubectl get pods -A", "It was refused"), ("kubectl get pods", "db-0")):
        run(shop, line, "operator")
        newest = shop.client("operator").get("/services/shop/commands").json["history"]["items"][0]
        page = browser.get(f"/services/shop/commands/{newest['id']}")
        assert (page.status_code, words in page.text) == (200, True), page.text[:300]


def test_without_script_a_confirmation_is_a_form_that_keeps_the_line(shop: Installation) -> None:
    browser, pod = shop.browser("manager"), pod_of(shop)
    sent = {"command": f"kubectl delete pod {pod}", "mode": "oneshot"}
    asked = browser.post("/services/shop/commands", data=sent, headers=own_page())
    assert asked.status_code == 409
    assert f'name="command" value="kubectl delete pod {pod}"' in asked.text
    done = browser.post("/services/shop/commands", data={**sent, "confirm": "shop"}, headers=own_page())
    assert done.status_code == 200


def test_another_sites_page_runs_nothing(shop: Installation) -> None:
    browser, before = shop.browser("operator"), len(rows(shop))
    foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in ("/services/shop/commands", "/api/v1/services/shop/commands"):
        answer = browser.post(path, data={"command": "kubectl get pods"}, headers=foreign)
        assert answer.status_code == 403
    assert len(rows(shop)) == before


@pytest.fixture
def strict(seed: Seed, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Give an installation with the settings that the test is for."""
    cluster = start()
    made = installed_with_kubectl(tmp_path, seed, cluster, **request.param)
    yield made
    closed(made)
    cluster.stop()


@pytest.mark.parametrize("strict", [{"read_only": True}], indirect=True)
def test_in_read_only_mode_only_what_reads_is_left(strict: Installation) -> None:
    assert run(strict, "kubectl get pods").status_code == 200
    for command in ("kubectl delete pod db-0", "kubectl exec db-0 -- id", "kubectl annotate pod db-0 a=b"):
        refused = run(strict, command, confirm="shop")
        assert (refused.status_code, refused.json["code"]) == (403, "read-only"), refused.text
        assert rows(strict)[-1].rule == "read-only"


@pytest.mark.parametrize("strict", [{"command_oneshot_s": 2}], indirect=True)
def test_what_takes_too_long_is_ended_and_says_so(strict: Installation) -> None:
    began = time.monotonic()
    value = run(strict, "kubectl wait pod/db-0 --for=delete --timeout=60s", "operator").json
    assert time.monotonic() - began < 15
    assert (value["timed_out"], value["exit_code"]) == (True, None) or value["timed_out"]
    assert value["notes"]
    assert rows(strict)[-1].outcome == "stopped"
    record = strict.client("operator").get(f"/services/shop/commands/{value['id']}").json
    assert value["reason"] == record["row"]["outcome"] == "timeout"


@pytest.mark.parametrize("strict", [{"command_oneshot_bytes": 10_000}], indirect=True)
def test_what_writes_too_much_is_cut_and_says_so(strict: Installation) -> None:
    value = run(strict, "kubectl get pods -o json", "operator").json
    assert (value["truncated"], len(value["stdout"]), value["exit_code"]) == (True, 10_000, 0)
    assert any("10,000" in note for note in value["notes"])
    record = strict.client("operator").get(f"/services/shop/commands/{value['id']}").json
    assert record["truncated"] is True


@pytest.mark.parametrize("strict", [{"command_output_keep": False}], indirect=True)
def test_output_that_is_not_to_be_kept_is_not(strict: Installation) -> None:
    value = run(strict, "kubectl get pods", "operator").json
    path = f"/services/shop/commands/{value['id']}"
    assert strict.client("operator").get(path).json["stdout"] is None
    assert strict.client("operator").get(f"{path}/text").status_code == 404
    assert strict.client("operator").get("/services/shop/commands").json["limits"]["keep_days"] == 0


def test_without_kubectl_it_is_said_what_to_install(example_cluster: Cluster, seed: Seed, tmp_path: Path) -> None:
    made = installed(tmp_path, seed, example_cluster, kubectl="no-such-kubectl")
    try:
        answer = run(made, "kubectl get pods", "operator")
        assert (answer.status_code, answer.json["code"]) == (424, "program-missing")
        assert "kubectl" in answer.json["detail"]
        assert answer.json["hint"]
        assert made.client("operator").get("/services/shop/commands").json["missing"]
        assert rows(made)[-1].outcome == "failed"
        newest = made.client("operator").get("/services/shop/commands").json["history"]["items"][0]
        assert newest["outcome"] != "running"
    finally:
        closed(made)


def test_the_sites_policy_narrows(changed: Installation) -> None:
    service = {"name": "shop", "runtime": "demo", "namespace": "shop", "policy": {"verbs": {"operator": ["get"]}}}
    changed.registry.put("services", service)
    refused = run(changed, "kubectl describe pod db-0", "operator")
    assert (refused.status_code, refused.json["rule"]) == (422, "site-verb")
    assert run(changed, "kubectl describe pod db-0", "manager").json.get("rule") != "site-verb"


def test_who_hangs_up_ends_what_they_asked_for(changed: Installation, served: str) -> None:
    host, _, port = served.removeprefix("http://").partition(":")
    body = json.dumps({"command": "kubectl wait pod/db-0 --for=delete --timeout=25s"}).encode()
    head = (
        f"POST /api/v1/services/shop/commands HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {changed.tokens['operator']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head.encode() + body)
        until(lambda: any(row.entry == "intent" for row in rows(changed)))
    began = time.monotonic()
    until(lambda: any(row.entry == "outcome" for row in rows(changed)))
    assert time.monotonic() - began < 10
    assert rows(changed)[-1].outcome == "stopped"


def test_a_one_shot_is_stopped_from_another_page(changed: Installation, served: str) -> None:
    answers: list[TestResponse] = []
    line = "kubectl wait pod/db-0 --for=delete --timeout=25s"
    runner = threading.Thread(target=lambda: answers.append(run(changed, line, "operator")), name="test-runner")
    runner.start()
    operator = changed.client("operator")

    def running() -> list[str]:
        items = operator.get("/services/shop/commands").json["history"]["items"]
        return [row["id"] for row in items if row["outcome"] == "running"]

    until(running)
    page = changed.browser("operator").get(f"/services/shop/commands/{running()[0]}").text
    assert "data-limit-bytes" not in page, "there is no output to follow while it runs"
    assert "A one-shot is shown when it has ended." in page
    until(lambda: operator.call("DELETE", f"/services/shop/commands/{running()[0]}").status_code == 200)
    runner.join(15)
    assert (answers[0].json["exit_code"], answers[0].json["reason"]) == (None, "stopped")
    assert not running()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("kubectl get pods\u202e txet", "kubectl get pods\\u202e txet"),
        ("kubectl get\x00 pods", "kubectl get\\x00 pods"),
        ("kubectl get pods\nkubectl delete pod db-0", "kubectl get pods\\nkubectl delete pod db-0"),
        ("x" * 100_000, "x" * 500),
    ],
)
def test_nothing_unseen_or_endless_gets_into_the_audit_log(shop: Installation, sent: str, shown: str) -> None:
    assert run(shop, sent).status_code == 422
    refusal = rows(shop)[-1]
    assert (refusal.verdict, refusal.target) == ("refuse", shown)


def test_where_the_runtime_is_away_the_tab_shows_what_is_known_and_a_line_leaves_its_rows(
    changed: Installation, tmp_path: Path
) -> None:
    changed.registry.put("runtimes", {"name": "gone", "kind": "docker", "socket": str(tmp_path / "none.sock")})
    changed.registry.put("services", {"name": "blog", "runtime": "gone", "project": "blog"})
    changed.registry.put("grants", {"user": "operator", "role": "operator", "services": ["blog"]})
    line = "docker inspect blog-web"
    answer = run(changed, line, "operator", service="blog")
    assert answer.status_code == 503, answer.text
    intent, outcome = rows(changed)[-2:]
    assert (intent.action, intent.verdict, intent.target) == ("command.run", "refuse", line)
    assert (outcome.outcome, answer.json["detail"] in outcome.detail) == ("failed", True)
    tab = changed.client("operator").get("/services/blog/commands").json
    newest = tab["history"]["items"][0]
    assert (newest["command"], newest["outcome"], newest["audit_id"]) == (line, "lost", intent.id)
    assert (tab["program"], tab["containers"]) == ("docker", [])
    assert tab["problem"]
    record = changed.client("operator").get(f"/services/blog/commands/{newest['id']}")
    assert (record.status_code, record.json["sentence"]) == (200, answer.json["detail"])
    page = changed.browser("operator").get(f"/services/blog/commands/{newest['id']}")
    assert page.status_code == 200
    assert "gone does not say what there is now." in page.text
    assert line in page.text


def test_who_loses_the_right_loses_what_runs(changed: Installation) -> None:
    answers: list[TestResponse] = []
    line = "kubectl wait pod/db-0 --for=delete --timeout=25s"
    runner = threading.Thread(target=lambda: answers.append(run(changed, line, "operator")), name="test-runner")
    runner.start()
    until(lambda: any(row.entry == "intent" for row in rows(changed)))
    grant = next(one["name"] for one in changed.client().get("/grants").json["items"] if one["holder"] == "operator")
    assert changed.client().call("DELETE", f"/grants/{grant}?confirm=true").status_code == 200
    runner.join(10)
    assert answers
    assert answers[0].status_code == 403, answers[0].text


def until(holds: Any, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
