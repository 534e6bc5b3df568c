"""However a one-shot command fails, its record has an end, and who is told of a lost way hears of lost ways only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.base import Ended, Exit, Output
from opsmodal import actions
from opsmodal.commands.record import Record
from opsmodal.commands.records import CommandRecords
from opsmodal.guard.verdict import Decision, Verdict
from opsmodal.guard.world import Mode
from opsmodal.operations.command_answers import CommandRequest, OneShotAnswer
from opsmodal.operations.command_oneshot import OneShot
from opsmodal.operations.command_passing import Passed, Passing
from opsmodal.operations.command_running import Running
from opsmodal.operations.guards import UNASKED
from opsmodal.operations.permits import Pass
from opsmodal.permissions import EVERYTHING, Actor
from opsmodal.registry.schema import ServiceSpec
from opsmodal.settings import Settings
from opsmodal.store import Store, Vault
from opsmodal.store.errors import Unusable
from runtimes.commands import Started
from runtimes.errors import Unavailable
from tests.unit.opsmodal.commands.streams import access_of

AL = Actor(name="al")
LEAVE = Pass(
    actor=AL, action=actions.COMMAND_RUN, service=ServiceSpec(name="shop", runtime="prod"), permissions=EVERYTHING
)
VERDICT = Verdict(decision=Decision.ALLOW, rule="kubectl-read", reason="", argv=("kubectl", "get", "pods"))
SETTINGS = Settings(data_dir=Path("/nowhere"))
REQUEST = CommandRequest(command="kubectl get pods", mode=Mode.ONESHOT)


@pytest.fixture
def records(store: Store, vault: Vault) -> CommandRecords:
    return CommandRecords(store, vault)


class LetThrough(Passing):
    """Lets everything through; what is written down is real."""

    def __init__(self, records: CommandRecords) -> None:
        super().__init__(None, None, None, records)  # type: ignore[arg-type]  # nobody asks them

    def let_through(self, actor: Actor, name: str, request: CommandRequest) -> Passed:
        judged: Any = SimpleNamespace(verdict=VERDICT, request=request, line=request.command, on_runtime=False)
        passed: Any = SimpleNamespace(leave=LEAVE, judged=judged, guards=(), id="a", hold=lambda _: access_of("al"))
        return passed  # type: ignore[no-any-return]

    @contextmanager
    def act(self, passed: Passed, **_more: Any) -> Iterator[Any]:
        yield SimpleNamespace(number=None)


class Fleet:
    """A fleet that notes which ways it is told of as lost."""

    def __init__(self, *items: Output | Exit, error: Exception | None = None) -> None:
        self.lost_ways: list[tuple[str, str]] = []
        self._items = items
        self._error = error

    def connection_in_use(self, _name: str, _over: str) -> str:
        return "lan"

    def lost(self, _name: str, way: str, sentence: str) -> None:
        self.lost_ways.append((way, sentence))

    def read(self, _name: str, _ask: Any, *, over: str) -> Started:
        return Started(stream=self, identity="ops")

    def __iter__(self) -> Iterator[Output | Exit]:
        yield from self._items
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Nothing is held."""


def run(records: CommandRecords, fleet: Fleet) -> OneShotAnswer:
    running = Running(fleet)  # type: ignore[arg-type]
    oneshot = OneShot(LetThrough(records), running, records, SETTINGS, watch=None)  # type: ignore[arg-type]
    return oneshot.run(AL, "shop", REQUEST, consent=UNASKED, is_gone=lambda: False)


def record_of(records: CommandRecords) -> Record:
    record = records.get("a", service="shop")
    assert record is not None
    assert record.ending is not None
    return record


def test_a_stream_that_breaks_leaves_its_record_lost_with_what_it_said(records: CommandRecords) -> None:
    fleet = Fleet(Output("stdout", b"so far\n"), error=Unavailable("The line was cut.", hint=""))
    answer = run(records, fleet)
    assert (answer.stdout, answer.exit_code, "The line was cut." in answer.notes) == ("so far\n", None, True)
    ending = record_of(records).ending
    assert ending is not None
    assert (ending.reason, ending.sentence) == ("lost", "The line was cut.")
    assert fleet.lost_ways == []


def test_a_mistake_of_ours_leaves_its_record_lost_as_well(records: CommandRecords) -> None:
    with pytest.raises(ZeroDivisionError):
        run(records, Fleet(error=ZeroDivisionError()))
    ending = record_of(records).ending
    assert ending is not None
    assert (ending.reason, ending.sentence.endswith("what the command has done is not known.")) == ("lost", True)


def test_the_fleet_hears_of_a_way_that_the_stream_says_is_lost(records: CommandRecords) -> None:
    fleet = Fleet(Exit(code=None, reason=Ended.LOST, sentence="The line was cut."))
    run(records, fleet)
    assert fleet.lost_ways == [("lan", "The line was cut.")]


def test_the_fleet_hears_nothing_where_nobody_knows_the_end(records: CommandRecords) -> None:
    fleet = Fleet()
    run(records, fleet)
    assert record_of(records).state == "lost"
    assert fleet.lost_ways == []


def test_a_command_that_the_disk_or_the_store_kept_from_beginning_is_not_left_running(records: CommandRecords) -> None:
    passing = LetThrough(records)
    passed = passing.let_through(AL, "shop", REQUEST)
    with (
        pytest.raises(Unusable, match="The disk is full"),
        passing.beginning(passed, connection="lan", audit_id=None),
    ):
        raise Unusable("The disk is full.")
    ending = record_of(records).ending
    assert ending is not None
    assert ending.sentence == "The disk is full."
