"""Streaming commands as their person, others and the audit log see them; what they run on is tried elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websocket
from werkzeug.test import TestResponse

from opsmodal.demo.cluster import start
from tests.web.conftest import Installation, Seed, closed, own_page
from tests.web.typed import installed_with_kubectl, rows, run, with_another_operator

WAITS = "kubectl get pods -w"
PROMISED_S = 5.0
"""Within this an ended right is felt."""


@pytest.fixture(scope="module")
def shop(seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give an installation with a cluster of its own, and another operator."""
    cluster = start()
    made = installed_with_kubectl(tmp_path_factory.mktemp("streaming"), seed, cluster)
    yield with_another_operator(made)
    closed(made)
    cluster.stop()


@pytest.fixture(autouse=True)
def nothing_left(shop: Installation) -> Iterator[None]:
    """Stop what a test leaves running."""
    yield
    for actor in ("operator", "manager", "other"):
        for row in history(shop, actor):
            if row["outcome"] == "running":
                stop(shop, row["id"], actor)


def begun(made: Installation, command: str = WAITS, actor: str = "operator", **more: Any) -> str:
    answer = run(made, command, actor, mode="streaming", **more)
    assert answer.status_code == 201, answer.text
    assert list(answer.json) == ["id"]
    return str(answer.json["id"])


def record(made: Installation, command: str, actor: str = "operator") -> Any:
    return made.client(actor).get(f"/services/shop/commands/{command}").json


def history(made: Installation, actor: str) -> Any:
    return made.client(actor).get("/services/shop/commands").json["history"]["items"]


def stop(made: Installation, command: str, actor: str = "operator") -> TestResponse:
    return made.client(actor).call("DELETE", f"/services/shop/commands/{command}")


