"""Whatever is done to the rows by somebody who may write the database is found, and the first bad row is named."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsmodal.audit import Audit, Row
from opsmodal.audit.chain import Verified, chained
from opsmodal.audit.checking import check
from opsmodal.audit.heads import Signer, note
from opsmodal.audit.noting import Noting
from opsmodal.audit.reading import AuditLog, EntryQuery
from opsmodal.permissions import Actor
from opsmodal.settings import HEADS_FILE
from opsmodal.store import Store, Vault, open_store, open_vault
from opsmodal.store.tables import AuditRow

ROWS = 10
COLUMNS = ", ".join(column.name for column in AuditRow.__table__.columns if column.name not in ("id", "hash"))
ALICE = Actor(name="alice", via="session:1", address="192.0.2.7", request_id="request-1")


class Log:
    """A log of ten rows, its database file, and a head that was noted after the sixth."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = open_store(f"sqlite:///{folder / 'opsmodal.db'}")
        self.vault: Vault = open_vault(self.store, data_dir=folder)
        self.audit = Audit(self.store, Signer(self.vault))
        for number in range(ROWS // 2):
            row = Row(actor=ALICE, action="instance.delete", target=f"web-{number}", reason=f"OPS-{number}")
            self.audit.event(row, outcome="done")
            if number == 2:
                self.note()

    def note(self) -> None:
        head = AuditLog(self.store).head()
        assert head is not None
        note(self.folder / HEADS_FILE, head)

    def tampered(self, *statements: str) -> None:
        """Do what somebody with the file and a copy of SQLite can do."""
        with sqlite3.connect(self.folder / "opsmodal.db") as connection:
            for name in ("audit_no_update", "audit_no_delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def checked(self) -> Verified:
        return check(self.store, self.vault, [self.folder / HEADS_FILE])

    def chain_anew(self) -> None:
        """Make the hashes fit again, as somebody does who knows how the chain is made."""
        hashes, before = [], "0" * 64
        for row in AuditLog(self.store).rows():
            before = chained(before, row)
            hashes.append((before, row.id))
        self.tampered(*(f"UPDATE audit SET hash = 'x{number}' WHERE id = {number}" for _, number in hashes))
        self.tampered(*(f"UPDATE audit SET hash = '{text}' WHERE id = {number}" for text, number in hashes))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path)
    yield made
    made.store.close()


def test_a_whole_log_is_whole(log: Log) -> None:
    found = log.checked()
    assert (found.broken, found.rows, found.last) == (None, ROWS, ROWS)


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'opsmodal.db'}")
    assert check(store, open_vault(store, data_dir=tmp_path), []).broken is None
    store.close()


def _moved(log: Log) -> None:
    log.tampered(
        "UPDATE audit SET id = 100 WHERE id = 4",
        "UPDATE audit SET id = 4 WHERE id = 5",
        "UPDATE audit SET id = 5 WHERE id = 100",
    )


def _rewritten(log: Log) -> None:
    log.tampered("UPDATE audit SET actor = 'mallory' WHERE id = 3")
    log.chain_anew()


def _forged_head(log: Log) -> None:
    log.tampered("DELETE FROM audit WHERE id > 8")
    log.tampered("UPDATE audit_head SET row_id = 8, hash = (SELECT hash FROM audit WHERE id = 8)")


def _replayed_head(log: Log) -> None:
    """Put the store back to an older state as a whole: its own head is genuine, only the noted one shows it."""
    noted = json.loads((log.folder / HEADS_FILE).read_text().splitlines()[-1])
    log.note()
    at = noted["at"].replace("T", " ").replace("Z", "")
    log.tampered(
        f"DELETE FROM audit WHERE id > {noted['id']}",
        f"UPDATE audit_head SET row_id = {noted['id']}, hash = '{noted['hash']}', at = '{at}'",
        f"UPDATE audit_head SET signature = '{noted['signature']}'",
    )


def _edited_file(log: Log) -> None:
    path = log.folder / HEADS_FILE
    path.write_text(path.read_text().replace('"id":6', '"id":5'))


def _damaged_file(log: Log) -> None:
    (log.folder / HEADS_FILE).write_text("{}\n")


def _inserted(log: Log) -> None:
    log.tampered(f"INSERT INTO audit (id, {COLUMNS}, hash) SELECT 11, {COLUMNS}, 'made up' FROM audit WHERE id = 2")


def _appended(log: Log) -> None:
    _inserted(log)
    log.chain_anew()


def _exchanged(log: Log) -> None:
    log.tampered("UPDATE audit SET reason = request_id, request_id = reason WHERE id = 5")


def _ahead(log: Log) -> None:
    """Keep rows that are still to come from a receiver."""
    log.tampered("INSERT INTO audit_forwarded VALUES ('file:/audit', 1000000, '2026-11-21 00:00:00')")


