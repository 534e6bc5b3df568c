"""Draws an hour of figures as the path of a small line, and sums it up for a table. Pure; gaps stay gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask

from opsmodal.history.answers import Series, UsageAnswer
from opsmodal.web.filters import cores, size

HEIGHT = 30
ROOM = 2
"""Units above and below the line, so that its width is not cut off."""
BLOCK_POINTS = 10
"""Points of one row of the table: five minutes."""
SMALL_POINTS = 30
"""Points of a line in a row: two minutes each. A page of 100 rows must not weigh more than its text."""
NAMES = {
    "cpu_cores": "CPU",
    "memory_bytes": "Memory",
    "network_rx_bytes_per_s": "Network in",
    "network_tx_bytes_per_s": "Network out",
    "block_read_bytes_per_s": "Disk read",
    "block_written_bytes_per_s": "Disk write",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Five minutes of the table: from when, and of each series the lowest and highest figure in words."""

    at: datetime
    cells: tuple[str, ...]


def line(values: Sequence[float | None]) -> str:
    """Give the `d` of a path over `values`, from 0 at the bottom to the highest at the top; a gap lifts the pen.

    One unit is one point wide. A figure alone between gaps is a dot: a line of no length, with round ends.
    """
    top = max((value for value in values if value is not None), default=0) or 1
    drawn, down = [], False
    for x, value in enumerate(values):
        if value is None:
            down = False
            continue
        y = round(HEIGHT - ROOM - value / top * (HEIGHT - 2 * ROOM), 1)
        drawn.append(f"L{x} {y}" if down else f"M{x} {y}h0")
        down = True
    return "".join(drawn)


def small(usage: UsageAnswer | None, name: str) -> str:
    """Give the `d` of a path for a row of a list: a series of the hour in SMALL_POINTS steps.

    "" where there are no two of them yet: a dot says nothing.
    """
    found = next((series for series in usage.series if series.name == name), None) if usage else None
    if found is None:
        return ""
    step = max(1, len(found.values) // SMALL_POINTS)
    means = [_mean(found.values[start : start + step]) for start in range(0, len(found.values), step)]
    return line(means) if sum(mean is not None for mean in means) > 1 else ""


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def figure(value: float | None, name: str) -> str:
    """Write a figure of a series with its unit."""
    if value is None:
        return "–"
    if name == "cpu_cores":
        return cores(value)
    return f"{size(value)}/s" if name.endswith("_per_s") else size(value)


def series_name(name: str) -> str:
    """Give the name of a series as people say it."""
    return NAMES[name]


def known(usage: UsageAnswer) -> list[Series]:
    """Give the series of which there is any figure."""
    return [series for series in usage.series if series.last is not None]


def blocks(usage: UsageAnswer) -> list[Block]:
    """Sum the hour up by five minutes, the latest first."""
    shown = known(usage)
    length = len(usage.series[0].values)
    found = [
        Block(
            at=usage.started_at + timedelta(seconds=usage.step_s * start),
            cells=tuple(_span(series, start) for series in shown),
        )
        for start in range(0, length, BLOCK_POINTS)
    ]
    return found[::-1]


def _span(series: Series, start: int) -> str:
    values = [value for value in series.values[start : start + BLOCK_POINTS] if value is not None]
    if not values:
        return "no figure"
    low, high = figure(min(values), series.name), figure(max(values), series.name)
    return low if low == high else f"{low} to {high}"


def days(entries: Sequence[object], of: str = "at") -> list[tuple[datetime, list[object]]]:
    """Put entries that are in order of time together by their day in UTC."""
    found: list[tuple[datetime, list[object]]] = []
    for each in entries:
        at: datetime = getattr(each, of)
        if not found or found[-1][0].date() != at.date():
            found.append((at, []))
        found[-1][1].append(each)
    return found


def day(at: datetime) -> str:
    """Write a day in full."""
    return f"{at:%A}, {at.day} {at:%B %Y}"


FILTERS = (line, small, figure, series_name, known, blocks, days, day)


def install(app: Flask) -> None:
    """Give the templates these filters, under the names `chart_…` where theirs are taken."""
    for function in FILTERS:
        app.jinja_env.filters[f"chart_{function.__name__}"] = function
