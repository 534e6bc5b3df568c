"""The rows of the pods of a namespace, made anew only where a pod, its figures or the time has changed something.

Of 5,000 pods a few change in a second, and a thousand people may be looking. A row that is the same is the same object,
so that whoever compares two lists sees at once what is new. It refuses to hold what is no longer watched: `forget`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from runtimes.base import Instance, Usage
from runtimes.kubernetes.figures.metrics import Figures
from runtimes.kubernetes.objects.held import HeldPod, Labels
from runtimes.kubernetes.pods import instance as making
from runtimes.kubernetes.pods.restarts import Restarts
from runtimes.kubernetes.pods.severity import turns_at
from runtimes.structs import make_ready

JUMP = timedelta(seconds=2)
"""When the clock and the time since differ by more, the clock was set: every row is made anew."""
SELECTORS_MAX = 50
"""Services of one namespace whose part of its rows is kept."""

Pods = tuple[HeldPod, ...]
Given = tuple[Instance, ...]


class _Row(Struct, frozen=True, gc=False):
    pod: HeldPod
    usage: Usage
    row: Instance
    turn: datetime | None


class _Made:
    """The rows of one namespace as they were made last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pods: Pods | None = None
        self.figures: Figures | None = None
        self.rows: Given = ()
        self.by_name: dict[str, _Row] = {}
        self.turn: datetime | None = None
        self.clock: tuple[datetime, float] | None = None
        self.selected: dict[str, tuple[Given, Given]] = {}

    def holds(self, pods: Pods, figures: Figures, now: datetime) -> bool:
        """Say whether nothing has changed since, and time alone changes nothing."""
        same = pods is self.pods and figures is self.figures
        return same and (self.turn is None or now < self.turn) and not self.jumped(now)

    def jumped(self, now: datetime) -> bool:
        """Say whether the clock was set since the rows were made."""
        if self.clock is None:
            return True
        at, since = self.clock
        return abs(now - at - timedelta(seconds=monotonic() - since)) > JUMP


class Rows:
    """The rows of the namespaces of a cluster. Safe to use from several threads."""

    def __init__(self, restarts: Restarts) -> None:
        self._restarts = restarts
        self._lock = threading.Lock()
        self._made: dict[str, _Made] = {}

    def of(self, namespace: str, pods: Pods, figures: Figures, now: datetime) -> Given:
        """Give a row for each of all pods of a namespace, in their order; the same tuple while nothing changes."""
        with self._lock:
            made = self._made.setdefault(namespace, _Made())
        with made.lock:
            if not made.holds(pods, figures, now):
                self._make(made, pods, figures, now)
            return made.rows

    def selected(self, namespace: str, pods: Pods, rows: Given, *, selector: str, accepts: Accepts) -> Given:
        """Give the rows of those pods whose labels a selector accepts; the same tuple while nothing changes."""
        if not selector:
            return rows
        with self._lock:
            made = self._made.setdefault(namespace, _Made())
        with made.lock:
            whole, part = made.selected.get(selector, ((), ()))
            if whole is not rows:
                part = tuple(row for pod, row in zip(pods, rows, strict=True) if accepts(pod.metadata.labels or {}))
                made.selected[selector] = rows, part
                while len(made.selected) > SELECTORS_MAX:
                    made.selected.pop(next(iter(made.selected)))
            return part

    def one(self, pod: HeldPod, usage: Usage, now: datetime) -> Instance:
        """Make the row of a pod that was read by itself."""
        return making.instance(pod, now=now, usage=usage, recent_restarts=self._restarts.recent(pod, now)[0])

    def due(self, namespace: str) -> float | None:
        """Say when time alone changes a row, as a moment of `monotonic`; None for never."""
        made = self._made.get(namespace)
        if made is None or made.turn is None or made.clock is None:
            return None
        at, since = made.clock
        return since + (made.turn - at).total_seconds()

    def forget(self, namespace: str) -> None:
        """Give everything back that is known of a namespace."""
        with self._lock:
            self._made.pop(namespace, None)

    def _make(self, made: _Made, pods: Pods, figures: Figures, now: datetime) -> None:
        before = {} if made.jumped(now) else made.by_name
        known = made.by_name
        by_name = {pod.metadata.name: self._row(pod, figures, now, before, known) for pod in pods}
        made.pods, made.figures, made.by_name = pods, figures, by_name
        made.rows = tuple([each.row for each in by_name.values()])
        made.turn = min((each.turn for each in by_name.values() if each.turn is not None), default=None)
        made.clock = now, monotonic()

    def _row(
        self, pod: HeldPod, figures: Figures, now: datetime, valid: Mapping[str, _Row], known: Mapping[str, _Row]
    ) -> _Row:
        name = pod.metadata.name
        usage = figures.of(name, running=pod.status.phase == "Running")
        held = valid.get(name)
        if held is not None and held.pod is pod and (held.turn is None or now < held.turn):
            if held.usage is usage or held.usage == usage:
                return held
            return _Row(pod, usage, replace(held.row, usage=usage), held.turn)
        if (old := known.get(name)) is not None and old.pod is not pod:
            self._restarts.note(old.pod, pod, now)
        restarts, until = self._restarts.recent(pod, now)
        row = making.instance(pod, now=now, usage=usage, recent_restarts=restarts)
        turns = [moment for moment in (turns_at(pod, now), until) if moment is not None]
        return _Row(pod, usage, row, min(turns, default=None))


Accepts = Callable[[Labels], bool]

make_ready(globals())
