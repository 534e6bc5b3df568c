"""Many at once, and in the wrong moment: double deletes, cut downloads, hanging runtimes, rights that tell nothing."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from opsmodal.app import ROUTES, close_app, create_app
from opsmodal.settings import Settings
from opsmodal.store import open_store
from opsmodal.store.tables import AuditRow
from tests.web.attacks.test_signing import at_once, demand_chain
from tests.web.conftest import Installation

WAIT_S = 20.0


def until(true: Callable[[], bool]) -> None:
    """Poll until something holds; fail when it does not."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_pod_deleted_by_ten_is_deleted_once(changed: Installation) -> None:
    name = changed.client().get("/services/shop/instances?search=web").json["items"][0]["name"]
    path = f"/services/shop/instances/{name}?force=true&confirm=shop"
    answers = at_once(10, lambda _: changed.client().call("DELETE", path))
    assert {answer.status_code for answer in answers} <= {200, 404, 412}
    with changed.store.reading() as session:
        done = session.scalars(
            select(AuditRow).where(AuditRow.action == "instance.force-delete", AuditRow.outcome == "done")
        ).all()
    assert len(done) == sum(answer.status_code == 200 for answer in answers) >= 1
    demand_chain(changed)


def test_a_service_removed_while_it_is_read_is_there_or_is_not(changed: Installation) -> None:
    def act(number: int) -> TestResponse:
        if number == 0:
            return changed.client().call("DELETE", "/registry/services/shop?confirm=shop")
        return changed.client().get(f"/services/shop/{('overview', 'instances', 'logs')[number % 3]}")

    assert {answer.status_code for answer in at_once(12, act)} <= {200, 404, 409}


def test_ten_who_register_one_name_make_one_entry(changed: Installation) -> None:
    body = {"runtime": "demo", "namespace": "shop"}
    answers = at_once(10, lambda _: changed.client().call("PUT", "/registry/services/same", json=body))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("created" in answer.json["sentence"] for answer in answers) == 1


@pytest.mark.parametrize("lines", [1, 200])
def test_a_download_that_is_cut_ends_at_the_cluster_and_in_the_audit_log(
    changed: Installation, served: str, lines: int
) -> None:
    for number in range(300):
        assert changed.cluster.write_log("shop", "db-0", "db", b"%d %s" % (number, b"x" * 100_000))
    parts = urlsplit(served)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=WAIT_S)
    headers = {"Authorization": f"Bearer {changed.tokens['developer']}"}
    line.request("GET", "/api/v1/services/shop/logs?instance=db-0&download=true", headers=headers)
    answer = line.getresponse()
    assert len(answer.read(lines)) == lines
    answer.close()
    line.close()
    until(lambda: ("developer", "logs.download", "stopped") in changed.audited())
    with changed.store.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "logs.download")).all()
    assert [row.entry for row in rows] == ["intent", "outcome"]
    assert rows[1].bytes_count is not None
    assert rows[1].bytes_count < 300 * 100_000


def test_a_head_of_a_download_closes_what_it_opened(changed: Installation) -> None:
    answer = changed.client("developer").call("HEAD", "/services/shop/logs?instance=db-0&download=true")
    assert (answer.status_code, answer.data) == (200, b"")
    assert "logs.download" not in {action for _, action, _ in changed.audited()}, "nothing was downloaded"
    assert changed.client("viewer").call("HEAD", "/services/shop/logs?download=true").status_code == 403


def test_pages_behind_a_hanging_runtime_make_no_line_that_grows(changed: Installation) -> None:
    """Each page asked each service's runtime again, also while the questions of the page before were in line."""
    for number in range(20):
        body = {"runtime": "demo", "namespace": "payments"}
        assert changed.client().call("PUT", f"/registry/services/slow{number}", json=body).status_code == 200
    changed.cluster.faults.silence("/api/v1/namespaces/payments")
    fleet = changed.app.extensions["opsmodal"].services._fleet
    for _ in range(3):
        at_once(8, lambda _: changed.client().get("/services"))
        assert fleet.glancing.waiting <= 23, "one question for each service at most"
    changed.cluster.faults.clear()
    until(lambda: fleet.glancing.is_idle)


def test_a_service_of_others_looks_and_costs_like_none(changed: Installation) -> None:
    """Same words, same headers, same questions to the store: nothing tells that it is there."""
    changed.client("viewer").get("/services")  # the first use of a token is written down
    asked: list[str] = []
    me = threading.get_ident()

    def note(*told: Any) -> None:
        if threading.get_ident() == me:
            asked.append(told[2])

    event.listen(changed.store.engine, "before_cursor_execute", note)

    def answered(method: str, path: str, name: str) -> tuple[object, ...]:
        asked.clear()
        answer = changed.client("viewer").call(method, path.format(name), json={})
        headers = {key: value for key, value in answer.headers.items() if key not in ("X-Request-Id", "Content-Length")}
        text = re.sub(r'"request_id":"\w+"', "", answer.text).replace(name, "NAME")
        return answer.status_code, headers, text, list(asked)

    for route in changed.app.extensions[ROUTES]:
        if not route.path.startswith("/services/<service>"):
            continue
        path = route.path.replace("<service>", "{}").replace("<instance>", "web-0")
        theirs, nobodys = (answered(route.method, path, name) for name in ("payments", "nonsense"))
        assert theirs[0] == 404, path
        for one, other in zip(theirs, nobodys, strict=True):
            assert one == other, path


def test_read_only_mode_refuses_every_route_that_changes(changed: Installation, tmp_path: Path) -> None:
    settings = replace(Settings(data_dir=changed.folder), read_only=True)
    store = open_store(settings.store_url)
    app = create_app(settings, store)
    try:
        quiet = replace(changed, app=app)
        for route in app.extensions[ROUTES]:
            if not (route.path and route.action.changes):
                continue
            path = re.sub(r"<service>", "shop", route.path)
            path = re.sub(r"<instance>", "db-0", path)
            path = re.sub(r"<name>", "demo", path)
            answer = quiet.client().call(route.method, f"{path}?confirm=shop&force=true", json={"confirm": "true"})
            assert (answer.status_code, answer.json["code"]) == (403, "read-only"), path
        assert quiet.client().get("/services/shop/instances/db-0").status_code == 200
    finally:
        close_app(app)
        store.close()
