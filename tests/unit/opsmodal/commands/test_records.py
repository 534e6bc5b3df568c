"""Records of typed lines: one for each, found by who may ask, bounded, and without a secret in the store's files."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text

from opsmodal.commands import records as records_module
from opsmodal.commands.ending import EXITED, LOST, Ending, Reason
from opsmodal.commands.kept import Frame
from opsmodal.commands.record import Place, Record, as_place
from opsmodal.commands.records import (
    END_TRIES,
    ONESHOT_LOST_AFTER,
    RECORDS_KEPT,
    SHORT_BYTES,
    SWEEP_EVERY,
    CommandRecords,
)
from opsmodal.guard.world import Mode
from opsmodal.holder import new_job
from opsmodal.jobs import COMMAND, DEAD_AFTER, Jobs, Worker
from opsmodal.store import Store, Vault
from opsmodal.store.errors import Unusable
from opsmodal.store.tables import CommandOutputRow, CommandRow
from tests.threads import none_left
from tests.unit.opsmodal.clock import Clock
from tests.unit.opsmodal.commands.conftest import typed

OUTPUT: list[Frame] = [("stdout", "NAME READY\n"), ("stderr", "warning: old\n"), ("stdout", "web-0 1/1\n")]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(store: Store, vault: Vault, clock: Clock) -> CommandRecords:
    return CommandRecords(store, vault, days=7, now=clock)


def ended(code: int | None = 0, reason: Reason = EXITED) -> Ending:
    return Ending(exit_code=code, reason=reason, sentence="The command has ended.", duration_ms=1500, bytes=34)


def written(records: CommandRecords, line: str, *, person: str = "eve", service: str = "shop") -> str:
    command_id = new_job()
    begun = records.begin(typed(line, person=person, service=service), command_id=command_id)
    records.end(begun, ended(), frames=OUTPUT, identity="ops")
    return command_id


def got(records: CommandRecords, command_id: str, *, service: str = "shop") -> Record:
    record = records.get(command_id, service=service)
    assert record is not None
    return record


def test_a_line_is_written_when_it_begins_and_when_it_ends(records: CommandRecords, clock: Clock) -> None:
    begun = records.begin(typed("kubectl get pods"), command_id="a")
    records.running_here = lambda: ["a"]
    record = got(records, "a")
    assert (record.state, record.outcome, record.ending, record.started_at) == ("running", "running", None, clock.at)
    assert records.past(record) is None
    records.end(begun, ended(code=1), frames=OUTPUT, truncated=True, identity="ops")
    record = got(records, "a")
    assert (record.state, record.outcome, record.ending) == ("failed", "exited", ended(code=1))
    assert (record.truncated, record.identity, record.connection) == (True, "ops", "lan")
    assert record.ended_at == clock.at + timedelta(milliseconds=1500)
    kept = records.output(record)
    assert kept is not None
    assert (kept.frames, kept.masked, kept.cut) == (OUTPUT, False, False)


def test_a_refused_line_is_written_with_its_rule(records: CommandRecords) -> None:
    records.refused(typed("kubectl get pods -A"), command_id="a")
    record = got(records, "a")
    assert (record.state, record.outcome, record.rule, record.ending) == ("refused", "refused", "kubectl-read", None)
    assert records.output(record) is None


@pytest.mark.parametrize("line", ["kubectl \0 get", "kubectl get \ud800", "쿠버 \U0001f600" * 3000, ""])
def test_whatever_was_typed_is_written_down(records: CommandRecords, line: str) -> None:
    records.refused(typed(line), command_id="a")
    begun = records.begin(typed(line), command_id="b")
    ending = Ending(exit_code=None, reason="lost", sentence=line, duration_ms=0, bytes=0)
    records.end(begun, ending, frames=[("stdout", "\0\x1b\u2028")], identity=line)
    assert got(records, "a").line == got(records, "b").line
    kept = records.output(got(records, "b"))
    assert kept is not None
    assert kept.frames == [("stdout", "\0\x1b\u2028")]


def test_a_record_is_found_on_its_service_only(records: CommandRecords) -> None:
    command_id = written(records, "kubectl get pods")
    assert records.get(command_id, service="blog") is None
    assert records.get("unknown", service="shop") is None


def test_the_history_is_a_persons_own_on_a_service_newest_first(records: CommandRecords, clock: Clock) -> None:
    for number in range(5):
        clock.at += timedelta(seconds=number % 2)  # two at the same moment, too
        written(records, f"kubectl get pod web-{number}")
        written(records, "kubectl logs db-0", person="bob")
        written(records, "kubectl get jobs", service="blog")
    past = records.history("shop", person="eve")
    assert [record.line[-1] for record in sorted(past.items, key=lambda each: each.line)] == list("01234")
    assert [record.started_at for record in past.items] == sorted((r.started_at for r in past.items), reverse=True)
    assert (past.total, past.next) == (5, None)
    assert records.history("shop", person=None).total == 10


def test_pages_of_the_history_follow_each_other_without_a_gap(records: CommandRecords, clock: Clock) -> None:
    ids = set()
    for number in range(7):
        ids.add(written(records, f"kubectl get pod web-{number}"))
        clock.at += timedelta(milliseconds=number % 3)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        past = records.history("shop", person="eve", limit=2, cursor=cursor)
        seen += [record.id for record in past.items]
        cursor = past.next
        written(records, "a newer one")  # what comes meanwhile is in front, and moves nothing
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == ids


@pytest.mark.parametrize(
    ("search", "found"),
    [("WEB-0", 1), ("web", 2), ("100%", 1), ("%", 1), ("_", 0), ("nothing", 0), ("", 3)],
)
def test_the_history_is_searched_for_what_was_typed(records: CommandRecords, search: str, found: int) -> None:
    for line in ("kubectl get pod web-0", "kubectl get pod web-1", "kubectl exec db-0 -- echo 100%"):
        written(records, line)
    assert records.history("shop", person="eve", search=search).total == found


@given(st.text(max_size=120))
def test_a_cursor_that_was_never_one_is_read_as_none(cursor: str) -> None:
    assert as_place(cursor) is None or isinstance(as_place(cursor), Place)


@pytest.mark.parametrize("cursor", ["9" * 30 + ".a", "1.", ".a", "-1.a", "\u0661.a", "9" * 17 + ".a", "9" * 16 + ".a"])
def test_a_forged_cursor_breaks_nothing(records: CommandRecords, cursor: str) -> None:
    written(records, "kubectl get pods")
    assert records.history("shop", person="eve", cursor=cursor).total == 1


def test_nothing_of_an_output_is_kept_where_that_is_switched_off(store: Store, vault: Vault) -> None:
    records = CommandRecords(store, vault, keep=False)
    record = got(records, written(records, "kubectl get pods"))
    assert record.state == "done"
    assert records.output(record) is None
    assert count(store, CommandOutputRow) == 0


def test_switching_it_off_hides_at_once_what_was_kept_and_the_sweep_removes_it(store: Store, vault: Vault) -> None:
    command_id = written(CommandRecords(store, vault), "kubectl get pods")
    off = CommandRecords(store, vault, keep=False)
    assert off.output(got(off, command_id)) is None
    off.sweep()
    assert count(store, CommandOutputRow) == 0
    assert count(store, CommandRow) == 1


def test_an_output_is_gone_after_its_days_and_a_record_after_its_own(
    store: Store, records: CommandRecords, clock: Clock
) -> None:
    command_id = written(records, "kubectl get pods")
    clock.at += timedelta(days=7, seconds=1)
    assert records.output(got(records, command_id)) is None
    records.sweep()
    assert (count(store, CommandOutputRow), count(store, CommandRow)) == (0, 1)
    clock.at += RECORDS_KEPT
    records.sweep()
    assert count(store, CommandRow) == 0


def test_whoever_comes_by_sweeps(store: Store, records: CommandRecords, clock: Clock) -> None:
    written(records, "kubectl get pods")
    clock.at += RECORDS_KEPT + timedelta(hours=1)
    written(records, "kubectl get jobs")
    assert count(store, CommandRow) == 1


def test_a_sweep_loses_no_output_that_waits_and_leaves_no_thread(records: CommandRecords, clock: Clock) -> None:
    ids = []
    with none_left("command-outputs"):
        for _ in range(2):
            clock.at += SWEEP_EVERY
            begun = records.begin(typed("kubectl logs web-0"), command_id=new_job())
            frames: list[Frame] = [("stdout", "a line of nothing in particular\n" * 10_000)]
            records.end(begun, replace(ended(), bytes=SHORT_BYTES + 1), frames=frames)
            ids.append(begun.id)
            assert records.is_keeping(ids[0]) or records.output(got(records, ids[0])) is not None
        records.close()
    assert all(records.output(got(records, each)) is not None for each in ids)


def test_the_outputs_of_a_service_are_bounded_and_the_oldest_go(
    store: Store, records: CommandRecords, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for _ in range(6):
        ids.append(written(records, "kubectl get pods"))
        clock.at += timedelta(seconds=1)
    other = written(records, "kubectl get pods", service="blog")
    with store.reading() as session:
        size = session.get_one(CommandOutputRow, ids[0]).size_bytes
    monkeypatch.setattr(records_module, "OUTPUTS_MAX_BYTES", size * 3 + size // 2)
    records.sweep()
    assert [records.output(got(records, each)) is not None for each in ids] == [False] * 3 + [True] * 3
    assert records.output(got(records, other, service="blog")) is not None


def test_the_records_of_a_service_are_bounded_and_take_their_outputs_along(
    store: Store, records: CommandRecords, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        last = written(records, "kubectl get pods")
        clock.at += timedelta(seconds=1)
    monkeypatch.setattr(records_module, "RECORDS_MAX", 2)
    records.sweep()
    past = records.history("shop", person="eve")
    assert (past.total, past.items[0].id) == (2, last)
    assert count(store, CommandOutputRow) == 2


def test_a_one_shot_whose_worker_died_is_lost(records: CommandRecords, clock: Clock) -> None:
    line = typed("kubectl get pods")
    records.begin(type(line)(**{**fields(line), "mode": Mode.ONESHOT}), command_id="a")
    assert got(records, "a").state == "running"
    clock.at += ONESHOT_LOST_AFTER
    assert got(records, "a").state == "lost"


def test_a_stream_whose_worker_is_not_heard_of_is_lost_and_kept(
    store: Store, records: CommandRecords, clock: Clock
) -> None:
    dead, alive = (Jobs(store, Worker(), now=clock) for _ in range(2))
    dead.take("a", person="eve", service="shop", most=3, kind=COMMAND)
    records.begin(typed(), command_id="a")
    assert got(records, "a").state == "running"
    clock.at += DEAD_AFTER
    (record,) = records.history("shop", person="eve").items
    assert (record.state, record.outcome) == ("lost", "lost")
    assert record.ending is not None
    assert record.ending.sentence == "The server that ran the command died: what it has done is not known."
    alive.beat()
    alive.take("b", person="eve", service="shop", most=1, kind=COMMAND)
    with store.reading() as session:
        assert session.execute(text("SELECT state FROM jobs WHERE id = 'a'")).scalar_one() == LOST


def test_an_end_that_comes_late_is_true_all_the_same(records: CommandRecords, clock: Clock) -> None:
    begun = records.begin(typed(), command_id="a")
    assert got(records, "a").state == "lost"
    records.end(begun, ended(), frames=OUTPUT)
    assert got(records, "a").state == "done"


@pytest.mark.parametrize(("failures", "state"), [(0, "done"), (END_TRIES - 1, "done"), (END_TRIES, "running")])
def test_an_end_is_tried_a_few_times_and_its_answer_never_fails(
    store: Store, records: CommandRecords, monkeypatch: pytest.MonkeyPatch, failures: int, state: str
) -> None:
    monkeypatch.setattr(records_module, "END_RETRY_S", 0.01)
    begun, left, session = records.begin(typed(), command_id="a"), [None] * failures, store.session
    records.running_here = lambda: ["a"]

    def sometimes() -> object:
        if left:
            left.pop()
            raise Unusable("The store does not answer.")
        return session()

    with monkeypatch.context() as patched:
        patched.setattr(store, "session", sometimes)
        records.end_or_log(begun, ended())
    assert got(records, "a").state == state


def test_an_output_does_not_open_for_another_record_or_with_another_key(
    store: Store, records: CommandRecords, vault: Vault
) -> None:
    one, two = written(records, "kubectl get pods"), written(records, "kubectl get pods")
    with store.session() as session:
        session.get_one(CommandOutputRow, two).sealed = session.get_one(CommandOutputRow, one).sealed
    assert records.output(got(records, one)) is not None
    assert records.output(got(records, two)) is None


def test_no_secret_reaches_the_stores_files(tmp_path: Path, made_file: Path) -> None:
    """In a line, in an output, in a sentence: planted ones are nowhere, and what surrounds them is there."""
    from opsmodal.store import open_store, open_vault

    store = open_store(f"sqlite:///{tmp_path}/planted/opsmodal.db")
    records = CommandRecords(store, open_vault(store, data_dir=tmp_path / "keys"))
    line_secret, output_secret, word = (f"planted{secrets.token_hex(8)}" for _ in range(3))
    begun = records.begin(
        typed(f"kubectl create secret generic db --from-literal=password={line_secret}"), command_id="a"
    )
    frames: list[Frame] = [("stdout", f"DB_PASSWORD={output_secret[:9]}"), ("stdout", f"{output_secret[9:]}\n{word}\n")]
    ending = Ending(exit_code=1, reason="lost", sentence=f"token={line_secret} failed", duration_ms=1, bytes=1)
    records.end(begun, ending, frames=frames)
    record = got(records, "a")
    kept = records.output(record)
    assert kept is not None
    assert kept.masked
    told = record.line + str(record.ending) + "".join(part for _, part in kept.frames)
    assert "--from-literal=password=" in told
    assert "DB_PASSWORD=" in told
    assert word in told, "what is no secret is kept"
    assert line_secret not in told
    assert output_secret not in told
    store.close()
    for path in (tmp_path / "planted").iterdir():
        content = path.read_bytes()
        for planted in (line_secret, output_secret, output_secret[9:], word):
            assert planted.encode() not in content, path.name


def fields(line: object) -> dict[str, object]:
    return {name: getattr(line, name) for name in line.__slots__}  # type: ignore[attr-defined]


def count(store: Store, table: type[CommandRow | CommandOutputRow]) -> int:
    with store.reading() as session:
        return session.query(table).count()
