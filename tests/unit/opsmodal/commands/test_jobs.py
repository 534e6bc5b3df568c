"""Streaming commands of a process: three a person over all workers, each end written, whatever fails meanwhile."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from connectors.base import Exit, Output
from opsmodal.commands import jobs as jobs_module
from opsmodal.commands.ending import Ending
from opsmodal.commands.job import Closed, CommandJob
from opsmodal.commands.jobs import CommandJobs
from opsmodal.commands.records import SWEEP_EVERY, CommandRecords
from opsmodal.errors import TooMany
from opsmodal.holder import new_job
from opsmodal.jobs import COMMAND, DEAD_AFTER, Jobs, Worker
from opsmodal.spool import Spool
from opsmodal.store import Store, Vault
from opsmodal.store.errors import Unusable
from opsmodal.store.tables import CommandOutputRow, JobRow
from runtimes.commands import Started
from runtimes.errors import Missing
from tests.threads import none_left
from tests.unit.opsmodal.clock import Clock
from tests.unit.opsmodal.commands.conftest import LIMIT_BYTES, Begin, begun, typed
from tests.unit.opsmodal.commands.streams import Written
from tests.unit.opsmodal.commands.test_job import all_of, stored, until


def test_three_at_once_and_a_fourth_when_one_has_ended(begin: Begin) -> None:
    running = [Written() for _ in range(3)]
    for each in running:
        begin(each.started)
    with pytest.raises(TooMany) as refused:
        begin(Written().started)
    assert refused.value.sentence == "You already have 3 streaming commands running."
    assert refused.value.retry_after_s == 10
    assert begin(Written().started, owner="bob").owner == "bob", "others have places of their own"
    running[0].exit(0)
    again: list[CommandJob] = []

    def is_begun() -> bool:
        try:
            again.append(begin(Written().started))
        except TooMany:
            return False
        return True

    until(is_begun)


def test_thirty_starts_at_once_do_not_slip_past_the_bound(begin: Begin) -> None:
    together = threading.Barrier(30)

    def start(_number: int) -> object:
        together.wait(20)
        try:
            return begin(Written().started)
        except TooMany as refusal:
            return refusal

    with ThreadPoolExecutor(30) as pool:
        started = list(pool.map(start, range(30)))
    assert sum(isinstance(one, CommandJob) for one in started) == 3


def test_follows_and_commands_do_not_take_each_others_places(store: Store) -> None:
    jobs = Jobs(store, Worker())
    jobs.take("a", person="eve", service="shop", most=1)
    jobs.take("b", person="eve", service="shop", most=1, kind=COMMAND)
    with pytest.raises(TooMany, match="streaming commands"):
        jobs.take("c", person="eve", service="shop", most=1, kind=COMMAND)


def test_the_places_of_a_worker_that_crashed_are_free_within_a_minute(store: Store) -> None:
    clock = Clock()
    crashed, other = (Jobs(store, Worker(host=host), now=clock) for host in ("one", "two"))
    for number in range(3):
        crashed.take(f"c{number}", person="eve", service="shop", most=3, kind=COMMAND)
    crashed.beat()
    clock.at += DEAD_AFTER - DEAD_AFTER / 60
    with pytest.raises(TooMany):
        other.take("d", person="eve", service="shop", most=3, kind=COMMAND)
    clock.at += DEAD_AFTER / 60
    other.take("d", person="eve", service="shop", most=3, kind=COMMAND)
    other.beat()
    assert states(store) == {"c0": "lost", "c1": "lost", "c2": "lost", "d": "running"}


def test_a_worker_that_takes_the_place_of_a_dead_one_frees_it_at_once(store: Store) -> None:
    killed, next_one = (Jobs(store, Worker(place=3)) for _ in range(2))
    killed.take("a", person="eve", service="shop", most=1, kind=COMMAND)
    next_one.begin()
    next_one.take("b", person="eve", service="shop", most=1, kind=COMMAND)
    assert states(store) == {"a": "lost", "b": "running"}


def test_a_start_that_fails_gives_its_place_back_and_nothing_runs(commands: CommandJobs, store: Store) -> None:
    def fail() -> Started:
        raise Missing("There is no kubectl.")

    for _ in range(4):
        with pytest.raises(Missing):
            begun(commands, fail)
    assert (commands.count(), commands.running(), states(store)) == (0, [], {})


def test_nothing_begins_where_no_output_can_be_kept(records: CommandRecords, tmp_path: Path) -> None:
    (tmp_path / "streams").write_text("a file where the folder should be")
    commands = CommandJobs(tmp_path / "streams", records=records, most=3, limit_bytes_max=1000)
    begins: list[Started] = []

    def open_stream() -> Started:
        begins.append(Written().started())
        return begins[-1]

    with pytest.raises(Unusable, match="cannot keep this output"):
        begun(commands, open_stream)
    assert (begins, commands.running()) == ([], [])
    commands.close()


def test_a_command_that_has_begun_and_cannot_be_taken_in_is_ended_and_its_spool_given_back(
    commands: CommandJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_job: CommandJob, _name: str) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(CommandJob, "_begin", fail)
    command, before = Written(), len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(RuntimeError):
        begun(commands, command.started)
    assert (command.closed.is_set(), commands.running(), commands.count()) == (True, [], 0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_full_disk_ends_the_command_and_says_so(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    command = Written([Output("stdout", b"so far\n")])
    job = begin(command.started)
    until(lambda: job.read(0, limit=1, wait_s=1))

    def full(_spool: Spool, _records: Sequence[bytes]) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Spool, "extend", full)
    command.write(b"x" * 100_000)
    assert all_of(job)["stdout"] == "so far\n"
    assert job.ending is not None
    assert (job.ending.reason, command.closed.is_set()) == ("stopped", True)
    assert job.ending.sentence == (
        "The command was stopped: the server cannot keep its output (No space left on device)."
    )


@contextmanager
def away(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nobody write to the store."""

    @contextmanager
    def nobody() -> Iterator[Session]:
        raise Unusable("The store does not answer.")
        yield  # type: ignore[unreachable]  # what makes it a generator

    with monkeypatch.context() as patched:
        patched.setattr(store, "session", nobody)
        yield


