"""The last hour of what instances used, as rings of numbers: kept for the services that somebody looks at.

Every worker fills its rings from the store, and asks it only for what is new since it last looked; so the worker that
collects and all others show the same, and a restart loses nothing. Bounded in all: whole services go, those first that
were not looked at for longest.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic, time

from opsmodal.history.used import FIGURES, SLOTS, STEP_S, Moment, Point, UsedStore, slot_of

RINGS_MAX = 10_000
"""Instances of all services together. A ring is 120 times 4 numbers of 4 bytes: 20 MB at most."""
FRESH_S = 5.0
"""How old what was read may be: figures come every 30 s."""
UNKNOWN: Point = (math.nan, math.nan, math.nan, math.nan)
LATE_SLOTS = 3
"""So many slots may pass before a missing figure is shown as a gap: it is measured, and written, a little later."""


class Ring:
    """The figures of one instance, each slot in its place; NaN where nothing is known."""

    __slots__ = ("_numbers", "last")

    def __init__(self) -> None:
        self._numbers = array("f", [math.nan]) * (SLOTS * FIGURES)
        self.last = 0

    def put(self, slot: int, point: Point) -> None:
        """Take in a point. What lies between it and the last one is a gap; one older than an hour is not taken."""
        if slot <= self.last - SLOTS:
            return
        for passed in range(max(self.last + 1, slot - SLOTS + 1), slot):
            self._write(passed, UNKNOWN)
        self._write(slot, point)
        self.last = max(self.last, slot)

    def points(self, end: int) -> list[Point]:
        """Give the hour up to and with the slot `end`, oldest first."""
        return [self._read(slot) for slot in range(end - SLOTS + 1, end + 1)]

    def _write(self, slot: int, point: Sequence[float]) -> None:
        at = slot % SLOTS * FIGURES
        self._numbers[at : at + FIGURES] = array("f", point)

    def _read(self, slot: int) -> Point:
        if not self.last - SLOTS < slot <= self.last:
            return UNKNOWN
        at = slot % SLOTS * FIGURES
        cpu, memory, received, sent = self._numbers[at : at + FIGURES]
        return cpu, memory, received, sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour of figures, oldest first; `end_s` is when the last was taken, `note` says why some are missing."""

    points: Sequence[Point]
    end_s: int
    note: str = ""
    known: bool = True
    """Whether any figure was taken of it."""


@dataclass(slots=True)
class _Service:
    rings: dict[str, Ring] = field(default_factory=dict)
    newest: int = 0
    note: str = ""
    read_at: float = -math.inf


class Hours:
    """The hours of instances and of services. Safe to use from several threads."""

    def __init__(self, used: UsedStore, *, rings_max: int = RINGS_MAX, now_s: Callable[[], float] = time) -> None:
        self._used = used
        self._rings_max = rings_max
        self._now_s = now_s
        self._lock = threading.Lock()
        self._services: OrderedDict[str, _Service] = OrderedDict()

    def instance(self, service: str, instance: str) -> Hour:
        """Give the hour of one instance. Raise StoreProblem."""
        with self._lock:
            known = self._read(service)
            ring = known.rings.get(instance)
            return self._hour(known, [ring] if ring else [])

    def service(self, service: str) -> Hour:
        """Give the hour of all instances together. Raise StoreProblem."""
        with self._lock:
            known = self._read(service)
            return self._hour(known, list(known.rings.values()))

    def _hour(self, known: _Service, rings: Sequence[Ring]) -> Hour:
        now = slot_of(self._now_s())
        # Another replica's clock may be ahead of ours: what it wrote is shown as it is.
        end = known.newest if known.newest >= now - LATE_SLOTS else now
        points = summed([ring.points(end) for ring in rings])
        return Hour(points=points, end_s=end * STEP_S, note=known.note, known=bool(rings))

    def _read(self, service: str) -> _Service:
        known = self._services.setdefault(service, _Service())
        self._services.move_to_end(service)
        if monotonic() - known.read_at >= FRESH_S:
            oldest = slot_of(self._now_s()) - SLOTS - LATE_SLOTS
            for moment in self._used.after(service, max(known.newest, oldest)):
                self._take(known, moment)
            known.read_at = monotonic()
            self._make_room(service)
        return known

    def _take(self, known: _Service, moment: Moment) -> None:
        for instance, point in moment.points.items():
            known.rings.setdefault(instance, Ring()).put(moment.slot, point)
        known.newest, known.note = moment.slot, moment.note
        for instance in [name for name, ring in known.rings.items() if ring.last <= moment.slot - SLOTS]:
            del known.rings[instance]

    def _make_room(self, service: str) -> None:
        while len(self._services) > 1 and self._count() > self._rings_max:
            self._services.popitem(last=False)
        rings = self._services[service].rings
        if len(rings) > self._rings_max:
            for instance in sorted(rings, key=lambda name: rings[name].last)[: len(rings) - self._rings_max]:
                del rings[instance]

    def _count(self) -> int:
        return sum(len(known.rings) for known in self._services.values())


def summed(hours: Sequence[Sequence[Point]]) -> list[Point]:
    """Add hours up, slot by slot; what is known of none stays unknown."""
    if not hours:
        return [UNKNOWN] * SLOTS
    if len(hours) == 1:
        return list(hours[0])
    return [_sum(points) for points in zip(*hours, strict=True)]


def _sum(points: Iterable[Point]) -> Point:
    totals, known = [0.0] * FIGURES, [False] * FIGURES
    for point in points:
        for at, figure in enumerate(point):
            if not math.isnan(figure):
                totals[at] += figure
                known[at] = True
    cpu, memory, received, sent = (total if seen else math.nan for total, seen in zip(totals, known, strict=True))
    return cpu, memory, received, sent
