from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtimes.engine import alarms
from runtimes.engine.alarms import Alarms
from runtimes.engine.answers import EngineEvent
from runtimes.errors import Unavailable
from tests.unit.runtimes.engine.made import event


class Told:
    """Events as an engine tells them; counts how often it was asked."""

    def __init__(self, *events: EngineEvent) -> None:
        self.events: Sequence[EngineEvent] = events
        self.asked = 0
        self.down = False

    def of(self, containers: Sequence[str], **_: Any) -> Sequence[EngineEvent]:
        self.asked += 1
        if self.down:
            raise Unavailable("It is down.")
        return [each for each in self.events if each.actor.id in containers]


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(alarms, "monotonic", lambda: self.now_s)


def death(container: str, *, ago: timedelta = timedelta(minutes=1)) -> EngineEvent:
    at = datetime.now(UTC) - ago
    return event("die", seconds=int(at.timestamp()), id_=container, name=container, exitCode="3")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_an_engine_that_told_nothing_new_is_not_asked_again(clock: Clock) -> None:
    told, heard = Told(death("a")), [1]
    kept = Alarms(told, heard=lambda: heard[0])  # type: ignore[arg-type]  # an engine of the test's own
    for _ in range(5):
        assert [each.reason for each in kept.read("s", ["a"])] == ["die"]
        clock.now_s += alarms.FRESH_S
    assert told.asked == 1
    heard[0] += 1
    kept.read("s", ["a"])
    assert told.asked == 2


@pytest.mark.parametrize(
    ("later_s", "news", "containers", "asked"),
    [
        (alarms.FRESH_S - 1, True, ["a"], 1),
        (alarms.FRESH_S, True, ["a"], 2),
        (alarms.LASTING_S - 1, False, ["a"], 1),
        (alarms.LASTING_S, False, ["a"], 2),
        (0.0, False, ["a", "b"], 2),
    ],
)
def test_it_is_asked_again_when_there_may_be_more(
    clock: Clock, later_s: float, news: bool, containers: list[str], asked: int
) -> None:
    told, heard = Told(death("a")), [1]
    kept = Alarms(told, heard=lambda: heard[0])  # type: ignore[arg-type]  # an engine of the test's own
    kept.read("s", ["a"])
    clock.now_s += later_s
    heard[0] += news
    kept.read("s", containers)
    assert told.asked == asked


@pytest.mark.usefixtures("clock")
def test_each_service_has_its_own_and_old_ones_go() -> None:
    told = Told(death("a"), death("b", ago=timedelta(minutes=61)))
    kept = Alarms(told, heard=lambda: 1)  # type: ignore[arg-type]  # an engine of the test's own
    assert [each.subject for each in kept.read("one", ["a"])] == ["container/a"]
    assert kept.read("two", ["b"]) == ()


def test_what_was_read_last_is_known_while_the_engine_is_silent(clock: Clock) -> None:
    told = Told(death("a"))
    kept = Alarms(told, heard=lambda: 1)  # type: ignore[arg-type]  # an engine of the test's own
    read = kept.read("s", ["a"])
    told.down = True
    clock.now_s += alarms.LASTING_S
    with pytest.raises(Unavailable):
        kept.read("s", ["a"])
    assert kept.known("s") == read
    assert kept.known("never read") == ()


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "SERVICES_MAX", 2)
    kept = Alarms(Told(death("a")), heard=lambda: 1)  # type: ignore[arg-type]  # an engine of the test's own
    for service in ("x", "y", "z"):
        kept.read(service, ["a"])
    assert [bool(kept.known(service)) for service in ("y", "z", "x")] == [True, True, False]
