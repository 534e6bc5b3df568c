"""Making a row of the audit log lie: about how much was taken away, about why, and about where a row begins."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from urllib.parse import quote

from sqlalchemy import select

from opsmodal.store.tables import AuditRow
from tests.web.conftest import Installation


def rows_of(installation: Installation, action: str) -> Sequence[AuditRow]:
    """Give the rows of an action, oldest first."""
    with installation.store.reading() as session:
        return session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id)).all()


def test_a_copy_of_the_log_that_is_cut_is_on_record_as_cut(changed: Installation) -> None:
    """It was on record as done, without a size, before its first byte had gone out."""
    answer = changed.client("auditor").get("/audit/export")
    first = next(answer.iter_encoded())
    answer.close()
    intent, outcome = rows_of(changed, "audit.export")
    assert (intent.entry, outcome.entry, outcome.outcome) == ("intent", "outcome", "stopped")
    assert outcome.bytes_count is not None
    assert outcome.bytes_count <= len(first)


def test_a_whole_copy_of_the_log_is_on_record_with_its_size(changed: Installation) -> None:
    for kind in ("jsonl", "csv"):
        copy = changed.client("auditor").get(f"/audit/export?format={kind}").data
        outcome = rows_of(changed, "audit.export")[-1]
        assert (outcome.outcome, outcome.target, outcome.bytes_count) == ("done", kind, len(copy))


def test_a_head_of_a_copy_takes_nothing_and_leaves_nothing_open(changed: Installation) -> None:
    assert changed.client("auditor").call("HEAD", "/audit/export").data == b""
    assert [(row.entry, row.bytes_count) for row in rows_of(changed, "audit.export")][1:] in ([], [("outcome", 0)])
    assert changed.client("viewer").call("HEAD", "/audit/export").status_code == 403


def test_no_name_begins_a_line_of_its_own_in_csv(changed: Installation) -> None:
    """What reads a file line by line took the second half of a name for a row that nobody had written."""
    lie = "x\n9999,2026-01-01T00:00:00+00:00,outcome,,admin,\r=1+1\u2028y"
    changed.client("viewer").call("DELETE", f"/services/shop/instances/{quote(lie)}?confirm=shop")
    text = changed.client("auditor").get("/audit/export?format=csv").data.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(text.splitlines()) == len(rows) + 1
    assert any(row["target"].startswith("x\\n9999") for row in rows)


def test_a_reason_in_the_body_is_kept_or_refused_and_never_dropped(changed: Installation) -> None:
    manager = changed.client()
    group = {"users": ["viewer"], "reason": "OPS-12"}
    assert manager.call("PUT", "/groups/readers", json=group).status_code == 200
    assert rows_of(changed, "group.change")[0].reason == "OPS-12"
    assert manager.call("PUT", "/groups/readers", json={**group, "reason": "a\nb"}).status_code == 400


def test_a_refusal_about_a_service_is_found_by_its_service(changed: Installation) -> None:
    assert changed.client("viewer").get("/services/shop/people").status_code == 403
    (refused,) = rows_of(changed, "rights.people")
    assert (refused.service, refused.outcome) == ("shop", "refused")
