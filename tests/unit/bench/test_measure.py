from __future__ import annotations

import pytest

from tests.bench.first_answer import bare_flask_s
from tests.bench.measure import Benchmark, Result, measured
from tests.bench.table import table


def benchmark(ours: list[float], peer: list[float], *, at_most: float | None = None) -> Benchmark:
    return Benchmark(
        name="reading",
        unit="s",
        ours=iter(ours).__next__,
        peer=iter(peer).__next__,
        peer_name="json",
        at_most=at_most,
    )


def test_the_first_turn_warms_up_and_an_outlier_does_not_count() -> None:
    result = measured(benchmark([99, 1, 2, 50], [99, 4, 4, 4]), rounds=3)
    assert (result.ours, result.peer, result.ratio) == (2, 4, 0.5)


@pytest.mark.parametrize(("at_most", "kept"), [(None, True), (2.0, True), (1.9, False)])
def test_a_promise_is_kept_or_broken(at_most: float | None, kept: bool) -> None:
    result = Result(benchmark=benchmark([], [], at_most=at_most), rounds=1, ours=2.0, peer=1.0)
    assert result.kept is kept
    assert ("broken" in table([result])) is not kept


def test_a_table_has_a_line_for_each_result() -> None:
    lines = table([measured(benchmark([1, 1], [2, 2]), rounds=1)]).splitlines()
    assert lines[2].split(" | ")[:4] == ["| reading  ", "1 s ", "2 s (json)", "0.50 "]
    assert len({len(line) for line in lines}) == 1


def test_a_real_process_is_measured() -> None:
    assert 0 < bare_flask_s() < 60