def test_an_end_that_the_store_did_not_take_is_written_when_it_is_back(
    begin: Begin, commands: CommandJobs, records: CommandRecords, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "RETRY_S", 0.05)
    command = Written([Output("stdout", b"all of it\n")])
    told: list[CommandJob] = []
    job = begin(command.started, done=told.append)
    with away(store, monkeypatch):
        command.exit(0)
        assert all_of(job)["stdout"] == "all of it\n", "who reads is told at once"
        assert commands.running() == [job.id]
    until(lambda: stored(records, job).state == "done")
    until(lambda: told)
    past = records.past(stored(records, job))
    assert past is not None
    assert all_of(past)["stdout"] == "all of it\n"
    until(lambda: states(store) == {job.id: "done"})


def test_what_is_owed_to_the_store_is_not_kept_alive_by_the_beats(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(store, Worker())
    jobs.take("a", person="eve", service="shop", most=1)
    with away(store, monkeypatch):
        jobs.give_back("a")
    jobs.beat()
    jobs.take("b", person="eve", service="shop", most=1)


def test_a_long_output_is_kept_beside_everybody_and_read_when_it_is(
    begin: Begin, commands: CommandJobs, records: CommandRecords
) -> None:
    line = b"a line of nothing in particular\n"
    job = begin(Written([*(Output("stdout", line * 100) for _ in range(100)), Exit(code=0)]).started)
    until(lambda: stored(records, job).state == "done")
    past = records.past(stored(records, job))
    assert past is not None
    assert all_of(past) == all_of(job)
    assert not records.is_keeping(job.id)


def test_a_long_output_that_waits_is_kept_when_the_process_ends(
    records: CommandRecords, store: Store, tmp_path: Path
) -> None:
    data = b"a line of nothing in particular\n" * 30_000
    with none_left("command"):
        commands = CommandJobs(tmp_path / "streams", records=records, most=3, limit_bytes_max=LIMIT_BYTES)
        jobs = [begun(commands, Written([Output("stdout", data)]).started) for _ in range(3)]
        for job in jobs:
            until(lambda job=job: job.spooled_bytes == len(data))
        commands.close()
    for job in jobs:
        kept = records.output(stored(records, job))
        assert kept is not None
        assert "".join(text for _, text in kept.frames) == data.decode()


@pytest.mark.parametrize(("days", "keeps", "is_left"), [(7, True, True), (2, True, False), (7, False, False)])
def test_where_nobody_runs_anything_no_output_outlives_its_days_or_being_switched_off(
    store: Store, vault: Vault, tmp_path: Path, days: int, keeps: bool, is_left: bool
) -> None:
    clock = Clock()
    before = CommandRecords(store, vault, now=clock)
    record = before.begin(typed(), command_id="a")
    ending = Ending(exit_code=0, reason="exited", sentence="", duration_ms=1, bytes=1)
    before.end(record, ending, frames=[("stdout", "x")])
    clock.at += timedelta(days=3)
    swept = threading.Event()
    records = CommandRecords(store, vault, keep=keeps, days=days, now=clock)
    sweep = records.sweep

    def sweep_and_say() -> None:
        sweep()
        swept.set()

    with none_left("command"), pytest.MonkeyPatch.context() as patched:
        commands = CommandJobs(tmp_path / "streams", records=records, most=3, limit_bytes_max=1000)
        patched.setattr(records, "sweep", sweep_and_say)
        commands.begin()
        assert swept.wait(20), "at the start"
        with store.reading() as session:
            assert (session.get(CommandOutputRow, "a") is not None) == is_left
        swept.clear()
        patched.setattr(commands, "_pause_s", lambda: 0.05)
        clock.at += SWEEP_EVERY
        commands._rouse()
        assert swept.wait(20), "and from then on"
        commands.close()


def test_who_is_told_of_the_end_and_fails_hinders_nobody(begin: Begin, records: CommandRecords) -> None:
    def fail(_job: CommandJob) -> None:
        raise ZeroDivisionError

    job = begin(Written([Exit(code=0)]).started, done=fail)
    until(lambda: stored(records, job).state == "done")


def test_one_that_has_ended_is_read_here_for_a_while_and_then_from_its_record(
    records: CommandRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = CommandJobs(tmp_path / "streams", records=records, most=3, limit_bytes_max=1000, kept_s=0.5)
    monkeypatch.setattr(commands, "_pause_s", lambda: 0.05)
    job = begun(commands, Written([Output("stdout", b"here\n"), Exit(code=0)]).started)
    assert all_of(job)["stdout"] == "here\n"
    assert commands.find(job.id, owner="eve", service="shop") is job
    until(lambda: commands.find(job.id, owner="eve", service="shop") is None)
    with pytest.raises(Closed):
        job.read(0, limit=1, wait_s=0)
    past = records.past(stored(records, job))
    assert past is not None
    assert all_of(past)["stdout"] == "here\n"
    commands.close()


def test_not_more_than_so_many_that_have_ended_are_kept_open(
    commands: CommandJobs, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "KEPT_MAX", 5)
    monkeypatch.setattr(commands, "_pause_s", lambda: 0.05)
    before = len(list(Path("/proc/self/fd").iterdir()))
    jobs = [begin(Written([Exit(code=0)]).started, owner=f"person{number}") for number in range(20)]
    until(lambda: sum(each is not None for each in (find(commands, job) for job in jobs)) <= 5)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 5 + 5


def find(commands: CommandJobs, job: CommandJob) -> CommandJob | None:
    return commands.find(job.id, owner=None, service="shop")


def test_a_command_is_its_owners_unless_anybodys_is_asked_for(commands: CommandJobs, begin: Begin) -> None:
    job = begin(Written().started)
    assert commands.find(job.id, owner="bob", service="shop") is None
    assert commands.find(job.id, owner="eve", service="blog") is None
    assert commands.find(job.id, owner=None, service="shop") is job


def test_when_the_process_ends_its_commands_do_and_their_records_say_so(
    records: CommandRecords, store: Store, tmp_path: Path
) -> None:
    with none_left("command"):
        commands = CommandJobs(
            tmp_path / "streams", records=records, most=3, limit_bytes_max=LIMIT_BYTES, jobs=Jobs(store, Worker())
        )
        running = [Written() for _ in range(3)]
        jobs = [begun(commands, each.started) for each in running]
        commands.close()
    assert all(each.closed.is_set() for each in running)
    for job in jobs:
        record = stored(records, job)
        assert (record.state, record.outcome) == ("stopped", "stopped")
        assert record.ending is not None
        assert record.ending.sentence == "The command was stopped: the server that ran it ended."
    assert set(states(store).values()) == {"stopped"}
    assert list((tmp_path / "streams").iterdir()) == []


def test_new_ids_cannot_be_guessed() -> None:
    assert len({new_job() for _ in range(1000)}) == 1000


def states(store: Store) -> dict[str, str]:
    with store.reading() as session:
        return {row.id: row.state for row in session.query(JobRow)}


def test_a_vault_of_another_installation_opens_nothing(store: Store, begin: Begin, records: CommandRecords) -> None:
    from opsmodal.store.vault import new_key

    job = begin(Written([Output("stdout", b"ours\n"), Exit(code=0)]).started)
    until(lambda: stored(records, job).state == "done")
    assert CommandRecords(store, Vault(new_key())).output(stored(records, job)) is None
