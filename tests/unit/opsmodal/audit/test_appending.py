"""Rows that arrive together are written together; none is acknowledged before it is committed, none is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.engine import Connection

from opsmodal.audit import appending
from opsmodal.audit.appending import Appending
from opsmodal.audit.checking import check
from opsmodal.audit.heads import Signer
from opsmodal.audit.reading import AuditLog
from opsmodal.store import Busy, Store, Unusable, Vault, open_store, open_vault
from opsmodal.store.tables import AuditRow

HOUSE = Path(__file__).resolve().parents[4]
SOON_S = 20.0


@dataclass
class Log:
    """An empty log, and how often its store has committed."""

    store: Store
    vault: Vault
    appending: Appending
    commits: list[int]

    def targets(self) -> list[str]:
        return [row.target for row in AuditLog(self.store).rows()]

    def whole(self) -> bool:
        return check(self.store, self.vault, []).broken is None

    def queued(self, count: int) -> None:
        """Wait until so many rows wait for their turn."""
        deadline = time.monotonic() + SOON_S
        while len(self.appending._waiting) < count:
            assert time.monotonic() < deadline, "nobody came"
            time.sleep(0.001)

    def led(self) -> None:
        """Wait until somebody leads and has begun to write."""
        deadline = time.monotonic() + SOON_S
        while not self.appending._is_led or self.appending._waiting:
            assert time.monotonic() < deadline, "nobody leads"
            time.sleep(0.001)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    store = open_store(f"sqlite:///{tmp_path / 'opsmodal.db'}")
    vault = open_vault(store, data_dir=tmp_path)
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda _: commits.append(1))
    yield Log(store, vault, Appending(store, Signer(vault)), commits)
    store.close()


@pytest.fixture
def anywhere(store: Store, tmp_path: Path) -> Appending:
    """Give an empty log on each kind of store."""
    return Appending(store, Signer(open_vault(store, data_dir=tmp_path)))


@pytest.fixture
def people() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def row(target: str = "web") -> AuditRow:
    return AuditRow(
        entry="refusal",
        intent_id=None,
        at=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
        actor="alice",
        via="",
        address="",
        service="shop",
        action="instance.delete",
        target=target,
        verdict="refuse",
        rule="",
        outcome="refused",
        exit_code=None,
        duration_ms=None,
        bytes_count=None,
        detail="",
        reason="",
        request_id="",
    )


def drafted(target: str) -> Callable[[Connection], AuditRow]:
    return lambda _: row(target)


def in_order(log: Log, people: ThreadPoolExecutor, drafts: list[appending.Draft]) -> list[Future[int]]:
    """Let people come one after the other while somebody else writes to the store."""
    coming: list[Future[int]] = []
    with log.store.session():
        coming.append(people.submit(log.appending.append, drafted("first")))
        log.led()
        for place, draft in enumerate(drafts):
            coming.append(people.submit(log.appending.append, draft))
            log.queued(place + 1)
    return coming


def test_whoever_comes_while_one_is_written_shares_the_next_transaction_in_order(
    log: Log, people: ThreadPoolExecutor
) -> None:
    names = [f"web-{number}" for number in range(10)]
    coming = in_order(log, people, [drafted(name) for name in names])
    numbers = [each.result(SOON_S) for each in coming]
    assert numbers == list(range(1, 12))
    assert log.targets() == ["first", *names]
    assert len(log.commits) == 2  # of the first row, and of the ten that came meanwhile
    assert log.whole()


def test_nothing_is_acknowledged_before_it_is_committed(log: Log, people: ThreadPoolExecutor) -> None:
    """Each looks with a connection of its own, which sees committed rows only."""

    def written(number: int) -> bool:
        mine = log.appending.append(drafted(f"web-{number}"))
        with log.store.reading() as session:
            return session.get_one(AuditRow, mine).target == f"web-{number}"

    assert all(people.map(written, range(300)))
    assert sorted(log.targets()) == sorted(f"web-{number}" for number in range(300))
    assert log.whole()


def test_a_row_that_cannot_be_written_fails_alone(log: Log, people: ThreadPoolExecutor) -> None:
    def broken(_connection: Connection) -> AuditRow:
        raise LookupError("no such intent")

    coming = in_order(log, people, [drafted("a"), broken, drafted("b")])
    ends = [each.exception(SOON_S) for each in coming]
    assert [type(end) for end in ends] == [type(None), type(None), LookupError, type(None)]
    assert log.targets() == ["first", "a", "b"]
    assert log.whole()


def test_a_store_that_cannot_be_written_fails_everybody(log: Log, people: ThreadPoolExecutor) -> None:
    with log.store.session() as session:
        session.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
    coming = in_order(log, people, [drafted("a"), drafted("b"), drafted("c")])
    assert [type(each.exception(SOON_S)) for each in coming] == [Unusable] * 4
    with log.store.session() as session:
        session.execute(text("ALTER TABLE elsewhere RENAME TO audit"))
    assert log.appending.append(drafted("later")) == 1
    assert log.targets() == ["later"]


def test_who_waited_too_long_is_told_so_and_never_written(
    log: Log, people: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "WRITE_WAIT_S", 0.05)
    with log.store.session():
        first = people.submit(log.appending.append, drafted("first"))
        log.led()
        with pytest.raises(Busy):
            log.appending.append(drafted("late"))
    assert first.result(SOON_S) == 1
    assert log.appending.append(drafted("next")) == 2
    assert log.targets() == ["first", "next"]


def test_more_than_could_ever_wait_are_turned_away(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "WAITING_MAX", 0)
    with pytest.raises(Busy):
        log.appending.append(drafted("late"))


def test_whoever_is_ended_while_writing_leaves_nobody_waiting(log: Log, people: ThreadPoolExecutor) -> None:
    class Ended(BaseException):
        """What gevent raises in a greenlet that is ended, by another name."""

    def ends(_connection: Connection) -> AuditRow:
        raise Ended

    coming = in_order(log, people, [drafted("a"), ends, drafted("b")])
    ends_of = [type(each.exception(SOON_S)) for each in coming]
    assert ends_of[0] is type(None)
    assert Ended in ends_of
    assert set(ends_of[1:]) <= {Ended, Busy}
    assert log.targets() == ["first"]
    assert log.appending.append(drafted("later")) > 0
    assert log.whole()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\x00b", "a\ufffdb"),
        ("half \ud800", "half \ufffd"),
        ("\udfff\x00", "\ufffd\ufffd"),
        ("🙂", "🙂"),
    ],
)
def test_what_no_store_can_hold_is_replaced(log: Log, typed: str, kept: str) -> None:
    log.appending.append(drafted(typed))
    assert log.targets() == [kept]
    assert log.whole()


@given(typed=st.text(st.characters(exclude_categories=()), max_size=600))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_written_by_every_store(anywhere: Appending, typed: str) -> None:
    def draft(_connection: Connection) -> AuditRow:
        made = row(typed)
        made.actor = made.service = made.rule = made.via = made.address = made.request_id = typed
        return made

    assert anywhere.append(draft) > 0


PROGRAM = """
import sys
from gevent import monkey
monkey.patch_all()
import gevent
from pathlib import Path
from sqlalchemy import event
from opsmodal.audit import Audit, Row
from opsmodal.audit.checking import check
from opsmodal.audit.heads import Signer
from opsmodal.permissions import Actor
from opsmodal.store import open_store, open_vault

