"""Puts the figures of a run of some benchmarks into the page of a run of all: the other rows stay. Pure.

A row is the same when its name is, and the first word of what it was measured with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.table import HEAD, aligned

Row = tuple[str, ...]
NOT_MET, NOTES, NOT_MEASURED = "Not met", "Notes", "Not measured"
VERDICT, WITH = HEAD.index("verdict"), HEAD.index("with")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass
class _Page:
    """A page taken apart: what stands before its table, the rows, and the lines below each heading."""

    head: str
    rows: list[Row]
    lines: dict[str, list[str]] = field(default_factory=dict)


def kept(before: str, now: str, *, only: str, machine: str) -> str:
    """Give the page `before` with what `now`, the page of a run of `only` these benchmarks, has measured."""
    old, new = _parsed(before), _parsed(now)
    measured = {_key(row): row for row in new.rows}
    known = {_key(row) for row in old.rows}
    rows = [measured.get(_key(row), row) for row in old.rows]
    rows += [row for row in new.rows if _key(row) not in known]
    left = {row[0] for row in old.rows if _key(row) not in measured}
    again = {row[0] for row in new.rows} - left
    failing = [f"- {row[0]}: {row[VERDICT]}." for row in rows if row[VERDICT].startswith("not met")]
    notes = [line for line in old.lines.get(NOTES, []) if _name(line, again) is None]
    notes = list(dict.fromkeys(notes + new.lines.get(NOTES, [])))
    unmeasured = [line for line in old.lines.get(NOT_MEASURED, []) if only not in line.split(":")[0]]
    sections = {NOT_MET: failing, NOTES: notes, NOT_MEASURED: unmeasured + new.lines.get(NOT_MEASURED, [])}
    return _written(_headed(old.head, only, machine), rows, sections)


def _headed(head: str, only: str, machine: str) -> str:
    """Say when these were measured, below what was said of the others."""
    label = f"Rows of `--only {only}`: "
    others = [each for each in head.strip().split("\n\n") if not each.startswith(label)]
    return "\n\n".join([*others, label + machine])


def _written(head: str, rows: Sequence[Row], sections: dict[str, list[str]]) -> str:
    below = "".join(f"\n## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in sections.items() if lines)
    return f"{head}\n\n{aligned([HEAD, *rows])}\n{below}"


def _parsed(text: str) -> _Page:
    head, _, rest = text.partition("\n| ")
    lines = [f"| {line}" if place == 0 else line for place, line in enumerate(rest.splitlines())]
    page, title = _Page(head, []), ""
    for line in lines:
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line.startswith("- "):
            page.lines.setdefault(title, []).append(line)
        elif line.startswith("| ") and not title:
            page.rows.append(tuple(cell.strip() for cell in _CELL.split(line)[1:-1]))
    page.rows = page.rows[1:]  # the first is the heading
    return page


def _key(row: Row) -> tuple[str, str]:
    return row[0], row[WITH].replace(",", " ").split()[0]


def _name(line: str, names: set[str]) -> str | None:
    """Find whose note a line is: names have colons in them, too."""
    return next((name for name in names if line.startswith(f"- {name}: ")), None)
