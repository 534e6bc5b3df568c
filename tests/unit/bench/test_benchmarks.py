"""Each benchmark runs, at its smallest: they would rot otherwise. What they measure is not judged."""

from __future__ import annotations

import math

import pytest

from tests.bench.__main__ import BENCHMARKS
from tests.bench.first_answer import bare_flask_s
from tests.bench.sizes import TINY
from tests.engines.process import CannotStart

LIMIT_S = 150


def test_a_real_process_is_measured() -> None:
    assert 0 < bare_flask_s() < 60


@pytest.mark.exhaustive
@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize("name", [name for name in BENCHMARKS if not name.endswith("-real")])
def test_a_benchmark_gives_figures(name: str) -> None:
    try:
        figures = list(BENCHMARKS[name](TINY))
    except CannotStart as reason:
        pytest.skip(str(reason))
    assert figures
    assert all(math.isfinite(each.ours) and each.ours >= 0 and each.with_ for each in figures)
