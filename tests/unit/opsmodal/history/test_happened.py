"""Events are one row each however often and in whichever order they are told; a week of them is kept, and bounded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsmodal.history import happened as happened_module
from opsmodal.history.happened import Happened, changes
from opsmodal.store import Store
from runtimes.history import Report, Version
from tests.unit.opsmodal.history.reports import NOON, report


def read(happened: Happened, service: str = "shop") -> list[Report]:
    return happened.read(service, since=None, until=None)


def test_what_is_written_is_read_newest_first(store: Store) -> None:
    happened = Happened(store)
    told = [report(str(minute), minute=minute, about="restart", kind="Warning") for minute in range(5)]
    happened.write(told)
    assert read(happened) == told[::-1]
    assert read(happened, "other") == []


def test_only_a_span_is_read(store: Store) -> None:
    happened = Happened(store)
    happened.write([report(str(minute), minute=minute) for minute in range(10)])
    found = happened.read("shop", since=NOON + timedelta(minutes=3), until=NOON + timedelta(minutes=6))
    assert [each.last_at.minute for each in found] == [5, 4, 3]


def test_the_same_thing_again_is_the_same_row(store: Store) -> None:
    happened = Happened(store)
    happened.write([report(minute=1, count=2, message="second")])
    happened.write([report(minute=9, count=7, message="seventh")])
    happened.write([report(minute=1, count=2, message="second")])
    (only,) = read(happened)
    assert (only.count, only.message, only.first_at.minute, only.last_at.minute) == (7, "seventh", 1, 9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(order=st.permutations(range(6)))
def test_whichever_order_it_is_told_in_it_comes_to_the_same(store: Store, order: list[int]) -> None:
    happened = Happened(store)
    key = "-".join(map(str, order))
    told = [report(key, minute=minute, count=minute + 1, message=f"{minute + 1} times") for minute in range(6)]
    for place in order:
        happened.write([told[place]])
    (only,) = [each for each in read(happened) if each.key == key]
    assert (only.count, only.message, only.first_at.minute, only.last_at.minute) == (6, "6 times", 0, 5)


def test_text_that_a_database_would_refuse_is_written(store: Store) -> None:
    happened = Happened(store)
    happened.write([report(message="before\0after" * 500, subject="pod/" + "x" * 500, reason="y" * 400)])
    (only,) = read(happened)
    assert only.message.startswith("beforeafter")
    assert len(only.message) <= happened_module.MESSAGE_MAX_CHARS


def test_a_week_is_kept_and_saturday_is_there_on_monday(store: Store) -> None:
    happened = Happened(store)
    happened.write([report("saturday"), report("old", minute=-9 * 24 * 60)])
    happened.sweep({"shop"}, NOON + timedelta(days=2))
    assert [each.key for each in read(happened)] == ["saturday"]


def test_a_busy_service_keeps_its_latest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happened_module, "ROWS_MAX", 10)
    happened = Happened(store)
    happened.write([report(str(minute), minute=minute) for minute in range(30)])
    happened.write([report("1", service="quiet")])
    happened.sweep({"shop", "quiet"}, NOON)
    assert [each.last_at.minute for each in happened.read("shop", since=None, until=None)] == list(range(29, 19, -1))
    assert len(read(happened, "quiet")) == 1


def test_nothing_is_left_of_a_service_that_is_gone(store: Store) -> None:
    happened = Happened(store)
    happened.write([report()])
    happened.note_versions({"shop": [Version(workload="deployment/web", revision="1", images=("a:1",))]}, NOON)
    happened.sweep(set(), NOON)
    assert read(happened) == []
    happened.note_versions({"shop": [Version(workload="deployment/web", revision="2", images=("a:2",))]}, NOON)
    assert read(happened) == [], "what is seen first is no change"


def test_a_change_of_version_is_told_once_also_when_it_was_made_while_nobody_collected(store: Store) -> None:
    first, second = (Version(workload="deployment/web", revision=str(n), images=(f"shop:{n}",)) for n in (1, 2))
    Happened(store).note_versions({"shop": [first]}, NOON)
    assert read(Happened(store)) == []
    for _ in range(3):
        Happened(store).note_versions({"shop": [second]}, NOON + timedelta(hours=1))
    (only,) = read(Happened(store))
    assert (only.about, only.subject) == ("version", "deployment/web")
    assert only.message == "image shop:1 → shop:2; revision 1 → 2"


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        ({"revision": "1", "images": ["a:1"]}, ("2", ("a:1",)), "revision 1 → 2"),
        ({"revision": "", "images": ["a:1", "b:1"]}, ("", ("a:1", "b:2")), "image b:1 → b:2"),
        ({"revision": "", "images": ["a:1"]}, ("", ("a:1", "b:1")), "image none → b:1"),
        ({"revision": "1", "images": ["a:1"]}, ("1", ("a:1",)), None),
        (None, ("1", ("a:1",)), None),
    ],
)
def test_a_change_says_what_differs(
    before: dict[str, object] | None, now: tuple[str, tuple[str, ...]], message: str | None
) -> None:
    known = {} if before is None else {"deployment/web": before}
    version = Version(workload="deployment/web", revision=now[0], images=now[1])
    assert [each.message for each in changes("shop", known, [version], NOON)] == ([] if message is None else [message])
