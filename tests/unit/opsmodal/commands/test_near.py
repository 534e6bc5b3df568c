"""Commands that run in another worker of the host: read, watched and stopped from here, as if they ran here."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.base import Exit, Output
from opsmodal.commands.job import Closed
from opsmodal.commands.records import CommandRecords
from opsmodal.errors import NotThere, TooMany
from opsmodal.meter import Meter
from opsmodal.near import Near
from opsmodal.neighbours import AwayCommand
from opsmodal.settings import Settings
from opsmodal.store import Store, Vault
from tests.unit.opsmodal.commands.conftest import begun
from tests.unit.opsmodal.commands.streams import Written
from tests.unit.opsmodal.commands.test_job import all_of, stored, until

Worker = Callable[[], Near]


@pytest.fixture
def made(made_file: Path, tmp_path: Path) -> str:
    """Give a store of one kind: who runs what is the same on each."""
    (tmp_path / "data").mkdir()
    shutil.copy(made_file, tmp_path / "data/opsmodal.db")
    return f"sqlite:///{tmp_path}/data/opsmodal.db"


@pytest.fixture
def worker(store: Store, vault: Vault, tmp_path: Path) -> Iterator[Worker]:
    """Make workers of one host; they share a store and a data folder."""
    made: list[Near] = []

    def make() -> Near:
        settings = Settings(data_dir=tmp_path / "data", workers=2)
        near = Near(store, settings, CommandRecords(store, vault))
        near.begin(Meter())
        made.append(near)
        return near

    yield make
    for near in made:
        near.close()


def away(near: Near, command_id: str) -> AwayCommand:
    found = near.command(command_id, "shop")
    assert isinstance(found, AwayCommand)
    return found


def test_a_command_is_read_from_another_worker_while_it_runs_and_afterwards(worker: Worker) -> None:
    here, there = worker(), worker()
    command = Written([Output("stdout", "grün\n".encode()), Output("stderr", bytes(range(256)))])
    job = begun(there.commands, command.started)
    assert there.command(job.id, "shop") is job
    found = away(here, job.id)
    assert (found.began_at, found.ending) == (job.began_at, None)
    read: list[dict[str, str]] = []
    readers = [threading.Thread(target=lambda each=each: read.append(all_of(each))) for each in (found, job)]
    for reader in readers:
        reader.start()
    command.write(b"more\n")
    command.exit(4)
    for reader in readers:
        reader.join(30)
    assert read[0] == read[1] == all_of(away(here, job.id))
    assert found.ending == job.ending is not None


def test_five_megabytes_are_the_same_from_another_worker(worker: Worker) -> None:
    here, there = worker(), worker()
    block = bytes(range(256)) * 128
    job = begun(there.commands, Written([*(Output("stdout", block) for _ in range(200)), Exit(code=0)]).started)
    assert all_of(away(here, job.id)) == all_of(job)
    assert job.ending is not None
    assert job.ending.reason == "output-limit"


def test_a_command_is_stopped_from_another_worker(worker: Worker) -> None:
    here, there = worker(), worker()
    command = Written(code_when_closed=143)
    job = begun(there.commands, command.started)
    ending = away(here, job.id).end_by("alice")
    assert ending is not None
    assert (ending.reason, ending.sentence, ending.exit_code) == ("stopped", "alice stopped the command.", 143)
    assert command.closed.is_set()
    assert stored(here.commands.records, job).ending == ending


def test_the_bound_counts_every_worker(worker: Worker) -> None:
    workers = [worker(), worker()]
    for number in range(3):
        begun(workers[number % 2].commands, Written().started)
    for near in workers:
        with pytest.raises(TooMany):
            begun(near.commands, Written().started)


def test_a_command_of_another_service_is_not_found(worker: Worker) -> None:
    here, there = worker(), worker()
    job = begun(there.commands, Written().started)
    assert here.command(job.id, "blog") is None
    assert here.command("unknown", "shop") is None


def test_what_a_worker_has_given_up_is_read_from_its_record(worker: Worker) -> None:
    here, there = worker(), worker()
    job = begun(there.commands, Written([Output("stdout", b"once\n"), Exit(code=0)]).started)
    found = away(here, job.id)
    until(lambda: stored(here.commands.records, job).state == "done")
    there.close()
    with pytest.raises(Closed):
        found.read(0, limit=1, wait_s=0)
    with pytest.raises(NotThere, match="does not answer"):
        found.end_by("alice")
    assert here.command(job.id, "shop") is None
    past = here.commands.records.past(stored(here.commands.records, job))
    assert past is not None
    assert all_of(past)["stdout"] == "once\n"


def test_a_slow_reader_of_another_worker_hinders_neither(worker: Worker) -> None:
    here, there = worker(), worker()
    command = Written()
    job = begun(there.commands, command.started)
    slow = away(here, job.id)
    slow.read(0, limit=1, wait_s=0)
    began = time.monotonic()
    for _ in range(100):
        command.write(b"x" * 10_000)
    command.exit(0)
    until(lambda: job.ended)
    assert time.monotonic() - began < 10
    assert len(all_of(slow)["stdout"]) == 1_000_000


def test_a_server_that_runs_nothing_sweeps_what_is_kept(
    store: Store, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, swept = CommandRecords(store, vault), threading.Event()
    monkeypatch.setattr(records, "sweep", swept.set)
    near = Near(store, Settings(data_dir=tmp_path, workers=1), records)
    near.begin(Meter())
    assert swept.wait(20)
    near.close()
