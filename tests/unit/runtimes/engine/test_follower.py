from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from runtimes.base import LogLine, LogQuery, Scope
from runtimes.engine import follower
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.follower import Follower
from runtimes.lines import Position
from tests.unit.runtimes.engine.made import container, row

START = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = Scope(service="s", containers=("web",))


def line(second: int) -> LogLine:
    at = START + timedelta(seconds=second)
    return LogLine(
        at=at,
        nanoseconds=int(at.timestamp()) * 10**9,
        instance="web",
        container="web",
        stream="stdout",
        text=f"line {second}",
    )


class Written:
    """A log that holds lines; opened with a tail and a since, as an engine's is."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.lines: list[LogLine] = []
        self.asked: list[tuple[int | None, datetime | None]] = []

    def listed(self, scope: Scope) -> list[Row]:
        return self.rows

    def one(self, scope: Scope, wanted: str) -> Inspected:
        return container()

    def open(self, container: Inspected, *, tail: int | None, since: datetime | None, following: bool) -> Given:
        self.asked.append((tail, since))
        found = [each for each in self.lines if since is None or (each.at and each.at >= since)]
        return Given(found if tail is None else found[-tail:])


class Given:
    def __init__(self, lines: list[LogLine]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[LogLine]:
        return iter(self._lines)

    def close(self) -> None:
        """Nothing is held."""


def inspected(found: Row, policy: str = "always") -> Inspected:
    return container(Id=found.id, HostConfig={"RestartPolicy": {"Name": policy}})


def read(made: Follower, position: Position) -> list[str]:
    (opener,) = made.sources().values()
    position.resume()
    return [each.text for each in opener(position) if position.fresh(each)]


def test_a_container_that_comes_back_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Written([row("web", State="running")])
    log.lines = [line(1), line(2), line(3)]
    made = Follower(log, SCOPE, LogQuery(tail=2), first=[inspected(log.rows[0])])
    assert read(made, Position()) == ["line 2", "line 3"]
    log.lines += [line(3), line(9)]
    assert read(made, Position()) == ["line 3", "line 9"]


def test_a_cut_is_resumed_from_the_position_without_the_tail() -> None:
    log = Written([row("web", State="running")])
    log.lines = [line(1), line(2)]
    made, position = Follower(log, SCOPE, LogQuery(tail=1), first=[inspected(log.rows[0])]), Position()
    assert read(made, position) == ["line 2"]
    log.lines += [line(5), line(6)]
    assert read(made, position) == ["line 5", "line 6"]
    assert [tail for tail, _ in log.asked] == [1, None]


def test_a_new_container_is_given_whole() -> None:
    log = Written([])
    made = Follower(log, SCOPE, LogQuery(tail=1, since=START), first=[])
    assert made.sources() == {}
    log.rows = [row("web-2", State="running")]
    read(made, Position())
    assert log.asked == [(None, None)]


def test_one_that_stopped_is_left_after_a_while_and_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(follower, "monotonic", lambda: now)
    log = Written([row("web", State="exited")])
    made = Follower(log, SCOPE, LogQuery(), first=[inspected(log.rows[0])])
    first = made.sources()
    assert first
    now += follower.LINGER_S + 1
    assert not made.sources()
    log.rows = [row("web", State="running")]
    assert made.sources() == first


def test_one_that_does_not_come_back_is_read_once_more_and_then_left() -> None:
    log = Written([row("web", State="exited")])
    made = Follower(log, SCOPE, LogQuery(), first=[inspected(log.rows[0], policy="no")])
    assert made.sources()
    assert not made.sources()


def test_a_follow_of_one_container_does_not_take_up_others() -> None:
    log = Written([row("web", State="running"), row("db", State="running")])
    made = Follower(log, SCOPE, LogQuery(instance="web"), first=[inspected(log.rows[0])])
    assert [name for name, _ in made.sources()] == ["web"]


def test_a_removed_container_is_forgotten() -> None:
    log = Written([row("web", State="running")])
    made = Follower(log, SCOPE, LogQuery(), first=[inspected(log.rows[0])])
    (before,) = made.sources().values()
    log.rows = []
    assert made.sources() == {}
    log.rows = [row("web", State="running")]
    (after,) = made.sources().values()
    assert after != before
