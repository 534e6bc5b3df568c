from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from opsmodal.store import Busy, Store, TooNew, Unusable, open_store
from opsmodal.store import store as store_module
from opsmodal.store.migrate import HEAD, MIGRATIONS, current
from opsmodal.store.tables import AuditRow, Favorite, Mark, Table, Ticket, User
from tests.unit.opsmodal.store.postgresql import PostgreSQL

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def audit_row(**values: object) -> AuditRow:
    blank = dict.fromkeys(("via", "address", "service", "target", "verdict", "rule", "outcome", "detail"), "")
    return AuditRow(**{**blank, "entry": "intent", "at": NOON, "actor": "al", "action": "x", "hash": "1", **values})


def test_the_migrations_make_exactly_the_tables_that_the_code_names(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_the_head_that_the_code_knows_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_opening_again_keeps_what_is_there(address: str) -> None:
    first = open_store(address)
    with first.session() as session:
        session.add(Mark(name="a", value="b"))
    first.close()
    again = open_store(address)
    with again.reading() as session:
        assert session.get_one(Mark, "a").value == "b"
    again.close()


def test_a_store_that_is_newer_than_the_program_is_refused_and_left_alone(store: Store, made: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(TooNew, match="newer opsmodal"):
        open_store(made)
    with store.engine.connect() as connection:
        assert current(connection) == "9999"


def test_several_processes_may_migrate_an_empty_store_at_once(address: str) -> None:
    code = f"from opsmodal.store import open_store; open_store({address!r}).close()"
    programs = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(program.communicate(timeout=60)[1], program.returncode) for program in programs] == [(b"", 0)] * 4


def test_a_session_that_fails_changes_nothing(store: Store) -> None:
    def fail() -> None:
        with store.session() as session:
            session.add(Mark(name="a", value="b"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.reading() as session:
        assert session.get(Mark, "a") is None


def test_a_reading_session_sees_one_state_from_first_to_last(store: Store) -> None:
    with store.reading() as reading:
        assert reading.get(Mark, "a") is None
        with store.session() as writing:
            writing.add(Mark(name="a", value="b"))
        reading.expire_all()
        assert reading.get(Mark, "a") is None


def test_writers_side_by_side_lose_nothing(store: Store) -> None:
    with store.session() as session:
        session.add(Mark(name="count", value="0"))

    def count() -> None:
        for _ in range(25):
            with store.session() as session:
                store.lock(session, "count")
                mark = session.get_one(Mark, "count", with_for_update=True)
                mark.value = str(int(mark.value) + 1)

    threads = [threading.Thread(target=count, name=f"count-{index}") for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.reading() as session:
        assert session.get_one(Mark, "count").value == "150"


def test_greenlets_that_yield_inside_a_session_do_not_block_each_other(address: str) -> None:
    """On SQLite, waiting in C for a transaction that another greenlet holds would stop both."""
    code = f"""
from gevent import monkey; monkey.patch_all()
import gevent
from opsmodal.store import open_store
from opsmodal.store.tables import Mark
store = open_store({address!r})
def write(n):
    with store.session() as session:
        session.add(Mark(name=str(n), value=""))
        session.flush()
        gevent.sleep(0.01)
jobs = [gevent.spawn(write, n) for n in range(40)]
gevent.joinall(jobs, raise_error=True, timeout=20)
with store.reading() as session:
    print(session.query(Mark).count())
store.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("40\n", "")


def test_foreign_keys_hold_and_cascade(store: Store) -> None:
    with pytest.raises(IntegrityError), store.session() as session:
        session.add(Favorite(user="nobody", service="shop"))
    with store.session() as session:
        session.add(User(name="al", admin=False, auditor=False, disabled=False, created_at=NOON))
        session.flush()
        session.add(Favorite(user="al", service="shop"))
    with store.session() as session:
        session.delete(session.get_one(User, "al"))
    with store.reading() as session:
        assert session.query(Favorite).count() == 0


def test_moments_come_back_aware_and_in_utc(store: Store) -> None:
    there = datetime(2026, 11, 21, 14, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2, minutes=30)))
    with store.session() as session:
        session.add(User(name="al", admin=False, auditor=False, disabled=False, created_at=there))
    with store.reading() as session:
        back = session.get_one(User, "al").created_at
    assert (back, back.tzinfo) == (there, UTC)


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  (what is refused)
    ticket = Ticket(secret_hash="x", user="al", purpose="", created_at=naive, expires_at=NOON)
    with pytest.raises(StatementError, match="time zone"), store.session() as session:
        session.add(ticket)


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_rewrite_the_audit_log(store: Store, change: str) -> None:
    with store.session() as session:
        session.add(audit_row())
    with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text(change))
    with store.reading() as session:
        assert session.query(AuditRow).one().actor == "al"


def test_an_sqlite_file_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new/opsmodal.db")
    with store.session() as session:
        session.add(Mark(name="a", value="b"))
        mode = session.execute(text("PRAGMA journal_mode")).scalar()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    store.close()
    assert mode == "wal"
    assert modes.pop("opsmodal.db") == 0o600
    assert set(modes.values()) <= {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("not an address", "cannot be read as one"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://db/opsmodal", "cannot keep its data in 'mysql'"),
    ],
)
def test_an_address_that_is_no_store_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(Unusable, match=sentence) as refused:
        open_store(address)
    assert "Examples" in refused.value.hint


def test_a_database_that_does_not_answer_is_said_without_its_password() -> None:
    with pytest.raises(Unusable, match="does not answer") as refused:
        open_store("postgresql://al:PLANTED@127.0.0.1:1/opsmodal")
    assert "PLANTED" not in refused.value.sentence + refused.value.hint


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "opsmodal.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(Unusable, match="no SQLite database"):
        open_store(f"sqlite:///{tmp_path}/opsmodal.db")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Unusable, match="cannot be written"):
        open_store(f"sqlite:///{tmp_path}/opsmodal.db")


def test_a_change_that_waits_too_long_for_another_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "WRITE_WAIT_S", 0.05)
    store = open_store(f"sqlite:///{tmp_path}/opsmodal.db")
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with store.session():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hold, name="holder")
    thread.start()
    entered.wait(20)
    try:
        with pytest.raises(Busy), store.session():
            pass
    finally:
        leave.set()
        thread.join(20)
        store.close()


def test_a_database_that_only_reads_is_said_and_still_read(postgresql: PostgreSQL) -> None:
    store = open_store(postgresql.new_database())
    try:
        with store.engine.connect() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
            connection.commit()
        store.engine.dispose()
        with pytest.raises(Unusable, match="can be read but not written"), store.session() as session:
            session.execute(text("DELETE FROM tickets"))
        with store.reading() as session:
            assert session.execute(text("SELECT count(*) FROM tickets")).scalar_one() == 0
    finally:
        store.close()