TAMPERING: dict[str, tuple[Callable[[Log], None], int]] = {
    "a field changed": (lambda log: log.tampered("UPDATE audit SET actor = 'bob' WHERE id = 4"), 4),
    "a time changed": (lambda log: log.tampered("UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 7"), 7),
    "an outcome turned": (lambda log: log.tampered("UPDATE audit SET outcome = 'refused' WHERE id = 2"), 2),
    "an empty field made none": (lambda log: log.tampered("UPDATE audit SET exit_code = 0 WHERE id = 6"), 6),
    "a row removed": (lambda log: log.tampered("DELETE FROM audit WHERE id = 5"), 6),
    "the first rows removed": (lambda log: log.tampered("DELETE FROM audit WHERE id < 4"), 4),
    "two rows exchanged": (_moved, 4),
    "the end cut off": (lambda log: log.tampered("DELETE FROM audit WHERE id > 8"), 10),
    "everything removed": (lambda log: log.tampered("DELETE FROM audit"), 6),
    "a row put in": (_inserted, 11),
    "a row appended with a right hash": (_appended, 11),
    "a hash changed": (lambda log: log.tampered("UPDATE audit SET hash = 'f00' WHERE id = 9"), 9),
    "written anew with right hashes": (_rewritten, 6),
    "the end cut off and the head with it": (_forged_head, 0),
    "the head removed": (lambda log: log.tampered("DELETE FROM audit_head"), 10),
    "the store put back to an older state": (_replayed_head, 10),
    "the noted heads edited": (_edited_file, 0),
    "the noted heads damaged": (_damaged_file, 0),
    "a reason changed": (lambda log: log.tampered("UPDATE audit SET reason = 'because' WHERE id = 3"), 3),
    "a reason taken away": (lambda log: log.tampered("UPDATE audit SET reason = '' WHERE id = 1"), 1),
    "a request id changed": (lambda log: log.tampered("UPDATE audit SET request_id = 'other' WHERE id = 8"), 8),
    "a request id taken away": (lambda log: log.tampered("UPDATE audit SET request_id = '' WHERE id = 2"), 2),
    "a reason and a request id exchanged": (_exchanged, 5),
    "a target said to have taken what is not there": (_ahead, 1_000_000),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_and_the_first_bad_row_named(log: Log, how: str) -> None:
    tamper, expected = TAMPERING[how]
    tamper(log)
    found = log.checked()
    assert found.broken == expected, found
    assert found.sentence.endswith(".")


def test_heads_are_noted_while_rows_are_written_and_once_more_at_the_end(log: Log) -> None:
    path = log.folder / "elsewhere.jsonl"
    noting = Noting(AuditLog(log.store), path, every_s=0.01)
    noting.start()
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    log.audit.event(Row(actor=ALICE, action="sign-in"), outcome="done")
    noting.close()
    noting.close()
    numbers = [json.loads(line)["id"] for line in path.read_text().splitlines()]
    assert numbers[0] == ROWS
    assert numbers[-1] == ROWS + 2
    assert len(set(numbers)) == len(numbers)


def test_a_file_that_cannot_be_written_does_not_end_the_noting(log: Log) -> None:
    path = log.folder / "later" / "heads.jsonl"
    noting = Noting(AuditLog(log.store), path, every_s=0.01)
    noting.start()
    time.sleep(0.05)
    path.parent.mkdir()
    noting.close()
    assert json.loads(path.read_text())["id"] == ROWS


def test_either_database_is_written_read_and_checked(address: str, tmp_path: Path) -> None:
    store = open_store(address)
    vault = open_vault(store, data_dir=tmp_path)
    audit = Audit(store, Signer(vault))
    audit.event(Row(actor=ALICE, action="instance.delete", service="shop", target="web-0"), outcome="done")
    audit.refused(Row(actor=ALICE, action="logs.read", service="shop"), rule="needs logs")
    newest, oldest = AuditLog(store).find(EntryQuery(service="shop", search="ALICE")).entries
    assert (newest.outcome, newest.rule, oldest.outcome, oldest.target) == ("refused", "needs logs", "done", "web-0")
    found = check(store, vault, [])
    assert (found.broken, found.rows) == (None, 3)
    store.close()


def test_a_log_that_is_written_while_it_is_checked_is_whole(log: Log) -> None:
    def tell(_number: int, _last: int) -> None:
        log.audit.event(Row(actor=ALICE, action="sign-in"), outcome="done")
        log.note()

    found = check(log.store, log.vault, [log.folder / HEADS_FILE], tell=tell)
    assert (found.broken, found.last) == (None, ROWS)
    assert log.checked().last == ROWS + 2


def test_times_that_go_back_break_nothing_and_the_order_is_that_of_writing(store: Store, vault: Vault) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    moments = iter([now, now - timedelta(hours=3), now - timedelta(days=400), now + timedelta(seconds=1)])
    audit = Audit(store, Signer(vault), now=lambda: next(moments))
    audit.close(audit.intend(Row(actor=ALICE, action="one")), outcome="done", duration_ms=5)
    audit.close(audit.intend(Row(actor=ALICE, action="two")), outcome="done", duration_ms=5)
    assert check(store, vault, []).broken is None
    newest, oldest = AuditLog(store).find(EntryQuery()).entries
    assert (newest.action, oldest.action) == ("two", "one")
    assert (oldest.at, oldest.ended_at) == (now, now - timedelta(hours=3))
    assert [each.action for each in AuditLog(store).find(EntryQuery(since=now - timedelta(days=1))).entries] == ["one"]


def test_rows_of_before_reasons_keep_their_hashes() -> None:
    """Their hash was made without the two columns, and was so computed with the code of that time."""
    row = AuditRow(
        entry="intent",
        intent_id=None,
        at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        actor="alice",
        via="session:1",
        address="192.0.2.7",
        service="shop",
        action="instance.delete",
        target="web-0",
        verdict="allow",
        rule="",
        outcome="",
        exit_code=None,
        duration_ms=None,
        bytes_count=None,
        detail="",
        reason="",
        request_id="",
    )
    assert chained("0" * 64, row) == "c7bdebd2c70202673efa315f91fc97640fb385cd441e39806afe255a70a5b34a"
