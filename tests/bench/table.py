"""Figures as a Markdown page, which reads well on a terminal too. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.measure import Failed, Figure

HEAD = ("measured", "ours", "peer", "ratio", "promised", "verdict", "n", "with")
CELL_MAX_CHARS = 200


def page(figures: Sequence[Figure | Failed], *, machine: str, quick: bool) -> str:
    """Give the whole page."""
    shortened = (
        "**Shortened** (`--quick`): fewer measurements over less time than a full run takes.\n\n" if quick else ""
    )
    return f"""\
# Benchmarks

Written by `make bench ARGS='--write docs/benchmarks.md'`. Ours and the peer's are measured on the same machine in the
same run, in turns where that is possible. The ratio is what to compare between versions, not the seconds. “Simulated”
is the cluster of `opsmodal demo`, in a process of its own; it stands for the protocol, not for the speed of a real one.

{machine}

{shortened}{table([each for each in figures if isinstance(each, Figure)])}
{_broken(figures)}{_notes(figures)}{_failed(figures)}"""


def table(figures: Sequence[Figure]) -> str:
    """Give one line for each figure, columns aligned, a newline at the end."""
    return aligned([HEAD, *map(_row, figures)])


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Give rows of cells as a table, the first as its heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def verdict(figure: Figure) -> str:
    """Say whether a promise is met; when not, by how much."""
    if figure.promise is None:
        return ""
    if figure.kept:
        return "met"
    judged, at_most = figure.judged, figure.promise.at_most
    if judged is None:
        return "not met: there is nothing to compare with"
    unit = f" {figure.unit}" if figure.promise.of == "ours" else ""
    over = f"not met: {_number(judged - at_most)}{unit} too much"
    return f"{over}, {judged / at_most:.1f} times what was promised" if at_most else over


def _row(figure: Figure) -> tuple[str, ...]:
    peer = "" if figure.peer is None else f"{_number(figure.peer)} {figure.unit} ({figure.peer_name})"
    ratio = "" if figure.ratio is None else _number(figure.ratio)
    cells = (
        figure.name,
        f"{_number(figure.ours)} {figure.unit}",
        peer,
        ratio,
        _promise(figure),
        verdict(figure),
        str(figure.count),
        figure.with_,
    )
    return tuple(_cell(cell) for cell in cells)


def _promise(figure: Figure) -> str:
    if figure.promise is None:
        return ""
    if figure.promise.of == "ours":
        return f"≤ {_number(figure.promise.at_most)} {figure.unit}"
    return f"≤ {_number(figure.promise.at_most)} times {figure.peer_name}"


def _number(value: float) -> str:
    """Give three digits that count, and no exponent."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{float(f'{value:.3g}'):g}" if abs(value) >= 1e-4 else "0"


def _cell(text: str) -> str:
    return " ".join(text.split())[:CELL_MAX_CHARS].replace("|", "\\|")


def _broken(figures: Sequence[Figure | Failed]) -> str:
    broken = [each for each in figures if isinstance(each, Figure) and not each.kept]
    if not broken:
        return ""
    lines = "".join(f"- {each.name}: {verdict(each)}.\n" for each in broken)
    return f"\n## Not met\n\n{lines}"


def _notes(figures: Sequence[Figure | Failed]) -> str:
    notes = dict.fromkeys(
        f"- {each.name}: {' '.join(each.note.split())}\n" for each in figures if isinstance(each, Figure) and each.note
    )
    return f"\n## Notes\n\n{''.join(notes)}" if notes else ""


def _failed(figures: Sequence[Figure | Failed]) -> str:
    failed = [each for each in figures if isinstance(each, Failed)]
    if not failed:
        return ""
    lines = "".join(f"- {each.name}: {_cell(each.why)}\n" for each in failed)
    return f"\n## Not measured\n\n{lines}"
