"""A process that runs commands, and its records."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsmodal.commands.job import CommandJob, Limits
from opsmodal.commands.jobs import CommandJobs
from opsmodal.commands.record import Typed
from opsmodal.commands.records import CommandRecords
from opsmodal.guard.world import Mode
from opsmodal.holder import new_job
from opsmodal.jobs import Jobs, Worker
from opsmodal.store import Store, Vault
from runtimes.commands import Started
from tests.unit.opsmodal.commands.streams import access_of

LIMIT_BYTES = 5_000_000
Begin = Callable[..., CommandJob]


def typed(line: str = "kubectl get pods -w", *, person: str = "eve", service: str = "shop") -> Typed:
    return Typed(
        person=person,
        service=service,
        runtime="prod",
        mode=Mode.STREAMING,
        line=line,
        verdict="allow",
        rule="kubectl-read",
        connection="lan",
    )


@pytest.fixture
def records(store: Store, vault: Vault) -> Iterator[CommandRecords]:
    records = CommandRecords(store, vault)
    yield records
    records.close()


@pytest.fixture
def commands(store: Store, records: CommandRecords, tmp_path: Path) -> Iterator[CommandJobs]:
    """Give the commands of a process."""
    jobs = CommandJobs(
        tmp_path / "streams", records=records, most=3, limit_bytes_max=LIMIT_BYTES, jobs=Jobs(store, Worker())
    )
    yield jobs
    jobs.close()


@pytest.fixture
def begin(commands: CommandJobs) -> Begin:
    return functools.partial(begun, commands)


def begun(
    commands: CommandJobs,
    open_stream: Callable[[], Started],
    *,
    owner: str = "eve",
    seconds: float = 600.0,
    limit_bytes: int = LIMIT_BYTES,
    done: Callable[[CommandJob], None] = lambda _: None,
) -> CommandJob:
    """Take a slot, write it down and begin, as operations do."""
    command_id = new_job()
    with commands.slot(command_id, owner=owner, service="shop"):
        record = commands.records.begin(typed(person=owner), command_id=command_id)
        hold = functools.partial(access_of, owner)
        limits = Limits(seconds, limit_bytes)
        return commands.start(open_stream, record=record, hold=hold, limits=limits, done=done)
