"""Lines rise with their figures, gaps lift the pen, and the table beside says the same in words."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.history.answers import NOT_COLLECTED, NOTHING_YET, usage_answer
from opsmodal.history.hours import UNKNOWN, Hour
from opsmodal.history.used import SLOTS, STEP_S
from opsmodal.web.drawing import HEIGHT, SMALL_POINTS, blocks, day, days, figure, known, line, small

END_S = 1_795_000_020
FIGURES = st.lists(st.none() | st.floats(0, 1e12), max_size=SLOTS)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([], ""),
        ([None, None], ""),
        ([1.0], "M0 2.0h0"),
        ([0.0, 0.0], "M0 28.0h0L1 28.0"),
        ([0.0, 1.0, 0.5], "M0 28.0h0L1 2.0L2 15.0"),
        ([1.0, None, 1.0], "M0 2.0h0M2 2.0h0"),
    ],
)
def test_a_line_is_drawn_from_nought_to_the_highest(values: list[float | None], path: str) -> None:
    assert line(values) == path


@given(FIGURES)
def test_a_line_stays_inside_and_has_one_piece_for_each_run_of_figures(values: list[float | None]) -> None:
    path = line(values)
    assert all(0 <= float(y) <= HEIGHT for y in re.findall(r"[ML]\d+ ([\d.]+)", path))
    runs = sum(1 for at, value in enumerate(values) if value is not None and (at == 0 or values[at - 1] is None))
    assert path.count("M") == runs
    assert path.count("M") + path.count("L") == sum(value is not None for value in values)


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (None, "cpu_cores", "–"),
        (0.25, "cpu_cores", "250 m"),
        (1048576.0, "memory_bytes", "1 MiB"),
        (2048.0, "network_rx_bytes_per_s", "2 KiB/s"),
    ],
)
def test_a_figure_has_its_unit(value: float | None, name: str, text: str) -> None:
    assert figure(value, name) == text


def hour_of(cpu: list[float]) -> Hour:
    points = [UNKNOWN] * (SLOTS - len(cpu)) + [(value, *UNKNOWN[1:]) for value in cpu]
    return Hour(points=points, end_s=END_S)


def test_an_hour_says_its_lowest_highest_and_last_figure_and_from_when_it_is() -> None:
    answer = usage_answer(hour_of([0.1, 0.4, 0.2]), collecting=True)
    (cpu,) = known(answer)
    assert (cpu.minimum, cpu.maximum, cpu.last, len(cpu.values)) == (0.1, 0.4, 0.2, SLOTS)
    assert answer.started_at + timedelta(seconds=STEP_S * (SLOTS - 1)) == datetime.fromtimestamp(END_S, UTC)
    assert (answer.known, answer.note) == (True, "")


def test_the_last_figure_is_the_last_that_is_known() -> None:
    assert usage_answer(hour_of([0.1, math.nan]), collecting=True).series[0].last == 0.1


def test_no_figure_at_all_says_why() -> None:
    assert usage_answer(hour_of([]), collecting=True).note == NOTHING_YET
    assert usage_answer(hour_of([]), collecting=False).note == NOT_COLLECTED
    denied = Hour(points=[UNKNOWN] * SLOTS, end_s=END_S, note="It may not be read.")
    assert usage_answer(denied, collecting=True).note == "It may not be read."


def test_the_table_has_a_row_for_each_five_minutes_the_latest_first() -> None:
    table = blocks(usage_answer(hour_of([0.1] * 10 + [0.1, 0.2] + [0.1] * 8), collecting=True))
    assert len(table) == SLOTS // 10
    assert [block.cells for block in table[:3]] == [("100 m to 200 m",), ("100 m",), ("no figure",)]
    assert table[0].at - table[1].at == timedelta(minutes=5)


def test_entries_are_put_together_by_day() -> None:
    class At:
        def __init__(self, at: datetime) -> None:
            self.at = at

    moments = [datetime(2026, 11, 23, 1, tzinfo=UTC), datetime(2026, 11, 21, 23, tzinfo=UTC)]
    found = days([At(moments[0]), At(moments[1]), At(moments[1])])
    assert [(day(at), len(entries)) for at, entries in found] == [
        ("Monday, 23 November 2026", 1),
        ("Saturday, 21 November 2026", 2),
    ]


@pytest.mark.parametrize(
    ("figures", "pieces"),
    [({}, 0), ({SLOTS - 1: 5.0}, 0), ({0: 5.0, SLOTS - 1: 1.0}, 2), (dict.fromkeys(range(SLOTS), 2.0), SMALL_POINTS)],
)
def test_a_row_has_a_short_line_of_the_hour_and_none_of_a_single_figure(figures: dict[int, float], pieces: int) -> None:
    points = [(figures[slot], *UNKNOWN[1:]) if slot in figures else UNKNOWN for slot in range(SLOTS)]
    usage = usage_answer(Hour(points=points, end_s=END_S), collecting=True)
    path = small(usage, "cpu_cores")
    assert path.count("M") + path.count("L") == pieces
    assert small(usage, "memory_bytes") == ""
    assert small(None, "cpu_cores") == ""
