"""An action whose process is gone is closed once, as interrupted; one that may still run is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsmodal.audit import Audit, Row, interrupted
from opsmodal.audit import process as processes
from opsmodal.audit.checking import check
from opsmodal.audit.duty import DUTY, Duty
from opsmodal.audit.heads import Signer
from opsmodal.audit.interrupted import Interrupted
from opsmodal.audit.process import Process, is_running, marked, this_process
from opsmodal.audit.reading import AuditLog, EntryQuery
from opsmodal.audit.writing import INTERRUPTED
from opsmodal.history.leases import Leases
from opsmodal.permissions import Actor
from opsmodal.store import Store, Vault
from opsmodal.store.errors import Unusable
from tests.engines.process import wait_for

ALICE = Actor(name="alice")
HERE = this_process(serves=True)
ELSEWHERE = Process(serves=True, place="0" * 12, pid=1, started=1)


class Room:
    """An audit log, written by whichever process is asked for."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self.store, self.vault = store, vault
        self.now = datetime.now(UTC)
        self.audit = Audit(store, Signer(vault), process=HERE)
        self.interrupted = Interrupted(store, self.audit, Leases(store, "here"), now=lambda: self.now)

    def begun_by(self, process: Process) -> int:
        audit = Audit(self.store, Signer(self.vault), process=process)
        return audit.intend(Row(actor=ALICE, action="instance.delete", target="web-0"))

    def close(self) -> int:
        return self.interrupted.close(lambda: False)

    def outcomes(self) -> list[str]:
        return [each.outcome for each in AuditLog(self.store).find(EntryQuery()).entries][::-1]


@pytest.fixture
def room(store: Store, vault: Vault) -> Room:
    return Room(store, vault)


