"""The journal of updates: one at a time a container, one worker at a time an update, and none forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opsmodal.store import Store
from opsmodal.updates import STILL_AFTER, UpdateJournal, Written
from runtimes.errors import Conflict
from runtimes.updates import Superseded, Update


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(store: Store, clock: Clock) -> UpdateJournal:
    return UpdateJournal(store, now=clock)


def made(number: int, name: str = "web") -> Update:
    return Update(id=f"{number:08x}", name=name, old=f"old-{number}", image="web:2")


def begun(journal: UpdateJournal, number: int, name: str = "web", runtime: str = "edge") -> Written:
    return journal.open(made(number, name), runtime=runtime, service="shop", person="al")


def through(journal: UpdateJournal, held: Written, *, why: str = "") -> None:
    changed = Update(id=held.update.id, name="web", old=held.update.old, image="web:2", stage="over", why=why)
    journal.save(held, changed)


def test_a_container_is_updated_once_at_a_time(journal: UpdateJournal) -> None:
    held = begun(journal, 1)
    with pytest.raises(Conflict, match="updated already"):
        begun(journal, 2)
    begun(journal, 3, name="db")
    begun(journal, 4, runtime="other")
    through(journal, held)
    begun(journal, 5)


def test_what_an_update_kept_is_known_to_the_next_one_and_what_was_undone_is_not(journal: UpdateJournal) -> None:
    assert begun(journal, 9, name="db").update.before == ""
    through(journal, begun(journal, 1))
    second = begun(journal, 2)
    assert second.update.before == "old-1"
    through(journal, second, why="it ended with 1")
    assert begun(journal, 3).update.before == "old-1"


def test_one_that_stands_still_is_found_and_taken_by_one(journal: UpdateJournal, clock: Clock) -> None:
    held = begun(journal, 1)
    journal.save(held, Update(id=held.update.id, name="web", old="old-1", image="web:2", stage="stopping", new="n"))
    assert journal.still() == ()
    clock.now += STILL_AFTER
    (found,) = journal.still()
    assert (found.update.stage, found.update.new, found.service, found.person) == ("stopping", "n", "shop", "al")
    taken = journal.take(found)
    assert taken is not None
    assert journal.take(found) is None, "somebody else was first"
    assert journal.still() == ()
    with pytest.raises(Superseded):
        journal.save(held, held.update)
    through(journal, taken)
    clock.now += STILL_AFTER
    assert journal.still() == ()


def test_one_that_goes_on_is_left_alone(journal: UpdateJournal, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsmodal.updates.BEAT_S", 0.01)
    held = begun(journal, 1)
    clock.now += STILL_AFTER
    with journal.beating(held):
        for _ in range(500):
            if not journal.still():
                break
    assert journal.still() == ()


def test_what_is_over_is_never_written_again(journal: UpdateJournal) -> None:
    held = begun(journal, 1)
    through(journal, held)
    with pytest.raises(Superseded):
        journal.save(held, held.update)
