"""The results as a Markdown table, which reads well on a terminal too."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.measure import Result

HEAD = ("benchmark", "ours", "peer", "ratio", "promised", "rounds")


def table(results: Sequence[Result]) -> str:
    """Give one line for each result, columns aligned, a newline at the end."""
    rows = [HEAD, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def _row(result: Result) -> tuple[str, ...]:
    benchmark = result.benchmark
    promise = "" if benchmark.at_most is None else f"≤ {benchmark.at_most:g} {benchmark.unit}"
    return (
        benchmark.name,
        f"{result.ours:.3g} {benchmark.unit}",
        f"{result.peer:.3g} {benchmark.unit} ({benchmark.peer_name})",
        f"{result.ratio:.2f}",
        promise if result.kept else f"{promise}, broken",
        str(result.rounds),
    )