@pytest.fixture
def gone() -> Process:
    """Give a process of this place that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    return replace(HERE, pid=ended.pid, started=1)


@pytest.fixture
def sleeping() -> Iterator[Process]:
    """Give a process of this place that runs."""
    running = subprocess.Popen(["sleep", "60"])
    started = int(Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()[19])
    yield replace(HERE, pid=running.pid, started=started)
    running.kill()
    running.wait(30)


def test_what_a_dead_process_left_is_closed_once_with_a_sentence(room: Room, gone: Process) -> None:
    intent = room.begun_by(gone)
    assert room.close() == 1
    assert room.close() == 0
    entry = AuditLog(room.store).entry(intent)
    assert entry is not None
    assert (entry.outcome, entry.actor, entry.duration_ms) == (INTERRUPTED, "alice", None)
    assert entry.detail.endswith(".")
    assert check(room.store, room.vault, []).broken is None


def test_what_runs_is_left_alone(room: Room, sleeping: Process) -> None:
    for process in (HERE, sleeping, replace(sleeping, serves=False)):
        room.begun_by(process)
    room.now += timedelta(days=30)
    assert room.close() == 0
    assert room.outcomes() == ["running"] * 3


def test_a_number_that_was_given_again_is_another_process(room: Room, sleeping: Process) -> None:
    room.begun_by(replace(sleeping, started=sleeping.started - 1))
    assert room.close() == 1


def test_a_process_that_its_parent_has_not_fetched_yet_has_ended() -> None:
    zombie = subprocess.Popen(["sleep", "60"])
    started = int(Path(f"/proc/{zombie.pid}/stat").read_text().rpartition(")")[2].split()[19])
    process = replace(HERE, pid=zombie.pid, started=started)
    assert is_running(process)
    zombie.kill()
    wait_for(lambda: not is_running(process), "the process ended", within_s=10)
    zombie.wait(30)


def test_a_process_that_is_hidden_is_taken_to_run(
    sleeping: Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path)

    def refused(_pid: int, _signal: int) -> None:
        raise PermissionError

    assert not is_running(sleeping), "one's own would be shown"
    monkeypatch.setattr(processes.os, "kill", refused)
    assert is_running(sleeping)


def test_a_server_elsewhere_is_gone_when_its_lease_was_missing_all_along(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1000.0
    monkeypatch.setattr(interrupted, "monotonic", lambda: seconds)
    room.begun_by(ELSEWHERE)
    theirs = Leases(room.store, "there")
    theirs.keep([ELSEWHERE.mark])
    assert room.close() == 0
    seconds += 1000
    theirs.release()
    assert room.close() == 0, "missing for the first time"
    seconds += interrupted.SILENT_S / 2
    theirs.keep([ELSEWHERE.mark])
    assert room.close() == 0, "it was away for a moment"
    theirs.release()
    assert room.close() == 0
    seconds += interrupted.SILENT_S
    assert room.close() == 1


def test_a_store_that_was_away_in_between_starts_the_wait_anew(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr(interrupted, "monotonic", lambda: seconds)
    room.begun_by(ELSEWHERE)
    assert room.close() == 0
    seconds += interrupted.SILENT_S / 2

    def away() -> bool:
        raise Unusable("The store does not answer.", hint="Wait.")

    with pytest.raises(Unusable):
        room.interrupted.close(away)
    seconds += interrupted.SILENT_S / 2
    assert room.close() == 0
    seconds += interrupted.SILENT_S
    assert room.close() == 1


@pytest.mark.parametrize("process", [replace(ELSEWHERE, serves=False), None])
def test_a_command_elsewhere_and_a_row_of_before_have_an_hour(room: Room, process: Process | None) -> None:
    class Unmarked(Process):
        mark = ""

    room.begun_by(process or Unmarked(serves=True, place="", pid=0, started=0))
    room.now += timedelta(minutes=59)
    assert room.close() == 0
    room.now += timedelta(minutes=2)
    assert room.close() == 1


def test_the_outcome_that_comes_late_is_the_one_shown(room: Room, gone: Process) -> None:
    intent = room.begun_by(gone)
    room.close()
    room.audit.close(intent, outcome="done", duration_ms=7)
    assert room.outcomes() == ["done"]
    assert check(room.store, room.vault, []).broken is None


def test_many_rows_are_looked_through_in_steps_and_only_once(
    room: Room, gone: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupted, "STEP_ROWS", 4)
    for _ in range(5):
        room.audit.event(Row(actor=ALICE, action="sign-in"), outcome="done")
    room.begun_by(gone)
    pauses: list[None] = []

    def pause() -> bool:
        pauses.append(None)
        return False

    assert room.interrupted.close(pause) == 1
    assert len(pauses) == 3
    pauses.clear()
    assert room.interrupted.close(pause) == 0
    assert len(pauses) == 1, "only the row that closed it is new"


@pytest.mark.parametrize("text", ["", "server", "server x y z", "command a 1", "done in 3 s", "server a -1 2"])
def test_what_is_no_mark_names_no_process(text: str) -> None:
    assert marked(text) is None


def test_a_mark_is_read_as_it_was_written() -> None:
    assert marked(HERE.mark) == HERE
    assert HERE.pid == os.getpid()
    assert is_running(HERE)


def test_one_worker_has_the_duty_and_hands_it_over_when_it_ends(store: Store, vault: Vault, gone: Process) -> None:
    one = Audit(store, Signer(vault), process=ELSEWHERE)
    other = Audit(store, Signer(vault), process=HERE)
    first, second = Duty(store, one, every_s=0.05), Duty(store, other, every_s=0.05)
    first.start()
    wait_for(lambda: first.is_here, "the first has the duty", within_s=10)
    second.start()
    wait_for(lambda: one.process.mark in second._leases.living(), "both keep a lease", within_s=10)
    wait_for(lambda: other.process.mark in second._leases.living(), "both keep a lease", within_s=10)
    assert not second.is_here
    first.close()
    first.close()
    wait_for(lambda: second.is_here, "the second has taken over", within_s=10)
    Audit(store, Signer(vault), process=gone).intend(Row(actor=ALICE, action="sign-in"))
    found = AuditLog(store)
    wait_for(lambda: found.find(EntryQuery()).entries[0].outcome == INTERRUPTED, "it was closed", within_s=10)
    second.close()
    assert DUTY not in Leases(store, "").living()


def test_the_duty_of_a_process_that_is_gone_is_taken_at_once(store: Store, vault: Vault, gone: Process) -> None:
    theirs = Leases(store, gone.mark)
    theirs.keep([DUTY, gone.mark])
    duty = Duty(store, Audit(store, Signer(vault), process=HERE), every_s=60)
    duty.start()
    wait_for(lambda: duty.is_here, "the duty is taken in the first round", within_s=10)
    assert gone.mark not in theirs.living()
    duty.close()


def test_the_duty_of_a_process_that_runs_is_left_to_it(store: Store, vault: Vault, sleeping: Process) -> None:
    Leases(store, sleeping.mark).keep([DUTY])
    duty = Duty(store, Audit(store, Signer(vault), process=HERE), every_s=0.02)
    duty.start()
    wait_for(lambda: HERE.mark in Leases(store, "").living(), "a round is over", within_s=10)
    duty.close()
    assert Leases(store, "").holder(DUTY) == sleeping.mark
