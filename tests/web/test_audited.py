"""Every action that changes something, takes something away or lets somebody in leaves its intent and its outcome.

The tables hold one call for each such action; an action without a call fails, and so does a call that leaves no rows.
Plain views leave none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import websocket
from sqlalchemy import select

from opsmodal import actions
from opsmodal.app import ROUTES
from opsmodal.store.tables import AuditRow
from opsmodal.web.metrics import NEAR
from tests.unit.opsmodal.cli.programs import run
from tests.web import calls, calls_kubernetes
from tests.web.conftest import PASSWORD, Installation, own_page
from tests.web.permitted import COMMANDS, path_of

CALLS = calls.CALLS | calls_kubernetes.CALLS
OUTCOME_WITHIN_S = 60.0
LOOKS_EACH_S = 0.1


@pytest.fixture
def written(changed: Installation) -> Callable[[], list[AuditRow]]:
    """Give a function that reads the rows since the last time."""
    last = 0

    def read() -> list[AuditRow]:
        nonlocal last
        with changed.store.reading() as session:
            rows = list(session.scalars(select(AuditRow).where(AuditRow.id > last).order_by(AuditRow.id)))
            session.expunge_all()
        last = rows[-1].id if rows else last
        return rows

    return read


def test_every_action_that_is_to_be_recorded_is_tried() -> None:
    wanted = {name for name, action in actions.KNOWN.items() if action.recorded}
    assert wanted == set(CALLS) | set(calls.ELSEWHERE) | set(calls_kubernetes.ELSEWHERE)


@pytest.mark.parametrize("name", CALLS)
def test_an_action_leaves_its_intent_and_its_outcome(
    changed: Installation, written: Callable[[], list[AuditRow]], name: str
) -> None:
    call = CALLS[name](changed)
    browser = changed.browser() if call.by_browser else None
    written()
    if browser is not None:
        answer = browser.open(call.path, method=call.method, data=call.body, headers=own_page())
    else:
        answer = changed.client().call(call.method, call.path, **({"json": call.body} if call.body is not None else {}))
    told = answer.text[:500]  # a download has ended when it was read
    assert answer.status_code < 400, f"{answer.status_code} {told}"
    answer.close()
    rows = _ended(written, name)
    assert [row.entry for row in rows] == ["intent", "outcome"], f"{answer.status_code} {told} {rows}"
    intent, outcome = rows
    assert (intent.verdict, outcome.outcome, outcome.intent_id) == ("allow", "done", intent.id)
    assert outcome.duration_ms is not None
    assert (intent.actor, intent.address) == (("viewer" if name == "sign-in" else "admin"), "127.0.0.1")
    assert intent.via or name == "sign-in", "through which session or token"
    assert intent.request_id == outcome.request_id
    assert call.target in intent.target
    assert PASSWORD not in f"{[vars(row) for row in rows]}"


def _ended(written: Callable[[], list[AuditRow]], name: str) -> list[AuditRow]:
    """Read the rows of an action until its outcome is there: what goes on as a job ends after its answer."""
    rows: list[AuditRow] = []
    deadline = time.monotonic() + OUTCOME_WITHIN_S
    while not any(row.entry == "outcome" for row in rows) and time.monotonic() < deadline:
        rows += [row for row in written() if row.action == name]
        time.sleep(LOOKS_EACH_S if not rows else 0)
    return rows


def test_views_leave_no_row(changed: Installation, written: Callable[[], list[AuditRow]]) -> None:
    client, seen = changed.client(), 0
    written()
    for route in changed.app.extensions[ROUTES]:
        if route.method == "GET" and route.path and not route.action.recorded:
            for service in ("shop", "payments"):
                answer = client.get(path_of(route.path, service))
                assert answer.status_code < 500
                answer.close()
                seen += 1
    client.call("PUT", "/services/shop/favorite")
    assert seen > 20
    assert [(row.action, row.entry) for row in written()] == []


def test_a_denied_attempt_leaves_a_row_with_its_rule_and_target(
    changed: Installation, written: Callable[[], list[AuditRow]]
) -> None:
    written()
    viewer = changed.client("viewer")
    assert viewer.call("DELETE", "/services/shop/instances/db-0?confirm=shop").status_code == 403
    assert viewer.call("DELETE", "/registry/services/shop?confirm=shop").status_code == 403
    assert viewer.call("DELETE", "/services/payments/instances/db-0").status_code == 404
    assert changed.client().call("DELETE", "/services/shop/instances/db-0?confirm=Shop").status_code == 409
    assert [(row.entry, row.action, row.service, row.target, row.rule, row.verdict) for row in written()] == [
        ("refusal", "instance.delete", "shop", "db-0", "needs manage", "refuse"),
        ("refusal", "registry.remove", "", "services/shop", "needs an administrator", "refuse"),
        ("refusal", "instance.delete", "shop", "pod/db-0", "confirmation", "refuse"),
    ]


def test_commands_of_the_machine_leave_their_rows(tmp_path: Path) -> None:
    lines = {
        "user add": ["user", "add", "eve"],
        "user password": ["user", "password", "eve", "--password-stdin"],
        "user link": ["user", "link", "eve"],
        "token create": ["token", "create", "eve"],
        "token revoke": [],
        "user flags": ["user", "flags", "eve", "--auditor"],
        "session end": ["session", "end", "--user", "eve"],
        "user identity": ["user", "identity", "eve", "--issuer", "https://sso.example", "--subject", "4711"],
        "user disable": ["user", "disable", "eve"],
        "user enable": ["user", "enable", "eve"],
        "apply": ["apply", "-f", "-"],
        "registry-login add": ["registry-login", "add", "box", "ghcr.io", "--user", "ci", "--password-stdin"],
        "registry-login remove": ["registry-login", "remove", "box", "ghcr.io"],
        "audit export": ["audit", "export"],
    }
    others = {"host-key trust", "host-key forget"}  # tests/web/test_host_keys.py: they need a server
    assert {name for name, done in COMMANDS.items() if done} == set(lines) | others
    document = b"apiVersion: opsmodal/v1\nruntimes: [{name: box, kind: docker, socket: /run/none.sock}]\n"
    given = {
        "user password": b"correct horse battery\n",
        "apply": document,
        "registry-login add": b"PLANTED-at-the-machine\n",
    }
    for name, line in lines.items():
        listed = run("token", "list", "eve", "--data-dir", tmp_path).out.split() if not line else []
        done = run(*(line or ["token", "revoke", listed[0]]), "--data-dir", tmp_path, given=given.get(name, b""))
        assert done.code == 0, f"{name}: {done.err}"
    assert run("user", "flags", "eve", "--no-auditor", "--data-dir", tmp_path).code == 0
    rows = run("audit", "export", "--format", "csv", "--data-dir", tmp_path).out
    assert "PLANTED" not in rows
    for name, done_by in COMMANDS.items():
        for action in done_by if name in lines else ():
            assert rows.count(f",{action},") >= 2, f"{name} left no {action}"


def test_a_limit_that_is_reached_again_and_again_is_one_row(
    changed: Installation, served: str, written: Callable[[], list[AuditRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed.app.extensions[NEAR].streams, "most", 1)
    address = f"{served.replace('http', 'ws')}/api/v1/services/shop/logs/follow?instance=db-0"
    headers = [f"Authorization: Bearer {changed.tokens['manager']}"]
    written()
    first = websocket.create_connection(address, header=headers, timeout=20, suppress_origin=True)
    assert "lines" in first.recv()
    for _ in range(3):
        late = websocket.create_connection(address, header=headers, timeout=20, suppress_origin=True)
        assert "You already follow" in late.recv()
        late.close()
    first.close()
    rows = [(row.entry, row.action, row.actor, row.rule) for row in written() if row.action == "logs.follow"]
    assert rows == [("refusal", "logs.follow", "manager", "limit")]
