"""A store that cannot be written, is full, damaged or holds what its key does not open: views go on, changes do not."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from opsmodal.people import sessions, tokens
from opsmodal.store.tables import AuditRow, Credential, User
from tests.web.conftest import PASSWORD, Installation, own_page

JSON = {"Content-Type": "application/json"}
CHANGES = (
    ("DELETE", "/services/shop/instances/db-0?confirm=shop", None),
    ("POST", "/services/reports/instances/delete-pending?confirm=true", None),
    ("GET", "/services/shop/logs?download=true", None),
    ("PUT", "/registry/services/other", '{"runtime":"demo","namespace":"shop"}'),
    ("DELETE", "/registry/services/payments?confirm=payments", None),
    ("POST", "/registry/document", "apiVersion: opsmodal/v1"),
    ("POST", "/registry/runtimes/demo/test", None),
)


def on_every_connection(installation: Installation, pragma: str) -> None:
    """Give every use of a connection a pragma first."""

    def prepare(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(installation.store.engine, "checkout", prepare)


@pytest.fixture
def unwritable(changed: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Give an installation whose store can be read only, and that would like to write with every request."""
    changed.client().get("/services")
    monkeypatch.setattr(sessions, "TOUCH_EVERY_S", -1)
    monkeypatch.setattr(tokens, "TOUCH_EVERY_S", -1)
    return changed


def test_a_store_that_cannot_be_written_stops_changes_and_no_view(unwritable: Installation) -> None:
    browser = unwritable.browser("developer")
    on_every_connection(unwritable, "query_only = ON")
    for path in ("/services", "/services/shop/overview", "/services/shop/instances", "/services/shop/logs"):
        assert unwritable.client("developer").get(path).status_code == 200, path
        assert browser.get(path).status_code == 200, path
    for method, path, body in CHANGES:
        headers = JSON if body and body.startswith("{") else {}
        answer = unwritable.client().call(method, path, data=body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (503, "not-recorded"), path
        assert answer.json["hint"]
    assert unwritable.client().get("/services/shop/instances/db-0").status_code == 200
    assert unwritable.client().get("/registry/services/other").status_code == 404


def test_nobody_signs_in_unrecorded_and_the_page_says_why(unwritable: Installation) -> None:
    ticket = unwritable.people.issue_ticket("admin", 60)
    on_every_connection(unwritable, "query_only = ON")
    client = unwritable.app.test_client()
    form = {"name": "viewer", "password": PASSWORD}
    for answer in (client.post("/sign-in", data=form, headers=own_page()), client.get(f"/sign-in?ticket={ticket}")):
        assert answer.status_code == 503
        assert "can be read but not written" in answer.text
        assert "Set-Cookie" not in answer.headers


def test_a_refusal_stands_although_it_cannot_be_recorded(unwritable: Installation) -> None:
    on_every_connection(unwritable, "query_only = ON")
    answer = unwritable.client("viewer").call("DELETE", "/services/shop/instances/db-0?confirm=shop")
    assert answer.status_code == 403


def test_who_signs_out_on_a_full_disk_is_signed_out(changed: Installation) -> None:
    browser = changed.browser("viewer")
    cookie = browser.get_cookie("opsmodal")
    assert cookie is not None
    _fill(changed)
    answer = browser.post("/sign-out", headers=own_page())
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    thief = changed.app.test_client()
    thief.set_cookie("opsmodal", cookie.value)
    assert thief.get("/services").status_code == 303


def _fill(installation: Installation) -> None:
    """Leave no room for another page, and use up what is left on the last ones by refusals."""
    with installation.store.reading() as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
    on_every_connection(installation, f"max_page_count = {pages}")
    stranger, count = installation.client("viewer"), -1
    while count != (count := _rows(installation)):
        for _ in range(20):
            stranger.call("DELETE", "/services/shop/instances/db-0?confirm=shop")


def _rows(installation: Installation) -> int:
    with installation.store.reading() as session:
        return len(session.scalars(select(AuditRow.id)).all())


@pytest.mark.parametrize("content", [b"", b"no database at all " * 500])
def test_a_store_that_is_gone_or_damaged_is_a_sentence(changed: Installation, content: bytes) -> None:
    browser = changed.browser("viewer")
    changed.store.close()
    file = changed.folder / "opsmodal.db"
    for each in changed.folder.glob("opsmodal.db*"):
        each.unlink()
    if content:
        file.write_bytes(content)
    else:
        file.mkdir()
    for answer in (changed.client().get("/services"), browser.get("/services/shop/overview")):
        assert answer.status_code == 503
        for word in ("Traceback", "sqlite", "SELECT", str(changed.folder)):
            assert word not in answer.text


def test_one_credential_that_does_not_open_hides_one_runtime_only(changed: Installation) -> None:
    body = '{"runtime":"broken","namespace":"far"}'
    entry = {"name": "broken", "kind": "kubernetes", "kubeconfig": {"file": "k"}}
    changed.registry.put("runtimes", entry, {"kubeconfig": changed.cluster.kubeconfig()})
    changed.client().call("PUT", "/registry/services/far", data=body, headers=JSON)
    with changed.store.session() as session:
        row = session.get_one(Credential, ("runtimes", "broken", "kubeconfig"))
        row.sealed = session.get_one(Credential, ("runtimes", "demo", "kubeconfig")).sealed
    rows = {row["name"]: row for row in changed.client().get("/services").json["items"]}
    assert rows["shop"]["status"] == "ok"
    assert rows["far"]["status"] == "unknown"
    answer = changed.client().get("/services/far/overview")
    assert answer.json["code"] == "wrong-key"
    assert "was sealed for another record" in answer.json["detail"]
    page = changed.browser().get("/services/far/overview")
    assert "was sealed for another record" in page.text


def test_a_statement_that_fails_is_never_quoted_with_its_values(
    changed: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(IntegrityError, match="UNIQUE") as caught:
        _add_again(changed, "viewer", "planted-hash")
    assert "planted-hash" not in str(caught.value)
    assert "planted-hash" not in caplog.text


def _add_again(installation: Installation, name: str, password_hash: str) -> None:
    at = datetime.now(UTC)
    with installation.store.session() as session:
        session.add(
            User(name=name, password_hash=password_hash, admin=False, auditor=False, disabled=False, created_at=at)
        )
