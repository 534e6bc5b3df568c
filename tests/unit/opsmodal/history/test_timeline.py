"""The timeline joins what runtimes report with what people did, and shows everybody only the words they may see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal import actions
from opsmodal.history.answers import TimelineEntry
from opsmodal.history.changes import changes, told
from opsmodal.history.timeline import counted, entry, joined, searched
from opsmodal.permissions import Action
from opsmodal.store import Store
from opsmodal.store.tables import AuditRow
from tests.unit.opsmodal.history.reports import NOON, report

TYPED = "kubectl get secret db -o yaml"


def row(number: int, entry: str, action: str = "instance.delete", **values: Any) -> AuditRow:
    plain: dict[str, Any] = {"actor": "alice", "service": "shop", "target": "pod/web-0", "outcome": "", "detail": ""}
    return AuditRow(**{**plain, "id": number, "entry": entry, "action": action, "at": NOON, **values})


def test_a_report_becomes_an_entry_of_its_kind() -> None:
    kinds = {about: entry(report(about=about)).kind for about in ("event", "restart", "version")}
    assert kinds == {"event": "event", "restart": "restart", "version": "rollout"}
    assert entry(report(kind="Warning")).warning
    assert entry(report(reason="NewVersion", about="version")).title == "New version"


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)))
def test_joined_is_all_of_it_newest_first(one: list[int], other: list[int]) -> None:
    sources = [[entry(report(str(minute), minute=minute)) for minute in minutes] for minutes in (one, other)]
    found = joined(*sources)
    assert sorted(each.at for each in found) == [each.at for each in found[::-1]]
    assert len(found) == len(one) + len(other)


@pytest.mark.parametrize(
    ("search", "hits"),
    [("", 2), ("web-0", 1), ("WEB back", 1), ("warning", 1), ("alice", 1), ("nothing", 0), ("web-0 alice", 0)],
)
def test_search_finds_every_word_wherever_it_stands(search: str, hits: int) -> None:
    event = entry(report(kind="Warning", reason="BackOff", subject="pod/web-0", message="Back-off restarting"))
    change = told([row(1, "outcome", intent_id=None, target="pod/db-0", outcome="done")], reader="al", manages=True)
    assert len(searched([event, *change], search)) == hits


def test_every_kind_is_counted_also_when_there_is_none() -> None:
    assert counted([entry(report()), entry(report(about="restart"))]) == {
        "event": 1,
        "restart": 1,
        "rollout": 0,
        "change": 0,
    }


def test_an_action_is_one_entry_at_the_moment_it_began() -> None:
    rows = [
        row(2, "outcome", intent_id=1, outcome="done", at=NOON + timedelta(minutes=1)),
        row(1, "intent", intent_id=None),
    ]
    (only,) = told(rows, reader="bob", manages=False)
    assert (only.at, only.actor, only.title, only.message) == (NOON, "alice", "Delete", "Done.")
    assert not only.warning


def test_the_last_outcome_of_an_action_stands_and_its_reason_is_told() -> None:
    rows = [
        row(3, "outcome", intent_id=1, outcome="done"),
        row(2, "outcome", intent_id=1, outcome="interrupted", detail="The process that ran this ended."),
        row(1, "intent", intent_id=None, reason="OPS-12", detail="server 0 1 2"),
    ]
    (only,) = told(rows, reader="bob", manages=True)
    assert (only.message, only.reason, only.warning) == ("Done.", "OPS-12", False)
    (only,) = told(rows[1:], reader="bob", manages=True)
    assert (only.message, only.warning) == ("Interrupted: nobody knows whether it was done.", True)
    (only,) = told(rows[2:], reader="bob", manages=True)
    assert only.message == "Not ended, or its end was not recorded."
    assert searched([only], "ops-12") == [only]


@pytest.mark.parametrize(
    ("reader", "manages", "seen"), [("bob", False, ""), ("bob", True, "why"), ("alice", False, "why")]
)
def test_the_reason_of_a_command_is_part_of_its_words(reader: str, manages: bool, seen: str) -> None:
    (only,) = told([row(1, "intent", "command.run", intent_id=None, reason="why")], reader=reader, manages=manages)
    assert only.reason == seen


def test_an_action_without_an_end_says_so() -> None:
    (only,) = told([row(1, "intent", intent_id=None)], reader="bob", manages=False)
    assert only.warning
    assert only.message == "Not ended, or its end was not recorded."


@pytest.mark.parametrize(
    ("reader", "manages", "seen"), [("bob", False, False), ("bob", True, True), ("alice", False, True)]
)
def test_the_words_of_a_command_are_its_senders_and_those_of_who_may_manage(
    reader: str, manages: bool, seen: bool
) -> None:
    failed = row(2, "outcome", "command.run", intent_id=1, target=TYPED, outcome="failed", detail="hunter2 leaked")
    (only,) = told([failed], reader=reader, manages=manages)
    text = f"{only.subject} {only.message}"
    assert (TYPED in text, "hunter2" in text) == (seen, seen)
    assert only.actor == "alice"


def test_what_people_did_is_read_of_this_service_alone(store: Store) -> None:
    rows = [
        row(1, "outcome", service="shop", target="pod/a", outcome="done"),
        row(2, "outcome", service="other", target="pod/a", outcome="done"),
        row(3, "outcome", "logs.download", outcome="done"),
        row(4, "outcome", "registry.change", service="", target="services/shop", outcome="done"),
        row(5, "outcome", "registry.change", service="", target="services/other", outcome="done"),
        row(6, "refusal", outcome="refused"),
    ]
    for number, each in enumerate(rows):
        for name in ("via", "address", "verdict", "rule"):
            setattr(each, name, "")
        each.hash = str(number)
    with store.session() as session:
        session.add_all(rows)
    found = changes(store, "shop", since=None, until=None, reader="bob", manages=False)
    assert [(each.title, each.subject) for each in found] == [
        ("Change registration", "services/shop"),
        ("Delete", "pod/a"),
    ]
    assert len(changes(store, "shop", since=NOON - timedelta(3650), until=None, reader="bob", manages=False)) == 2
    assert changes(store, "shop", since=NOON + timedelta(1), until=None, reader="bob", manages=False) == []


def test_every_change_that_can_be_made_has_a_title() -> None:
    for action in vars(actions).values():
        if isinstance(action, Action) and action.changes and action.permission is not None:
            (only,) = told([row(1, "outcome", action.name, intent_id=None, outcome="done")], reader="", manages=False)
            assert isinstance(only, TimelineEntry)
            assert only.title != action.name, action.name
