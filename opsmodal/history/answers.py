"""The values that a page and the API are given of the past, made by pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from opsmodal.history.hours import Hour
from opsmodal.history.used import STEP_S

Figure = Literal[
    "cpu_cores",
    "memory_bytes",
    "network_rx_bytes_per_s",
    "network_tx_bytes_per_s",
    "block_read_bytes_per_s",
    "block_written_bytes_per_s",
]
ORDER: tuple[Figure, ...] = get_args(Figure)
"""As they stand in a point."""
Kind = Literal["event", "restart", "rollout", "change"]
KINDS: tuple[Kind, ...] = ("event", "restart", "rollout", "change")

NOT_COLLECTED = "Nothing is collected: collecting is switched off for this installation."
NOTHING_YET = "No figure of the last hour is there yet. One is taken every 30 s."
CORES_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened: `count` times from `first_at` to `at`. `warning` tells what should be looked at.

    `kind`: "event" (the runtime reported it), "restart" (a container ended and was started again), "rollout" (another
    version is meant to run), "change" (somebody did it here: `actor`, for the `reason` given).
    """

    at: datetime
    first_at: datetime
    kind: Kind
    warning: bool
    title: str
    subject: str
    message: str
    count: int = 1
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One figure over the last hour, oldest first; null is a gap, never 0."""

    name: Figure
    values: tuple[float | None, ...]
    minimum: float | None
    maximum: float | None
    last: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageAnswer:
    """What was used in the last hour: a figure every `step_s` seconds, the first of them at `started_at`.

    `note` says why figures are missing, where any are.
    """

    started_at: datetime
    step_s: int
    series: tuple[Series, ...]
    note: str

    @property
    def known(self) -> bool:
        """Whether there is any figure at all."""
        return any(series.last is not None for series in self.series)


def usage_answer(hour: Hour, *, collecting: bool) -> UsageAnswer:
    """Give an hour as it is shown."""
    columns = list(zip(*hour.points, strict=True))
    series = tuple(
        _series(name, [_rounded(value, CORES_DIGITS if name == "cpu_cores" else 0) for value in column])
        for name, column in zip(ORDER, columns, strict=True)
    )
    known = any(each.last is not None for each in series)
    return UsageAnswer(
        started_at=datetime.fromtimestamp(hour.end_s - (len(hour.points) - 1) * STEP_S, UTC),
        step_s=STEP_S,
        series=series,
        note=NOT_COLLECTED if not collecting else hour.note or ("" if known else NOTHING_YET),
    )


def _series(name: Figure, values: Sequence[float | None]) -> Series:
    known = [value for value in values if value is not None]
    return Series(
        name=name,
        values=tuple(values),
        minimum=min(known, default=None),
        maximum=max(known, default=None),
        last=known[-1] if known else None,
    )


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
