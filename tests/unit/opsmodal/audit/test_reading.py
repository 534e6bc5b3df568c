"""A look into a large log reads a bounded part of it, and looking on and on finds every row exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from opsmodal.audit import Audit, Row, reading
from opsmodal.audit.heads import Signer
from opsmodal.audit.reading import AuditLog, EntryQuery, Found
from opsmodal.permissions import Actor
from opsmodal.store import Store, open_store, open_vault

BEGIN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
REFUSALS = 60


class Clock:
    """A clock that is set back by an hour in the middle."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> datetime:
        self.calls += 1
        return BEGIN + timedelta(minutes=self.calls - (60 if self.calls > REFUSALS // 2 else 0))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a log of refusals; every seventh target has the word, in one case or the other."""
    folder = tmp_path_factory.mktemp("log")
    opened = open_store(f"sqlite:///{folder / 'opsmodal.db'}")
    audit = Audit(opened, Signer(open_vault(opened, data_dir=folder)), now=Clock())
    for number in range(REFUSALS):
        word = ("needle", "NEEDLE")[number % 2] if number % 7 == 0 else "web"
        row = Row(actor=Actor(name=f"user{number % 3}"), action="instance.delete", target=f"{word}-{number}")
        audit.refused(row, rule="needs manage")
    yield opened
    opened.close()


def followed(log: AuditLog, *, limit: int, **wanted: str) -> list[Found]:
    """Look on until there is nothing older."""
    found = [log.find(EntryQuery(limit=limit, **wanted))]
    while found[-1].next is not None:
        found.append(log.find(EntryQuery(limit=limit, before=found[-1].next, **wanted)))
        assert len(found) <= REFUSALS * 2, "it goes in circles"
    return found


@pytest.mark.parametrize("part", [1, 3, 10, REFUSALS - 1, REFUSALS, REFUSALS * 2])
@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("wanted", [{}, {"actor": "user1"}, {"search": "needle"}, {"search": "needle user1"}])
def test_looking_on_finds_every_row_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, part: int, limit: int, wanted: dict[str, str]
) -> None:
    monkeypatch.setattr(reading, "SEARCHED_MAX", part)
    seen = [entry.id for found in followed(AuditLog(store), limit=limit, **wanted) for entry in found.entries]
    words = wanted.get("search", "").split()
    expected = [
        number + 1
        for number in range(REFUSALS)
        if ("needle" not in words or number % 7 == 0) and ("user1" not in str(wanted) or number % 3 == 1)
    ]
    assert seen == expected[::-1]


def test_a_look_for_a_text_says_how_far_back_it_went(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SEARCHED_MAX", 2)
    found = AuditLog(store).find(EntryQuery(search="nothing"))
    assert (found.entries, found.total) == ((), 0)
    assert found.next is not None
    assert found.searched_since is not None
    monkeypatch.setattr(reading, "SEARCHED_MAX", REFUSALS)
    found = AuditLog(store).find(EntryQuery(search="nothing"))
    assert (found.next, found.searched_since) == (None, None)


@pytest.mark.parametrize("minutes", [-100, -20, 0, 5, 29, 31, 59, 100])
def test_a_time_is_kept_to_also_where_the_clock_was_set_back(store: Store, minutes: int) -> None:
    at = BEGIN + timedelta(minutes=minutes)
    log, everything = AuditLog(store), AuditLog(store).find(EntryQuery(limit=1000)).entries
    assert len(everything) == REFUSALS
    later = log.find(EntryQuery(since=at, limit=1000))
    earlier = log.find(EntryQuery(until=at, limit=1000))
    assert [each.id for each in later.entries] == [each.id for each in everything if each.at >= at]
    assert [each.id for each in earlier.entries] == [each.id for each in everything if each.at < at]
    assert later.total + earlier.total == REFUSALS
