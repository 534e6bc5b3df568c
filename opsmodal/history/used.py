"""Figures of the last hour in the store: of each service one row for each half minute, 120 of them, written over again.

A row holds six numbers of 4 bytes for each instance. That was weighed against one row for each instance with its whole
hour: of 1,000 pods, 60 KB every 30 s in as many rows as there are services, instead of 2 MB every few minutes in 1,000
rows, and no figure is lost when a worker ends or shown late by another. Source of the sizes: docs/decisions.md.
"""

from __future__ import annotations

import math
import struct
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from opsmodal.store.store import Store
from opsmodal.store.tables import UsageRow
from runtimes.base import Usage
from runtimes.history import Used

STEP_S = 30
SLOTS = 120
"""Half minutes of an hour."""
FIGURES = 6
"""CPU cores, bytes of memory, bytes received and sent a second, bytes read from and written to disks a second."""
NOTE_MAX_CHARS = 500
COUNTERS_MAX = 20_000
"""Instances whose last counters are remembered, to tell from the next ones how much went over the network."""
SPAN_MAX_S = 3 * STEP_S
"""Counters further apart say too little of a moment."""

TOTAL = ""
"""In the place of an instance: all of a service together."""

Point = tuple[float, ...]
"""The FIGURES at one moment, in their order; NaN is "not known", never 0."""
UNKNOWN: Point = (math.nan,) * FIGURES

_PACKED = struct.Struct(f"<{FIGURES}f")
_HEAD = bytes((0xC4, _PACKED.size))
"""What msgpack writes before so many bytes. Source: https://github.com/msgpack/msgpack/blob/master/spec.md"""
_FEWER = struct.Struct("<4f")
_FEWER_HEAD = bytes((0xC4, _FEWER.size))
"""Rows of before there were figures of disks: the hour before an update stays, and so do other workers' rows."""


Counters = tuple[int | None, ...]
"""What only grows, by instance: bytes received, sent, read and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the instances of a service used in one slot (half minutes since 1970); `note`: why figures are missing."""

    service: str
    slot: int
    points: Mapping[str, Point]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one instance used in one slot; `point` is None when there is no figure of it."""

    slot: int
    point: Point | None
    note: str


def slot_of(at_s: float) -> int:
    """Give the slot of a moment in seconds since 1970."""
    return int(at_s // STEP_S)


class UsedStore:
    """The figures in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, moments: Sequence[Moment]) -> None:
        """Write moments in one transaction; of one service and slot the last counts. Raise StoreProblem."""
        rows = {(each.service, each.slot % SLOTS): _row(each) for each in moments}
        if not rows:
            return
        insert = (sqlite.insert if self._store.is_sqlite else postgresql.insert)(UsageRow).values(list(rows.values()))
        values = {name: insert.excluded[name] for name in ("slot", "figures", "note")}
        with self._store.session() as session:
            session.execute(insert.on_conflict_do_update(index_elements=["service", "place"], set_=values))

    def after(self, service: str, slot: int, instance: str = TOTAL) -> list[Seen]:
        """Read what an instance used after a slot, oldest first; of the whole service for TOTAL."""
        wanted = select(UsageRow).where(UsageRow.service == service, UsageRow.slot > slot).order_by(UsageRow.slot)
        with self._store.reading() as session:
            return [
                Seen(slot=row.slot, point=found(row.figures, instance), note=row.note)
                for row in session.scalars(wanted)
            ]

    def all_after(self, service: str, slot: int) -> list[tuple[int, Mapping[str, Point], str]]:
        """Read what every instance used after a slot, oldest first: (slot, points by instance, note)."""
        wanted = select(UsageRow).where(UsageRow.service == service, UsageRow.slot > slot).order_by(UsageRow.slot)
        with self._store.reading() as session:
            return [(row.slot, unpacked(row.figures), row.note) for row in session.scalars(wanted)]


class Rates:
    """Turns counters that only grow into bytes a second, by what they were before. For one thread at a time."""

    def __init__(self) -> None:
        self._before: OrderedDict[tuple[str, str], tuple[float, Counters]] = OrderedDict()

    def moment(self, service: str, used: Used, *, slot: int, at_s: float) -> Moment:
        """Make a moment of what is used now; `at_s` is a clock that only goes forward."""
        points = {instance: self._point((service, instance), usage, at_s) for instance, usage in used.figures.items()}
        return Moment(service=service, slot=slot, points=points, note=used.note[:NOTE_MAX_CHARS])

    def _point(self, key: tuple[str, str], usage: Usage, at_s: float) -> Point:
        before_s, before = self._before.pop(key, (-math.inf, (None,) * 4))
        now = (
            usage.network_rx_bytes,
            usage.network_tx_bytes,
            usage.block_read_bytes,
            usage.block_written_bytes,
        )
        self._before[key] = (at_s, now)
        while len(self._before) > COUNTERS_MAX:
            self._before.popitem(last=False)
        span_s = at_s - before_s
        return (
            math.nan if usage.cpu_cores is None else usage.cpu_cores,
            math.nan if usage.memory_bytes is None else float(usage.memory_bytes),
            *(_rate(was, count, span_s) for was, count in zip(before, now, strict=True)),
        )


def _rate(before: int | None, now: int | None, span_s: float) -> float:
    """Give bytes a second; NaN where either is not known, or the counter began anew."""
    if before is None or now is None or now < before or not 0 < span_s <= SPAN_MAX_S:
        return math.nan
    return (now - before) / span_s


def _row(moment: Moment) -> dict[str, object]:
    return {
        "service": moment.service,
        "place": moment.slot % SLOTS,
        "slot": moment.slot,
        "figures": packed(moment.points),
        "note": moment.note,
    }


def packed(points: Mapping[str, Point]) -> bytes:
    """Write the points of instances, and before them their sum, as one map of msgpack."""
    whole = {TOTAL: summed(points.values()), **points} if points else {}
    return msgspec.msgpack.encode({instance: _PACKED.pack(*point) for instance, point in whole.items()})


def found(figures: bytes, instance: str) -> Point | None:
    """Find the point of one instance without reading the others: of 5,000 that would take a second for an hour.

    A name stands behind its length and before the head of its figures, so no other name that holds it is found: names
    of pods and ids of containers are ASCII, and no byte of a length is.
    """
    name = msgspec.msgpack.encode(instance)
    for head, numbers in ((name + _HEAD, _PACKED), (name + _FEWER_HEAD, _FEWER)):
        at = figures.find(head)
        if at >= 0:
            known: Point = numbers.unpack_from(figures, at + len(head))
            return known + UNKNOWN[len(known) :]
    return None


def unpacked(figures: bytes) -> dict[str, Point]:
    """Read the points of all instances, and their sum under TOTAL."""
    packed_points = msgspec.msgpack.decode(figures, type=dict[str, bytes]) if figures else {}
    return {instance: _padded(numbers) for instance, numbers in packed_points.items()}


def _padded(numbers: bytes) -> Point:
    known: Point = (_PACKED if len(numbers) == _PACKED.size else _FEWER).unpack(numbers)
    return known + UNKNOWN[len(known) :]


def summed(points: Iterable[Point]) -> Point:
    """Add points up, figure by figure; what is known of none stays unknown."""
    totals, known = [0.0] * FIGURES, [False] * FIGURES
    for point in points:
        for at, figure in enumerate(point):
            if not math.isnan(figure):
                totals[at] += figure
                known[at] = True
    return tuple(total if seen else math.nan for total, seen in zip(totals, known, strict=True))
