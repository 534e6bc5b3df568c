"""An hour of figures is the same wherever it is read, gaps stay gaps, and nothing grows without end."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.history import hours as hours_module
from opsmodal.history.hours import UNKNOWN, Hours, Ring
from opsmodal.history.used import (
    FIGURES,
    SLOTS,
    STEP_S,
    TOTAL,
    Moment,
    Point,
    Rates,
    Seen,
    UsedStore,
    found,
    packed,
    summed,
)
from opsmodal.store import Store
from runtimes.base import Usage
from runtimes.history import Used

START = 59_000_000
"""A slot of the year 2026."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hours_module, "FRESH_S", 0.0)


def moment(slot: int, points: Mapping[str, Point], service: str = "shop", note: str = "") -> Moment:
    return Moment(service=service, slot=slot, points=points, note=note)


def point(figure: float) -> Point:
    return (figure,) * FIGURES


def cpu(points: list[Point] | tuple[Point, ...]) -> list[float | None]:
    return [None if math.isnan(each[0]) else each[0] for each in points]


@given(st.lists(st.tuples(st.integers(-10, 300), st.integers(0, 1000)), max_size=60))
def test_a_ring_is_the_last_hour_of_what_was_put(put: list[tuple[int, int]]) -> None:
    ring, truth, last = Ring(), {}, 0
    for offset, figure in put:
        slot = START + offset
        if slot <= last - SLOTS:
            ring.put(slot, point(figure))
            continue
        ring.put(slot, point(figure))
        truth[slot], last = float(figure), max(last, slot)
    end = last or START
    expected = [truth.get(slot) for slot in range(end - SLOTS + 1, end + 1)]
    assert cpu(ring.points(end)) == expected


def test_a_ring_takes_three_kilobytes() -> None:
    assert Ring()._numbers.buffer_info()[1] * Ring()._numbers.itemsize == 2_880


def test_what_one_worker_wrote_another_shows_and_a_restart_keeps(store: Store) -> None:
    written = UsedStore(store)
    written.write([moment(START + n, {"web-0": point(n), "web-1": point(2 * n)}) for n in range(5)])
    for hours in (Hours(UsedStore(store), now_s=lambda: (START + 4) * STEP_S) for _ in range(2)):
        assert cpu(hours.instance("shop", "web-0").points[-5:]) == [0, 1, 2, 3, 4]
        assert cpu(hours.service("shop").points[-5:]) == [0, 3, 6, 9, 12]
        assert not hours.instance("shop", "gone").known
        assert not hours.service("other").known


def test_only_what_is_new_is_read(store: Store) -> None:
    used, asked = UsedStore(store), []

    class Counting(UsedStore):
        def after(self, service: str, slot: int, instance: str = TOTAL) -> list[Seen]:
            asked.append(rows := super().after(service, slot, instance))
            return rows

    hours = Hours(Counting(store), now_s=lambda: (START + 3) * STEP_S)
    for n in range(4):
        used.write([moment(START + n, {"web-0": point(n)})])
        assert hours.instance("shop", "web-0").points[-1][0] == n
    assert [len(rows) for rows in asked] == [1, 1, 1, 1]


def test_an_hour_later_the_row_is_written_over(store: Store) -> None:
    used = UsedStore(store)
    for n in range(3 * SLOTS):
        used.write([moment(START + n, {"web-0": point(n)})])
    assert [each.slot for each in used.after("shop", 0)] == list(range(START + 2 * SLOTS, START + 3 * SLOTS))


def test_a_time_without_figures_is_a_gap(store: Store) -> None:
    UsedStore(store).write([moment(START, {"a": point(1)}), moment(START + 3, {"a": point(4)})])
    hours = Hours(UsedStore(store), now_s=lambda: (START + 3) * STEP_S)
    assert cpu(hours.instance("shop", "a").points[-4:]) == [1, None, None, 4]


@pytest.mark.parametrize(("late", "gap"), [(0, 0), (3, 0), (4, 4), (500, SLOTS)])
def test_what_is_late_is_waited_for_and_then_missing(store: Store, late: int, gap: int) -> None:
    UsedStore(store).write([moment(START + n, {"a": point(1)}) for n in range(SLOTS)])
    now = START + SLOTS - 1 + late
    points = Hours(UsedStore(store), now_s=lambda: now * STEP_S).instance("shop", "a").points
    assert cpu(points) == [1] * (SLOTS - gap) + [None] * gap


def test_a_writer_whose_clock_is_ahead_is_shown_all_the_same(store: Store) -> None:
    UsedStore(store).write([moment(START + 10, {"a": point(1)})])
    hour = Hours(UsedStore(store), now_s=lambda: START * STEP_S).instance("shop", "a")
    assert (cpu(hour.points[-1:]), hour.end_s) == ([1], (START + 10) * STEP_S)


def test_the_instances_looked_at_last_are_kept(store: Store) -> None:
    used = UsedStore(store)
    used.write([moment(START, {name: point(1) for name in "abcd"})])
    hours = Hours(used, rings_max=2, now_s=lambda: START * STEP_S)
    for name in "abcd":
        assert hours.instance("shop", name).known
    assert list(hours._kept) == [("shop", "c"), ("shop", "d")]


