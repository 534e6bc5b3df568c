"""A streaming command: what it writes is read by anybody from anywhere, whole, and its end is told once and for all."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Ended as Over
from connectors.base import Exit, Output
from connectors.errors import Unreachable
from opsmodal.access.why import Ended
from opsmodal.commands import job as job_module
from opsmodal.commands.job import CommandJob, Limits, Readable
from opsmodal.commands.jobs import CommandJobs
from opsmodal.commands.pieces import unpacked
from opsmodal.commands.record import Record
from opsmodal.commands.records import CommandRecords
from runtimes.commands import Started
from runtimes.errors import Unavailable
from tests.unit.opsmodal.commands.conftest import LIMIT_BYTES, Begin, typed
from tests.unit.opsmodal.commands.streams import Written, access_of

DEADLINE_S = 30.0


@pytest.fixture
def made(made_file: Path, tmp_path: Path) -> str:
    """Give a store of one kind: what a command does depends on none."""
    (tmp_path / "data").mkdir()
    shutil.copy(made_file, tmp_path / "data/opsmodal.db")
    return f"sqlite:///{tmp_path}/data/opsmodal.db"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.01)


def all_of(command: Readable, offset: int = 0) -> dict[str, str]:
    """Read a command to its end, as the socket does."""
    text = {"stdout": "", "stderr": ""}
    deadline = time.monotonic() + DEADLINE_S
    while True:
        ending = command.ending
        pieces = command.read(offset, limit=16, wait_s=1)
        for at, record in pieces:
            source, part = unpacked(record)
            text[source] += part
            offset = at + 1
        if ending is not None and not pieces:
            return text
        assert time.monotonic() < deadline


def test_what_a_command_writes_is_read_and_its_end_is_on_record(begin: Begin, records: CommandRecords) -> None:
    ended: list[CommandJob] = []
    job = begin(
        Written([Output("stdout", b"one\n"), Output("stderr", b"two\n"), Exit(code=3)]).started, done=ended.append
    )
    assert all_of(job) == {"stdout": "one\n", "stderr": "two\n"}
    until(lambda: ended)
    ending = job.ending
    assert ending is not None
    assert (ending.exit_code, ending.reason, ending.bytes) == (3, "exited", 8)
    record = records.get(job.id, service="shop")
    assert record is not None
    assert (record.state, record.ending, record.identity) == ("failed", ending, "shop-operator")
    past = records.past(record)
    assert past is not None
    assert all_of(past) == {"stdout": "one\n", "stderr": "two\n"}


def test_what_is_written_is_seen_soon_and_without_a_second_write(begin: Begin) -> None:
    """Small writes are gathered; the last one before a pause must not wait for the next."""
    command = Written()
    job = begin(command.started)
    offset, seen_s = 0, []
    for number in range(20):
        began = time.monotonic()
        command.write(f"{number}\n".encode())
        text = ""
        while text != f"{number}\n":
            for at, record in job.read(offset, limit=16, wait_s=1):
                offset, text = at + 1, text + unpacked(record)[1]
        seen_s.append(time.monotonic() - began)
    assert sorted(seen_s)[10] < 0.5


def test_who_looks_without_waiting_sees_what_was_written(begin: Begin) -> None:
    command = Written()
    job = begin(command.started)
    for number in range(3):
        command.write(b"%d" % number)
        until(lambda number=number: command.taken == number + 1)
    until(lambda: "".join(unpacked(record)[1] for _, record in job.read(0, limit=16, wait_s=0)) == "012")


def test_exactly_so_many_bytes_are_delivered_and_then_it_is_ended(begin: Begin) -> None:
    command = Written(Output("stdout", b"x" * 1000) for _ in range(200))
    job = begin(command.started, limit_bytes=123_456)
    assert len(all_of(job)["stdout"]) == 123_456
    assert job.ending is not None
    assert (job.ending.reason, job.ending.bytes) == ("output-limit", 123_456)
    assert job.ending.sentence == "The command was ended after 123,456 bytes of output: it may not write more."
    assert command.closed.is_set()


def test_one_that_writes_exactly_what_it_may_is_not_ended(begin: Begin) -> None:
    job = begin(Written([Output("stdout", b"x" * 1000), Exit(code=0)]).started, limit_bytes=1000)
    assert len(all_of(job)["stdout"]) == 1000
    assert job.ending is not None
    assert (job.ending.reason, job.ending.exit_code) == ("exited", 0)


def test_it_waits_for_no_reader_and_all_of_it_is_read_afterwards(begin: Begin) -> None:
    data = os.urandom(4096)
    job = begin(Written([*(Output("stdout", data) for _ in range(2000)), Exit(code=0)]).started)
    until(lambda: job.ended)
    read = b"".join(record[1:] for record in records_of(job))
    assert read == (data * 2000)[:LIMIT_BYTES]


def test_it_is_ended_when_its_time_is_over(begin: Begin, records: CommandRecords) -> None:
    command = Written([Output("stdout", b"still here\n")])
    job = begin(command.started, seconds=0.5)
    assert all_of(job)["stdout"] == "still here\n"
    assert job.ending is not None
    assert job.ending.reason == "timeout"
    assert job.ending.sentence == "The command was ended after 0.5 seconds: it may not take longer."
    assert 500 <= job.ending.duration_ms < 5000
    until(lambda: stored(records, job).state == "stopped")


def test_one_that_stops_it_is_named_and_the_first_to_say_so_counts(begin: Begin) -> None:
    job = begin(Written(code_when_closed=143).started)
    ending = job.end_by("alice")
    assert ending is not None
    assert (ending.reason, ending.exit_code, ending.sentence) == ("stopped", 143, "alice stopped the command.")
    assert job.end_by("bob") == ending
    job.forbid()
    assert job.ending == ending


def test_one_whose_right_has_ended_ends_and_says_so(commands: CommandJobs) -> None:
    access, command = access_of("eve"), Written()
    with commands.slot("a", owner="eve", service="shop"):
        record = commands.records.begin(typed(), command_id="a")
        job = commands.start(command.started, record=record, hold=lambda: access, limits=Limits(600, 1000))
    began = time.monotonic()
    access.ended = Ended(word="role-lowered", detail="", sentence="", hint="")
    access.tell(access.ended)
    all_of(job)
    assert time.monotonic() - began < 5
    assert command.closed.is_set()
    assert job.ending is not None
    assert job.ending.reason == "stopped"
    assert job.ending.sentence == "The sign-in or the right that began this has ended."


def test_a_right_that_ended_while_it_was_opened_ends_it_as_well(commands: CommandJobs) -> None:
    access, command = access_of("eve"), Written()
    access.ended = Ended(word="role-lowered", detail="", sentence="", hint="")
    with commands.slot("a", owner="eve", service="shop"):
        record = commands.records.begin(typed(), command_id="a")
        job = commands.start(command.started, record=record, hold=lambda: access, limits=Limits(600, 1000))
    until(lambda: job.ended)
    assert command.closed.is_set()


class Deaf(Written):
    """A command that does not end when it is told to: its host does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def close(self) -> None:
        self.let_go.wait(60)
        super().close()


