"""What the benchmarks compute and say, without measuring; and that a broken one does not stop the others."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import __main__ as bench
from tests.bench.keeping import kept
from tests.bench.measure import Failed, Figure, Promise, in_turns, median, percentile
from tests.bench.reader import Count
from tests.bench.table import page, table, verdict


def figure(ours: float = 2.0, peer: float | None = None, *, promise: Promise | None = None, note: str = "") -> Figure:
    return Figure(
        name="reading", ours=ours, unit="s", peer=peer, peer_name="json", promise=promise, with_="simulated", note=note
    )


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([3.0], 99, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 51, 3.0),
        ([float(number) for number in range(100, 0, -1)], 99, 99.0),
        ([float(number) for number in range(100, 0, -1)], 100, 100.0),
        ([5.0, 1.0], 0, 1.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0.1, 100))
def test_at_least_so_many_percent_do_not_exceed_a_percentile(values: list[float], percent: float) -> None:
    limit = percentile(values, percent)
    assert sum(value <= limit for value in values) >= len(values) * percent / 100 - 1e-6


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_first_turn_warms_up_and_an_outlier_does_not_count() -> None:
    ours, peer = in_turns(iter([99.0, 1, 2, 50]).__next__, iter([99.0, 4, 4, 4]).__next__, rounds=3)
    assert (median(ours), median(peer), ours) == (2, 4, [1, 2, 50])


@pytest.mark.parametrize(
    ("ours", "peer", "promise", "expected"),
    [
        (2.0, None, None, ""),
        (2.0, None, Promise(at_most=2.0), "met"),
        (3.0, None, Promise(at_most=2.0), "not met: 1 s too much, 1.5 times what was promised"),
        (3.0, 2.0, Promise(at_most=1.5, of="ratio"), "met"),
        (4.0, 2.0, Promise(at_most=1.5, of="ratio"), "not met: 0.5 too much, 1.3 times what was promised"),
        (4.0, None, Promise(at_most=1.5, of="ratio"), "not met: there is nothing to compare with"),
        (7.0, None, Promise(at_most=0), "not met: 7 s too much"),
        (0.0, 0.0, Promise(at_most=1.0, of="ratio"), "met"),
    ],
)
def test_a_promise_that_is_not_met_says_by_how_much(
    ours: float, peer: float | None, promise: Promise | None, expected: str
) -> None:
    assert verdict(figure(ours, peer, promise=promise)) == expected
    assert figure(ours, peer, promise=promise).kept is not expected.startswith("not")


def test_a_ratio_to_nothing_is_infinite() -> None:
    assert figure(1.0, 0.0).ratio == math.inf
    assert figure(1.0).ratio is None


def test_a_table_has_a_line_for_each_figure() -> None:
    lines = table([figure(2.0, 4.0), figure(0.01234, promise=Promise(at_most=0.001)), figure(12345.6)]).splitlines()
    assert lines[2].split(" | ")[:4] == ["| reading ", "2 s     ", "4 s (json)", "0.5  "]
    assert "0.0123 s" in lines[3]
    assert "≤ 0.001 s" in lines[3]
    assert "12,346 s" in lines[4]
    assert len({len(line) for line in lines}) == 1


def test_a_page_says_what_was_not_met_and_what_was_not_measured() -> None:
    broken = figure(3.0, promise=Promise(at_most=2.0), note="with a note")
    text = page([figure(), broken, Failed(name="screen", why="no chromium | here")], machine="Two cores.", quick=True)
    assert "## Not met\n\n- reading: not met: 1 s too much, 1.5 times what was promised.\n" in text
    assert "## Notes\n\n- reading: with a note\n" in text
    assert "## Not measured\n\n- screen: no chromium \\| here\n" in text
    assert "**Shortened**" in text
    assert "Not met" not in page([figure()], machine="", quick=False)


def test_a_run_of_some_is_put_into_the_page_of_all() -> None:
    whole = page(
        [
            figure(1.0, note="an old note"),
            Figure(name="a: b", ours=9, unit="ms", with_="dockerd 20", promise=Promise(at_most=1), note="of docker"),
            Figure(name="a: b", ours=7, unit="ms", with_="simulated, | 5", promise=Promise(at_most=1), note="of ours"),
            Failed(name="audit-page", why="no disk"),
            Failed(name="screen", why="no chromium"),
        ],
        machine="Two cores.",
        quick=False,
    )
    again = Figure(name="reading", ours=0.5, unit="s", with_="simulated, again", note="a new note")
    ours = Figure(name="a: b", ours=0.5, unit="ms", with_="simulated, 6", promise=Promise(at_most=1))
    fresh = Figure(name="audit page", ours=2, unit="ms", with_="SQLite", promise=Promise(at_most=1))
    some = page([again, ours, fresh], machine="One core.", quick=False)
    text = kept(whole, some, only="audit", machine="One core.")
    assert "\nTwo cores.\n\nRows of `--only audit`: One core.\n" in text
    rows = [[cell.strip() for cell in line.split(" | ")] for line in text.splitlines() if line.startswith("| ")]
    assert [row[:2] for row in rows[1:]] == [
        ["| reading", "0.5 s"],
        ["| a: b", "9 ms"],
        ["| a: b", "0.5 ms"],
        ["| audit page", "2 ms"],
    ]
    assert "- a: b: not met: 8 ms too much" in text
    assert "- audit page: not met: 1 ms too much" in text
    assert "a new note" in text
    assert "an old note" not in text
    assert "of docker" in text
    assert "- screen: no chromium" in text
    assert "no disk" not in text
    assert kept(text, some, only="audit", machine="One core.") == text


def test_a_page_that_is_put_into_itself_stays_as_it_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "benchmarks.md").read_text()
    again = kept(text, text, only="x", machine="m")
    assert again.replace("\n\nRows of `--only x`: m", "") == text


@pytest.mark.parametrize(
    ("numbers", "missing", "again"),
    [([1, 2, 3], 0, 0), ([1, 4, 5], 2, 0), ([3, 4, 4], 0, 1), ([9, 1], 0, 1), ([], 0, 0)],
)
def test_a_reader_counts_numbers_that_are_missing_or_come_again(numbers: list[int], missing: int, again: int) -> None:
    count = Count()
    for number in numbers:
        count.take({"lines": [{"text": f"GET /api/orders/{number:09d} 200 x"}, {"text": "something else"}]})
    assert (count.lines, count.missing, count.again) == (len(numbers), missing, again)


def test_a_benchmark_that_fails_is_told_of_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second ends with a word, the third says nothing in time and is stopped."""
    quiet = "import time; time.sleep(60)"
    said = Figure(name="well", ours=1.0, unit="s", with_="nothing")
    programs = {
        "well": f"import sys; sys.stdout.write({bench.msgspec.json.encode(said).decode()!r} + chr(10))",
        "ends": "raise SystemExit('the engine did not start')",
        "hangs": quiet,
    }
    popen = bench.subprocess.Popen
    monkeypatch.setattr(
        bench.subprocess,
        "Popen",
        lambda argv, **how: popen([argv[0], "-c", programs[argv[argv.index("--one") + 1]]], **how),
    )
    monkeypatch.setattr(bench, "BENCHMARKS", dict.fromkeys(programs))
    monkeypatch.setattr(bench, "LIMIT_S", {"full": 3.0})
    monkeypatch.setattr(bench.sys, "argv", ["bench", "--write", str(tmp_path / "page.md")])
    assert bench.main() == 1
    text = (tmp_path / "page.md").read_text()
    assert "| well " in text
    assert "- ends: the engine did not start\n" in text
    assert "- hangs: not within 3 s." in text
    assert capsys.readouterr().out == text
