"""Run the benchmarks: `make bench`, or `make bench ARGS='--rounds 3 --write docs/benchmarks.md'`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from tests.bench.first_answer import FIRST_ANSWER
from tests.bench.measure import Benchmark, measured
from tests.bench.table import table

BENCHMARKS: tuple[Benchmark, ...] = (FIRST_ANSWER,)

PAGE = """\
# Benchmarks

Written by `make bench ARGS='--write docs/benchmarks.md'`. Ours and the peer's are measured in turns, in the same run,
on the same machine; the figures are medians. The ratio is what to compare between versions, not the seconds.

{machine}

{table}"""


def main() -> int:
    """Measure, print, write where asked; exit 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each, of which the median is taken")
    parser.add_argument("--only", default="", help="run those whose name contains this")
    parser.add_argument("--write", type=Path, help="also write the table to this page")
    given = parser.parse_args()
    results = [measured(each, rounds=given.rounds) for each in BENCHMARKS if given.only in each.name]
    sys.stdout.write(table(results))
    if given.write:
        given.write.write_text(PAGE.format(machine=_machine(), table=table(results)))
    return 0 if all(result.kept for result in results) else 1


def _machine() -> str:
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores."


if __name__ == "__main__":
    sys.exit(main())