def test_one_that_cannot_be_ended_is_told_of_as_lost(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "FORBIDDEN_WAIT_S", 0.3)
    command = Deaf()
    try:
        job = begin(command.started)
        job.forbid()
        until(lambda: job.ending)
        assert job.ending is not None
        assert job.ending.reason == "lost"
        assert "nobody confirms that it is gone" in job.ending.sentence
    finally:
        command.let_go.set()


class Raising:
    """A command whose stream breaks after its first words."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[Output | Exit]:
        yield Output("stdout", b"so far\n")
        raise self._error

    def close(self) -> None:
        self.closed.set()

    def started(self) -> Started:
        return Started(stream=self, identity="")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Unavailable("The API server does not answer."), "The API server does not answer."),
        (Unreachable("The line was cut.", hint=""), "The line was cut."),
        (ZeroDivisionError("a bug"), "Something went wrong inside opsmodal."),
    ],
)
def test_a_stream_that_breaks_is_lost_with_what_it_said(begin: Begin, error: Exception, sentence: str) -> None:
    stream = Raising(error)
    job = begin(stream.started)
    assert all_of(job)["stdout"] == "so far\n"
    assert job.ending is not None
    assert (job.ending.reason, job.ending.sentence) == ("lost", sentence)
    assert not job.is_way_lost, "nobody said so"
    assert stream.closed.is_set()


def test_one_that_ends_without_a_word_is_lost(begin: Begin) -> None:
    command = Written()
    job = begin(command.started)
    command.close()
    until(lambda: job.ending)
    assert job.ending is not None
    assert job.ending.reason == "lost"


@pytest.mark.parametrize(
    ("told", "reason", "sentence"),
    [
        (Exit(code=0), "exited", "The command has ended."),
        (Exit(code=None), "exited", "The command has ended."),
        (Exit(code=2), "exited", "The command ended with exit code 2."),
        (Exit(code=137, sentence="It was ended by SIGKILL."), "exited", "It was ended by SIGKILL."),
        (
            Exit(code=None, reason=Over.TIMEOUT),
            "timeout",
            "The command was ended after 10 minutes: it may not take longer.",
        ),
        (Exit(code=None, reason=Over.LOST), "lost", "The way to the command was lost: what it has done is not known."),
    ],
)
def test_how_a_runtime_ends_it_is_said(begin: Begin, told: Exit, reason: str, sentence: str) -> None:
    job = begin(Written([told]).started)
    until(lambda: job.ending)
    assert job.ending is not None
    assert (job.ending.reason, job.ending.sentence) == (reason, sentence)
    assert job.is_way_lost == (told.reason is Over.LOST)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    data=st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(max_size=20).map(str.encode)), max_size=20),
    offset=st.integers(0, 45),
)
def test_who_attaches_anywhere_gets_what_everybody_gets_from_there(
    begin: Begin, data: list[tuple[Literal["stdout", "stderr"], bytes]], offset: int
) -> None:
    command = Written()
    job = begin(command.started)
    for source, part in data:
        command.write(part, source)
        time.sleep(0.001)
    command.exit(0)
    first = records_of(job)
    assert records_of(job, offset) == first[offset:]
    assert all_of(job)["stdout"].encode() == b"".join(part for source, part in data if source == "stdout")


def records_of(job: CommandJob, offset: int = 0) -> list[bytes]:
    """Read a command's pieces to its end."""
    found: list[bytes] = []
    deadline = time.monotonic() + DEADLINE_S
    while True:
        ending = job.ending
        pieces = job.read(offset + len(found), limit=7, wait_s=1)
        found += [record for _, record in pieces]
        if ending is not None and not pieces:
            return found
        assert time.monotonic() < deadline


def stored(records: CommandRecords, job: CommandJob) -> Record:
    record = records.get(job.id, service="shop")
    assert record is not None
    return record
