"""What is heard waits, merged and bounded, until it is written once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opsmodal.history.journal import Journal
from tests.unit.opsmodal.history.reports import report


def test_the_latest_of_the_same_thing_waits() -> None:
    journal = Journal()
    journal.add(report(minute=1, count=2))
    journal.add(report(minute=0, count=1))
    assert [each.count for each in journal.take()] == [2]
    assert journal.take() == []


def test_what_is_in_the_store_is_not_written_again() -> None:
    journal = Journal()
    journal.wrote([report(count=3)])
    journal.add(report(count=3))
    assert journal.take() == []
    journal.add(report(count=4))
    assert [each.count for each in journal.take()] == [4]


def test_what_could_not_be_written_comes_back_and_gives_way_to_what_is_newer() -> None:
    journal = Journal()
    journal.add(report("a", minute=0))
    journal.add(report("b", minute=0))
    taken = journal.take()
    journal.add(report("a", minute=5))
    journal.back(taken)
    assert {(each.key, each.last_at.minute) for each in journal.take()} == {("a", 5), ("b", 0)}


def test_a_service_that_is_forgotten_may_be_told_again() -> None:
    journal = Journal()
    journal.wrote([report()])
    journal.add(report("b"))
    journal.forget(["shop"])
    assert journal.take() == []
    journal.add(report())
    assert len(journal.take()) == 1


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["Normal", "Warning"])), max_size=80))
def test_it_never_holds_more_than_it_may_and_keeps_warnings_longest(told: list[tuple[int, str]]) -> None:
    journal = Journal(pending_max=10)
    for minute, (key, kind) in enumerate(told):
        journal.add(report(f"{kind}-{key}", minute=minute, kind=kind))
    taken = journal.take()
    assert len(taken) <= 10
    warnings = {f"Warning-{key}" for key, kind in told if kind == "Warning"}
    kept = {each.key for each in taken if each.kind == "Warning"}
    assert len(warnings) > 10 or kept == warnings
    assert (journal.dropped > 0) == (len({f"{kind}-{key}" for key, kind in told}) > 10)
