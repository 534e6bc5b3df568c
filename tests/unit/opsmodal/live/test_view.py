"""Whatever a reader takes or misses, it ends with what there is; and whoever looks alike shares one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.answers import InstanceRow, instance_row
from opsmodal.listing import ListQuery, Page
from opsmodal.live import MISSED, Reader, mark_of
from opsmodal.live.reader import PENDING_MAX
from opsmodal.live.reading import Reading
from opsmodal.live.view import View
from opsmodal.recent import Kept
from runtimes.base import Instance, Severity, Snapshot, Usage

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
Fields = Mapping[str, Any]


class Plain:
    """Rows as they are; counts how often anything was packed."""

    def __init__(self) -> None:
        self.packed = 0

    def shape(self, page: Page[InstanceRow], /) -> str:
        return "empty" if not page.items else "rows"

    def parts(self, page: Page[InstanceRow], _reading: Reading, /) -> Fields:
        return {"total": page.total}

    def rows(self, _page: Page[InstanceRow], rows: tuple[InstanceRow, ...], /) -> Any:
        return rows

    def whole(self, page: Page[InstanceRow], /) -> Fields:
        return {"whole": page.items, "shape": self.shape(page)}

    def pack(self, fields: Fields, /) -> Fields:
        self.packed += 1
        return fields


class Screen:
    """A page: the rows that it shows, by what the frames said."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rows: dict[str, InstanceRow] = {}
        self.order: list[str] = []
        self.shape: str | None = None
        self.total = -1

    def catch_up(self) -> None:
        have = [mark_of(row, self.shape or "") for row in self.rows.values()]
        self.apply(self.reader.catch_up(have, self.shape))

    def take(self) -> None:
        while (frame := self.reader.take()) is not None:
            if frame is MISSED:
                self.catch_up()
            else:
                self.apply(frame)

    def apply(self, frame: Fields) -> None:
        if "whole" in frame:
            self.rows, self.shape = {row.id: row for row in frame["whole"]}, frame["shape"]
            self.order = [row.id for row in frame["whole"]]
        self.rows |= {row.id: row for row in frame.get("rows", ())}
        self.order = frame.get("order", self.order)
        self.rows = {name: self.rows[name] for name in self.order}
        self.total = frame.get("total", self.total)

    def shown(self) -> list[InstanceRow]:
        return [replace(row, age_s=None) for row in self.rows.values()]


def instance(name: str, **more: Any) -> Instance:
    fields: dict[str, Any] = {
        "id": name,
        "name": name,
        "kind": "pod",
        "status": "Running",
        "severity": Severity.OK,
        "ready": True,
        "ready_containers": 1,
        "restarts": 0,
        "age_s": None,
        "created_at": NOW,
        "node": "",
        "image": "web:1",
        "containers": (),
    }
    return Instance(**(fields | more))


def reading(*instances: Instance, **more: Any) -> Reading:
    snapshot = Snapshot(items=instances, as_of=NOW)
    return Reading(kept=Kept(value=snapshot, as_of=NOW), desired=None, **more)


def view(*instances: Instance, query: ListQuery | None = None) -> tuple[View, Plain]:
    dress = Plain()
    made = View(query or ListQuery(limit=3), dress, left=lambda _: None)
    made.begin(reading(*instances))
    return made, dress


states = st.lists(
    st.builds(
        instance,
        st.sampled_from("abcdef"),
        status=st.sampled_from(["Running", "Error"]),
        severity=st.sampled_from([Severity.OK, Severity.ERROR]),
        restarts=st.integers(0, 2),
    ),
    max_size=6,
    unique_by=lambda each: each.name,
)


@given(st.lists(st.tuples(states, st.booleans(), st.booleans()), max_size=12))
def test_every_reader_ends_with_what_there_is(steps: list[tuple[list[Instance], bool, bool]]) -> None:
    made, _ = view()
    quick, slow = Screen(made.join(lambda: None)), Screen(made.join(lambda: None))
    quick.catch_up()
    slow.catch_up()
    last: list[Instance] = []
    for instances, takes, comes_back in steps:
        last = instances
        made.advance(reading(*instances))
        quick.take()
        if takes:
            slow.take()
        if comes_back:
            slow.catch_up()
    slow.take()
    ordered = sorted(last, key=lambda each: (each.severity is not Severity.ERROR, each.name))
    wanted = [replace(instance_row(each, NOW), age_s=None) for each in ordered[:3]]
    assert quick.shown() == wanted
    assert slow.shown() == wanted
    assert quick.total == slow.total == len(last)


def test_a_slow_reader_holds_a_few_frames_and_is_told_that_it_missed_some() -> None:
    made, _ = view(instance("a"))
    woken: list[int] = []
    reader = made.join(lambda: woken.append(1))
    reader.catch_up()
    for restarts in range(1, 100):
        made.advance(reading(instance("a", restarts=restarts)))
    assert len(woken) == PENDING_MAX + 1, "for each that it holds, and once for having missed the next"
    assert reader.take() is MISSED
    assert reader.take() is None
    assert reader.catch_up()["whole"][0].restarts == 99


def test_one_frame_is_made_for_all_who_look_alike() -> None:
    made, dress = view(instance("a"))
    screens = [Screen(made.join(lambda: None)) for _ in range(50)]
    for screen in screens:
        screen.catch_up()
    assert dress.packed == 1, "they lacked the same"
    made.advance(reading(instance("a", restarts=1)))
    assert dress.packed == 2
    assert len({id(screen.reader.take()) for screen in screens}) == 1


def test_who_has_not_said_what_it_has_is_told_nothing() -> None:
    made, _ = view(instance("a"))
    reader = made.join(lambda: None)
    made.advance(reading(instance("a", restarts=1)))
    assert reader.take() is None


def test_nothing_new_is_not_told_again() -> None:
    made, _ = view(instance("a"))
    reader = made.join(lambda: None)
    reader.catch_up()
    made.advance(reading(instance("a")))
    assert reader.take() is not None, "the first one says how old it is"
    made.advance(reading(instance("a")))
    assert reader.take() is None
    made.advance(reading(instance("a"), retry_s=3.0))
    assert reader.take()["retry_s"] == 3.0


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"age_s": 5}, True),
        ({"restarts": 1}, False),
        ({"status": "Error"}, False),
        ({"usage": Usage(cpu_cores=0.5)}, False),
    ],
)
def test_a_mark_is_what_a_row_looks_like(changed: dict[str, Any], same: bool) -> None:
    before, after = (instance_row(each, NOW) for each in (instance("a"), instance("a", **changed)))
    assert (mark_of(before, "x") == mark_of(after, "x")) is same
    assert mark_of(before, "x") != mark_of(before, "y")
