"""How often a container restarted lately. Engines count restarts for ever and do not say when they happened.

So each read is remembered: a moment and the count at that moment. What was there before the first read, or while
nobody looked, is filled in from the engine's events. The memory is bounded in containers and in moments; it is lost
with the process, which costs one look at the events.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from runtimes.base import RESTART_LOOP_WINDOW

CONTAINERS_MAX = 2000
"""Four times what one engine runs in practice; the one that was not looked at for longest is forgotten first."""
MOMENTS_MAX = 64
LATE_MAX = 2
"""Two answers about one container may overtake each other: a count lower by so much was late, not begun anew."""


@dataclass(slots=True)
class _History:
    """(when, count from then on), oldest first; the first is the ground that restarts are counted from."""

    read_at: datetime
    moments: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=MOMENTS_MAX))


class Restarts:
    """Restart counts over time. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, _History] = OrderedDict()

    def knows(self, container: str, now: datetime) -> bool:
        """Say whether the container was read within the window, so that what changed since is recent."""
        with self._lock:
            history = self._seen.get(container)
            return history is not None and now - history.read_at < RESTART_LOOP_WINDOW

    def fill(self, container: str, count: int, deaths: Iterable[datetime], now: datetime) -> None:
        """Begin the history of a container that restarted `count` times anew, out of the moments at which it died."""
        ends = sorted(deaths)[-min(count, MOMENTS_MAX - 1) :] if count else []
        ground = count - len(ends)
        history = _History(now)
        if ends:
            history.moments.append((ends[0], ground))
        history.moments.extend((at, ground + nth) for nth, at in enumerate(ends, 1))
        with self._lock:
            self._kept(container, history)

    def recent(self, container: str, count: int, now: datetime) -> int:
        """Take down that the container has restarted `count` times; give how many of these lie in the window."""
        with self._lock:
            history = self._seen.get(container) or _History(now)
            self._kept(container, history)
            history.read_at, moments = now, history.moments
            last = moments[-1][1] if moments else 0
            if count < last and (count == 0 or last - count > LATE_MAX):  # started by hand: Docker begins to count anew
                moments.clear()
            if not moments or count > last:
                moments.append((now, count))
            return _within(history, count, now)

    def known(self, container: str, count: int, now: datetime) -> int:
        """Give how many of `count` restarts lie in the window; takes nothing down, as `count` may be of a while ago."""
        with self._lock:
            history = self._seen.get(container)
            return _within(history, count, now) if history is not None and history.moments else 0

    def _kept(self, container: str, history: _History) -> None:
        self._seen[container] = history
        self._seen.move_to_end(container)
        while len(self._seen) > CONTAINERS_MAX:
            self._seen.popitem(last=False)


def _within(history: _History, count: int, now: datetime) -> int:
    moments = history.moments
    while len(moments) > 1 and moments[1][0] <= now - RESTART_LOOP_WINDOW:
        moments.popleft()
    return max(0, count - moments[0][1])