def test_what_is_gone_is_a_gap_from_then_on(store: Store) -> None:
    used = UsedStore(store)
    used.write([moment(START, {"gone": point(1), "here": point(1)}), moment(START + 1, {"here": point(1)})])
    hours = Hours(used, now_s=lambda: (START + 1) * STEP_S)
    assert cpu(hours.instance("shop", "gone").points[-2:]) == [1, None]


def test_sums_know_what_any_of_them_knows() -> None:
    first = summed([(1.0, math.nan, 1.0, math.nan, 1.0, 2.0), (2.0, math.nan, math.nan, 5.0, 1.0, 2.0)])
    assert first[0] == 3.0
    assert math.isnan(first[1])
    assert first[2:] == (1.0, 5.0, 2.0, 4.0)
    assert all(math.isnan(figure) for figure in summed([UNKNOWN, UNKNOWN]))


NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=300)


@given(st.dictionaries(NAMES, st.floats(0, 1e6, width=32), max_size=20), NAMES)
def test_one_instance_is_found_among_all_and_no_other_for_it(figures: dict[str, float], other: str) -> None:
    written = packed({name: point(figure) for name, figure in figures.items()})
    for name, figure in figures.items():
        assert found(written, name) == point(figure)
    assert (found(written, other) is not None) == (other in figures)
    assert (found(written, TOTAL) is not None) == bool(figures)


def test_why_there_are_no_figures_is_kept_with_them(store: Store) -> None:
    UsedStore(store).write([moment(START, {}, note="The Metrics API is not installed in the cluster.")])
    hour = Hours(UsedStore(store), now_s=lambda: START * STEP_S).service("shop")
    assert (hour.known, hour.note) == (False, "The Metrics API is not installed in the cluster.")


@pytest.mark.parametrize(
    ("before", "now", "span_s", "rate"),
    [
        (1000, 4000, 30, 100.0),
        (4000, 1000, 30, None),
        (1000, 4000, 600, None),
        (None, 4000, 30, None),
        (1000, None, 30, None),
        (1000, 1000, 30, 0.0),
    ],
)
def test_counters_become_bytes_a_second(before: int | None, now: int | None, span_s: float, rate: float | None) -> None:
    rates = Rates()
    for at_s, counter in ((1000.0, before), (1000.0 + span_s, now)):
        used = Used(figures={"a": Usage(cpu_cores=1.0, network_rx_bytes=counter, block_written_bytes=counter)})
        made = rates.moment("shop", used, slot=START, at_s=at_s)
    cores, memory, received, sent, read, written = made.points["a"]
    assert cores == 1.0
    assert math.isnan(memory)
    assert math.isnan(sent)
    assert math.isnan(read)
    assert [None if math.isnan(each) else each for each in (received, written)] == [rate, rate]


def test_rows_of_before_there_were_figures_of_disks_are_read() -> None:
    old = {name: struct.pack("<4f", 1.0, 2.0, 3.0, 4.0) for name in (TOTAL, "a")}
    written = msgspec.msgpack.encode(old)
    seen = found(written, "a")
    assert seen is not None
    assert seen[:4] == (1.0, 2.0, 3.0, 4.0)
    assert all(math.isnan(figure) for figure in seen[4:])
    assert found(written, "b") is None


def test_many_instances_are_read_at_once_and_alike(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    used = UsedStore(store)
    names = [f"c{number}" for number in range(20)]
    now = START + 2
    for slot in (START, START + 1, START + 2):
        used.write([moment(slot, {name: point(slot - START + number) for number, name in enumerate(names)})])
    one_by_one = Hours(used, now_s=lambda: now * STEP_S)
    expected = {name: cpu(list(one_by_one.instance("shop", name).points)) for name in [*names, "never seen"]}
    together = Hours(used, now_s=lambda: now * STEP_S)
    monkeypatch.setattr(hours_module, "FRESH_S", 60.0)
    asked: list[int] = []
    all_after = used.all_after
    monkeypatch.setattr(used, "all_after", lambda service, slot: (asked.append(slot), all_after(service, slot))[1])
    monkeypatch.setattr(used, "after", lambda *_: pytest.fail("one instance was asked for by itself"))
    for _ in range(3):
        found_all = together.several("shop", [*names, "never seen"])
        assert {name: cpu(list(hour.points)) for name, hour in found_all.items()} == expected
    assert len(asked) == 1
    assert found_all["never seen"].known is False


def test_what_came_since_is_added_for_all_of_them(store: Store) -> None:
    used = UsedStore(store)
    hours = Hours(used, now_s=lambda: (START + 1) * STEP_S)
    used.write([moment(START, {"a": point(1), "b": point(2)})])
    assert cpu(list(hours.several("shop", ["a"])["a"].points))[-1:] == [1]
    used.write([moment(START + 1, {"a": point(3), "b": point(4)})])
    both = hours.several("shop", ["a", "b"])
    assert [cpu(list(both[name].points))[-2:] for name in ("a", "b")] == [[1, 3], [2, 4]]
