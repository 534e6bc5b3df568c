"""The last hour of what instances used, as rings of numbers: kept for those that somebody looks at.

Every worker fills its rings from the store, and asks it only for what is new since it last looked; so the worker that
collects and all others show the same, and a restart loses nothing. Bounded in all: those go first that were not looked
at for longest.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, time

from opsmodal.history.used import FIGURES, SLOTS, STEP_S, TOTAL, UNKNOWN, Point, UsedStore, slot_of

RINGS_MAX = 5_000
"""Instances of all services together. A ring is 120 times 6 numbers of 4 bytes: some 18 MB at most."""
FRESH_S = 5.0
"""How old what was read may be: figures come every 30 s."""
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
        return tuple(self._numbers[at : at + FIGURES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour of figures, oldest first; `end_s` is when the last was taken, `note` says why some are missing."""

    points: Sequence[Point]
    end_s: int
    note: str = ""
    known: bool = True
    """Whether any figure was taken of it."""


@dataclass(slots=True)
class _Kept:
    ring: Ring = field(default_factory=Ring)
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
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def service(self, service: str) -> Hour:
        """Give the hour of all instances together. Raise StoreProblem."""
        return self.instance(service, TOTAL)

    def instance(self, service: str, instance: str) -> Hour:
        """Give the hour of one instance. Raise StoreProblem."""
        kept = self._fresh((service, instance))
        with self._lock:
            now = slot_of(self._now_s())
            # Another replica's clock may be ahead of ours: what it wrote is shown as it is.
            end = kept.newest if kept.newest >= now - LATE_SLOTS else now
            points, known = kept.ring.points(end), bool(kept.ring.last)
            return Hour(points=points, end_s=end * STEP_S, note=kept.note, known=known)

    def several(self, service: str, instances: Sequence[str]) -> dict[str, Hour]:
        """Give the hours of many instances of one service, by one question to the store. Raise StoreProblem."""
        keys = [(service, instance) for instance in instances]
        with self._lock:
            old = [key for key in keys if self._is_old(key)]
            newest = min((self._kept[key].newest for key in old if key in self._kept), default=0)
            if len(old) > sum(key in self._kept for key in old):
                newest = 0
        if old:
            self._fill(service, old, max(newest, slot_of(self._now_s()) - SLOTS - LATE_SLOTS))
        return {instance: self.instance(service, instance) for instance in instances}

    def _is_old(self, key: tuple[str, str]) -> bool:
        return key not in self._kept or monotonic() - self._kept[key].read_at >= FRESH_S

    def _fill(self, service: str, keys: Sequence[tuple[str, str]], after: int) -> None:
        rows = self._used.all_after(service, after)
        with self._lock:
            for key in keys:
                kept = self._kept.setdefault(key, _Kept())
                for slot, points, note in rows:
                    if slot > kept.newest and key[1] in points:
                        kept.ring.put(slot, points[key[1]])
                    if slot > kept.newest:
                        kept.newest, kept.note = slot, note
                kept.read_at = monotonic()

    def _fresh(self, key: tuple[str, str]) -> _Kept:
        """Give a ring that holds what the store does. The store is asked without the lock: others need not wait."""
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > self._rings_max:
                self._kept.popitem(last=False)
            if monotonic() - kept.read_at < FRESH_S:
                return kept
            newest = kept.newest
        oldest = slot_of(self._now_s()) - SLOTS - LATE_SLOTS
        found = self._used.after(key[0], max(newest, oldest), key[1])
        with self._lock:
            for seen in found:
                if seen.point is not None:
                    kept.ring.put(seen.slot, seen.point)
                kept.newest, kept.note = max(kept.newest, seen.slot), seen.note
            kept.read_at = monotonic()
            return kept