def until(holds: Callable[[], Any], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_its_row_stays_open_until_it_ends_and_then_says_how(shop: Installation) -> None:
    command = begun(shop)
    until(lambda: "db-0" in (record(shop, command)["stdout"] or ""))
    found = record(shop, command)
    assert (found["running"], found["row"]["outcome"], found["row"]["exit_code"]) == (True, "running", None)
    newest = rows(shop)[-1]
    assert (newest.entry, newest.action, newest.verdict) == ("intent", "command.run", "allow")
    assert stop(shop, command).status_code == 200
    until(lambda: not record(shop, command)["running"])
    until(lambda: any(row.intent_id == newest.id for row in rows(shop)))
    outcome = next(row for row in rows(shop) if row.intent_id == newest.id)
    assert outcome.outcome == "stopped"
    assert outcome.detail.startswith("Over direct, as ")
    assert WAITS in outcome.detail
    assert "operator stopped" in outcome.detail
    assert outcome.bytes_count
    stopped = [(row.action, row.outcome) for row in rows(shop) if row.action == "command.stop"][-2:]
    assert stopped == [("command.stop", ""), ("command.stop", "done")]
    found = record(shop, command)
    assert (found["row"]["outcome"], "db-0" in found["stdout"]) == ("stopped", True)
    assert stop(shop, command).json["sentence"] == "It has ended already."


def test_one_that_ends_by_itself_closes_its_row_with_its_exit_code(shop: Installation) -> None:
    for line, code, word in (("kubectl get pods", 0, "done"), ("kubectl get pod no-such", 1, "failed")):
        command = begun(shop, line)
        until(lambda command=command: not record(shop, command)["running"])
        intent = next(row for row in reversed(rows(shop)) if row.entry == "intent")
        until(lambda number=intent.id: any(row.intent_id == number for row in rows(shop)))
        outcome = next(row for row in rows(shop) if row.intent_id == intent.id)
        assert (outcome.exit_code, outcome.outcome) == (code, word)
        assert record(shop, command)["row"]["audit_id"] == intent.id


def test_one_too_many_is_told_when_to_try_again(shop: Installation) -> None:
    running = [begun(shop) for _ in range(3)]
    refused = run(shop, WAITS, "operator", mode="streaming")
    assert refused.status_code == 429, refused.text
    assert int(refused.headers["Retry-After"]) > 0
    assert rows(shop)[-1].rule == "limit"
    assert run(shop, "kubectl get pods", "operator").status_code == 200, "a one-shot is none of them"
    begun(shop, actor="other")
    stop(shop, running[0])
    until(lambda: not record(shop, running[0])["running"])
    until(lambda: run(shop, "kubectl get pods", "operator", mode="streaming").status_code == 201)


def test_a_refused_line_is_no_stream_and_takes_no_place(shop: Installation) -> None:
    answer = run(shop, "kubectl get pods -A -w", "operator", mode="streaming")
    assert answer.status_code == 422, answer.text
    assert run(shop, "kubectl logs -f db-0", "viewer", mode="streaming").status_code == 403
    assert run(shop, "kubectl rollout restart deployment web", mode="streaming").status_code == 409
    assert history(shop, "operator")[0]["outcome"] == "refused"


def test_anothers_stream_is_not_there_but_for_who_manages(shop: Installation) -> None:
    command = begun(shop)
    path = f"/services/shop/commands/{command}"
    assert shop.client("other").get(path).status_code == 404
    assert stop(shop, command, "other").status_code == 404
    assert record(shop, command)["running"]
    assert shop.client("manager").get(path).status_code == 200
    assert stop(shop, command, "manager").status_code == 200
    until(lambda: not record(shop, command)["running"])
    assert "manager stopped" in record(shop, command)["sentence"]


def test_what_runs_is_listed_whatever_part_of_the_history_is_shown(shop: Installation) -> None:
    command = begun(shop)
    tab = shop.client("operator").get("/services/shop/commands?search=no-such-line").json
    assert tab["history"]["items"] == []
    assert command in [row["id"] for row in tab["running"]]
    page = shop.browser("operator").get("/services/shop/commands?search=no-such-line").text
    assert f"/services/shop/commands/{command}/delete" in page
    stop(shop, command)
    until(lambda: not shop.client("operator").get("/services/shop/commands").json["running"])


def test_values_of_secrets_are_masked_in_a_stream_as_well(shop: Installation) -> None:
    command = begun(shop, "kubectl get secrets -o yaml", "manager")
    until(lambda: not record(shop, command, "manager")["running"])
    shown = record(shop, command, "manager")["stdout"]
    assert "db-credentials" in shown
    assert "•••" in shown
    kept = json.dumps(shown)
    for secret in shop.client("manager").get("/services/shop/commands").json["history"]["items"]:
        assert "password: " not in secret["command"]
    assert "ZGVtby" not in kept


def test_its_output_is_followed_over_a_socket_by_its_person_alone(changed: Installation, served: str) -> None:
    address = served.replace("http", "ws")
    made, command = with_another_operator(changed), begun(changed, "kubectl get pods")

    def follow(actor: str, origin: str | None = None) -> list[dict[str, Any]]:
        socket = websocket.create_connection(
            f"{address}/api/v1/services/shop/commands/{command}/output?offset=0",
            header=[f"Authorization: Bearer {made.tokens[actor]}"],
            timeout=15,
            suppress_origin=origin is None,
            origin=origin,
        )
        frames = []
        while not frames or "reason" not in frames[-1]:
            frames.append(json.loads(socket.recv()))
        socket.close()
        return frames

    frames = follow("operator")
    assert "db-0" in "".join(frame["data"] for frame in frames[:-1] if frame["stream"] == "stdout")
    assert (frames[-1]["reason"], frames[-1]["exit_code"]) == ("exited", 0)
    assert follow("operator") == frames, "and again"
    refused = follow("other")
    assert [frame["reason"] for frame in refused] == ["refused"]
    with pytest.raises(websocket.WebSocketBadStatusException):
        follow("operator", "http://evil.example")


def test_who_manages_no_longer_reads_no_more_of_anothers_stream_nor_of_what_took_it(
    changed: Installation, served: str
) -> None:
    made = with_another_operator(changed)
    watched = begun(made)
    secrets = begun(made, "kubectl get secrets -w", "manager")
    socket = websocket.create_connection(
        f"{served.replace('http', 'ws')}/api/v1/services/shop/commands/{watched}/output?offset=0",
        header=[f"Authorization: Bearer {made.tokens['manager']}"],
        timeout=15,
        suppress_origin=True,
    )
    assert "data" in json.loads(socket.recv())
    made.registry.put("grants", {"user": "manager", "role": "operator", "services": ["shop"]})
    began, frame = time.monotonic(), dict[str, Any]()
    while "reason" not in frame:
        frame = json.loads(socket.recv())
    socket.close()
    assert (frame["reason"], "no such command of yours" in str(frame)) == ("refused", True)
    until(lambda: not record(made, secrets, "manager")["running"])
    assert time.monotonic() - began < PROMISED_S
    assert record(made, watched)["running"], "it is its person's, and goes on"
    assert record(made, secrets, "manager")["row"]["outcome"] == "stopped"
    stop(made, watched)


def test_without_script_a_stream_leads_to_the_page_of_its_record(shop: Installation) -> None:
    browser = shop.browser("operator")
    sent = {"command": "kubectl get pods", "mode": "streaming"}
    answer = browser.post("/services/shop/commands", data=sent, headers=own_page())
    assert answer.status_code == 303
    command = answer.location.rpartition("/")[2]
    until(lambda: not record(shop, command)["running"])
    page = browser.get(answer.location)
    assert (page.status_code, "db-0" in page.text) == (200, True)
    waiting = begun(shop)
    stopped = browser.post(f"/services/shop/commands/{waiting}/delete", headers=own_page())
    assert stopped.status_code == 303
    until(lambda: not record(shop, waiting)["running"])