folder, commits = Path(sys.argv[1]), []
store = open_store(f"sqlite:///{folder / 'opsmodal.db'}")
vault = open_vault(store, data_dir=folder)
event.listen(store.engine, "commit", lambda _: commits.append(1))
audit = Audit(store, Signer(vault))
who = Actor(name="alice")
act = lambda number: audit.event(Row(actor=who, action="logs.download", target=str(number)), outcome="done")
gevent.joinall([gevent.spawn(act, number) for number in range(100)], raise_error=True)
found = check(store, vault, [])
store.close()
print(found.rows, found.broken, len(commits) < 20)
"""


def test_greenlets_that_are_ready_at_the_same_time_are_written_together(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", PROGRAM, str(tmp_path)]
    result = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.returncode) == ("200 None True\n", 0), result.stderr


def test_threads_that_come_and_go_leave_a_whole_chain(log: Log) -> None:
    def write(place: int) -> None:
        for number in range(20):
            log.appending.append(drafted(f"{place}/{number}"))

    threads = [threading.Thread(target=write, args=(place,), name=f"writer-{place}") for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON_S)
    written = log.targets()
    for place in range(8):
        assert [each for each in written if each.startswith(f"{place}/")] == [f"{place}/{n}" for n in range(20)]
    assert log.whole()
