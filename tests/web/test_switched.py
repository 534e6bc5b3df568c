"""A way that is lost while people work: the page goes on, the timeline and the audit log say which way, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from opsmodal.app import FLEET
from opsmodal.demo.cluster import Cluster
from opsmodal.store.tables import AuditRow
from tests.contract.several import Line, Several, lines, ways
from tests.web.conftest import Installation, Seed, closed, installed

WAIT_S = 15.0


def eventually(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (answer := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return answer


@pytest.fixture
def forked(
    tmp_path: Path, simulated_cluster: Cluster, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Installation, dict[str, Line]]]:
    """Give an installation whose cluster is reached over two lines."""
    with lines(simulated_cluster.url, "lan", "bastion") as laid:
        monkeypatch.setattr("opsmodal.app.Connectors", lambda folder: Several(folder, laid))
        made = installed(tmp_path / "data", seed, simulated_cluster)
        entry = {"name": "demo", "kind": "kubernetes", "kubeconfig": {"file": "demo.yaml"}}
        kubeconfig = {"kubeconfig": simulated_cluster.kubeconfig()}
        made.registry.put("runtimes", {**entry, "connections": ways("lan", "bastion")}, kubeconfig)
        made.app.extensions[FLEET].refresh()
        yield made, laid
        closed(made)


def test_a_lost_way_is_left_and_that_is_told_in_every_timeline_and_in_the_audit_log(
    forked: tuple[Installation, dict[str, Line]],
) -> None:
    made, laid = forked
    client = made.client("viewer")
    before = client.get("/services/shop/instances").json
    assert before["stale"] is False
    row = _row(made, "viewer")
    assert (row["chosen"], row["connection"]) == ("auto", "lan")
    laid["lan"].cut()
    eventually(lambda: _row(made, "viewer")["connection"] == "bastion", "the list shows the way in use")
    after = eventually(lambda: _current(client.get("/services/shop/instances").json), "the rows are current again")
    assert [each["id"] for each in after["items"]] == [each["id"] for each in before["items"]]
    assert client.get("/services/shop/overview").json["connection"] == {
        "chosen": "auto",
        "name": "bastion",
        "kind": "ssh",
    }
    for service in ("shop", "payments"):
        told = eventually(lambda name=service: _switches(made, name), "the timeline tells it")
        assert [entry["title"] for entry in told] == ["Connection switched"]
        assert told[0]["message"].startswith("lan → bastion. bastion instead of lan: ")
        assert told[0]["warning"] is True
    intent, outcome = _audited(made)
    assert (intent.actor, intent.via, intent.target) == ("opsmodal", "auto", "runtimes/demo: lan → bastion")
    assert (outcome.outcome, outcome.intent_id) == ("done", intent.id)
    assert outcome.detail.startswith("bastion instead of lan: ")


def test_who_chose_the_lost_way_is_told_and_offered_the_others(forked: tuple[Installation, dict[str, Line]]) -> None:
    made, laid = forked
    client = made.client("viewer")
    assert client.call("PUT", "/services/shop/connection", json={"name": "bastion"}).status_code == 200
    laid["bastion"].cut()
    answer = client.get("/services/shop/instances")
    assert answer.status_code == 503
    assert "refused" in answer.json["detail"]
    assert "Choose another connection: lan, auto." in answer.json["hint"]
    row = _row(made, "viewer")
    assert (row["chosen"], row["connection"], row["status"]) == ("bastion", "", "unknown")
    assert made.client("manager").get("/services/shop/instances").status_code == 200
    assert _row(made, "manager")["connection"] == "lan"
    assert _audited(made) == [], "nobody took another way"


def test_a_choice_that_was_removed_counts_as_auto(forked: tuple[Installation, dict[str, Line]]) -> None:
    made, _ = forked
    client = made.client("viewer")
    assert client.call("PUT", "/services/shop/connection", json={"name": "bastion"}).status_code == 200
    entry = {"name": "demo", "kind": "kubernetes", "kubeconfig": {"file": "demo.yaml"}}
    kubeconfig = {"kubeconfig": made.cluster.kubeconfig()}
    made.registry.put("runtimes", {**entry, "connections": ways("lan", "other")}, kubeconfig)
    assert client.get("/services/shop/instances").status_code == 200
    eventually(lambda: _row(made, "viewer")["chosen"] == "auto", "what is registered is looked at every second")
    assert client.get("/services/shop/instances").status_code == 200
    assert _row(made, "viewer")["connection"] == "lan"


def _row(made: Installation, person: str) -> dict[str, Any]:
    rows = made.client(person).get("/services").json["items"]
    found: dict[str, Any] = next(row for row in rows if row["name"] == "shop")
    return found


def _current(answer: dict[str, Any]) -> dict[str, Any] | None:
    return answer if answer.get("stale") is False else None


def _switches(made: Installation, service: str) -> list[dict[str, Any]]:
    entries = made.client().get(f"/services/{service}/timeline?search=switched").json["items"]
    return [entry for entry in entries if entry["title"] == "Connection switched"]


def _audited(made: Installation) -> list[AuditRow]:
    with made.store.reading() as session:
        wanted = select(AuditRow).where(AuditRow.action == "connection.switched").order_by(AuditRow.id)
        return list(session.scalars(wanted))
