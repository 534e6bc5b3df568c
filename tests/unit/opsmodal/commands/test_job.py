"""A streaming command: what it writes is read by anybody from anywhere, whole, and its end is told once and for all."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.base import Exit, Output
from opsmodal.commands.job import CommandJob, Readable
from opsmodal.commands.pieces import unpacked
from opsmodal.commands.records import CommandRecords
from tests.unit.opsmodal.commands.conftest import Begin
from tests.unit.opsmodal.commands.streams import Written

DEADLINE_S = 30.0


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
