"""How old a list is follows the time that has passed, whatever is done to the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runtimes import standing
from runtimes.errors import Unavailable
from runtimes.standing import Standing

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Clocks:
    """Both clocks of a machine: one can be set, the other only passes."""

    def __init__(self) -> None:
        self.passed_s = 1_000.0
        self.set_by = timedelta()

    def now(self, _: object) -> datetime:
        return START + timedelta(seconds=self.passed_s) + self.set_by

    def monotonic(self) -> float:
        return self.passed_s


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()

    class Told(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # only ever asked for UTC
            return made.now(tz)

    monkeypatch.setattr(standing, "datetime", Told)
    monkeypatch.setattr(standing, "monotonic", made.monotonic)
    return made


@pytest.mark.parametrize("set_by", [timedelta(), timedelta(days=400), timedelta(hours=-30), timedelta(minutes=1)])
def test_the_age_of_what_is_stale_is_the_time_that_passed(clocks: Clocks, set_by: timedelta) -> None:
    known = Standing()
    known.know()
    known.lose(Unavailable("It is gone."), refused=False)
    clocks.passed_s += 90
    clocks.set_by = set_by
    as_of, stale, _ = known.told()
    assert stale
    assert clocks.now(None) - as_of == timedelta(seconds=90)


def test_the_age_stays_the_same_moment_while_nobody_sets_the_clock(clocks: Clocks) -> None:
    known = Standing()
    known.know()
    known.lose(Unavailable("It is gone."), refused=False)
    first = known.told()
    clocks.passed_s += 3_600
    assert known.told() == first


@pytest.mark.parametrize("set_by", [timedelta(days=400), timedelta(days=-400)])
def test_a_cut_is_told_after_its_grace_whatever_the_clock_says(clocks: Clocks, set_by: timedelta) -> None:
    known = Standing()
    known.know()
    known.join()
    known.leave()
    clocks.set_by = set_by
    assert not known.told()[1]
    clocks.passed_s += standing.GRACE_S + 0.1
    assert known.told()[1]
