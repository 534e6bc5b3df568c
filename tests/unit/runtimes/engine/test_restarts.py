from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.engine import restarts
from runtimes.engine.restarts import Restarts

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("looks", "recent"),
    [
        ([(0, 7)], 0),
        ([(0, 0), (1, 3)], 3),
        ([(0, 7), (1, 8), (2, 9), (3, 10)], 3),
        ([(0, 7), (5, 8), (12, 9)], 2),
        ([(0, 7), (5, 8), (16, 8)], 0),
        ([(0, 7), (5, 8), (14, 10)], 3),
        ([(0, 7), (5, 7), (16, 7)], 0),
        ([(0, 7), (1, 9), (2, 0)], 0),
        ([(0, 7), (1, 0), (2, 3)], 3),
        ([(0, 7), (1, 9), (1, 8), (2, 10)], 3),
    ],
)
def test_only_restarts_within_the_window_count(looks: list[tuple[float, int]], recent: int) -> None:
    known = Restarts()
    answers = [known.recent("a", count, after(minute)) for minute, count in looks]
    assert answers[-1] == recent


def test_what_happened_before_the_first_look_comes_from_the_engines_events() -> None:
    known = Restarts()
    known.fill("a", 40, [after(minute) for minute in (-9, -6, -3)], START)
    assert known.recent("a", 40, START) == 3
    assert known.recent("a", 40, after(2)) == 2
    assert known.recent("a", 41, after(2)) == 3


def test_what_was_read_a_while_ago_takes_nothing_back() -> None:
    """A list is read once and shown often, while a container that crashes is read again and again."""
    known = Restarts()
    known.fill("a", 3, [after(minute) for minute in (-3, -2, -1)], START)
    assert known.recent("a", 9, after(1)) == 9
    assert known.known("a", 3, after(1)) == 3
    assert known.recent("a", 9, after(1)) == 9
    assert known.known("b", 3, after(1)) == 0


def test_deaths_by_hand_are_no_restarts() -> None:
    known = Restarts()
    known.fill("a", 0, [after(-1)] * 5, START)
    assert known.recent("a", 0, START) == 0


def test_a_container_that_nobody_looked_at_for_long_is_unknown_again() -> None:
    known = Restarts()
    assert not known.knows("a", START)
    known.recent("a", 3, START)
    assert known.knows("a", after(9))
    assert not known.knows("a", after(10))


def test_the_memory_is_bounded_and_forgets_the_oldest_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "CONTAINERS_MAX", 3)
    known = Restarts()
    for name in ("a", "b", "c", "a", "d"):
        known.recent(name, 1, START)
    assert [name for name in "abcd" if known.knows(name, START)] == ["a", "c", "d"]


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 500)), max_size=80))
def test_recent_is_never_negative_and_never_more_than_all(looks: list[tuple[float, int]]) -> None:
    known = Restarts()
    minute = 0.0
    for pause, count in looks:
        minute += pause
        assert 0 <= known.recent("a", count, after(minute)) <= count
