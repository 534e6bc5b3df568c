"""Remembers which pods restarted lately: one look at a pod cannot tell three restarts today from three last year.

Only changes of a count are kept, for ten minutes: of 5,000 pods that stay as they are nothing is. Kept nowhere else, so
after a restart of opsmodal only what a single look proves counts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import UTC, datetime

from runtimes.base import RESTART_LOOP_WINDOW
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.pods.severity import MOMENT
from runtimes.kubernetes.pods.status import all_statuses

PODS_MAX = 20_000
"""Pods remembered at once, about 20 MB; the ones that changed longest ago go first."""
CHANGES_MAX = 8
"""Changes kept of one pod: more than ten minutes can hold, as back-off doubles the pauses from 10 s to 5 minutes."""

Counts = tuple[int, ...]
"""By container, in the order in which the kubelet reports them, which stays the same."""
Change = tuple[float, Counts]
"""Until when (seconds since 1970) the counts were so. A datetime and a dictionary take three times as much."""


class Restarts:
    """How the restart counts of pods changed. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: OrderedDict[str, tuple[Change, ...]] = OrderedDict()
        """By uid; whose last change is longest ago comes first."""

    def note(self, before: HeldPod, after: HeldPod, now: datetime) -> None:
        """Take note of how a pod is after a change, when its counts are others."""
        counts, uid = _counts(before), after.metadata.uid
        if before.metadata.uid != uid or counts == _counts(after):
            return
        with self._lock:
            left = _lately(self._changed.pop(uid, ()), now)
            self._changed[uid] = (*left[1 - CHANGES_MAX :], (now.timestamp(), counts))
            self._forget(now)

    def recent(self, pod: HeldPod, now: datetime) -> tuple[int, datetime | None]:
        """Give the most restarts that one container had within RESTART_LOOP_WINDOW, and when that will be fewer."""
        with self._lock:
            left = _lately(self._changed.get(pod.metadata.uid, ()), now)
        if not left:
            return 0, None
        at, first = left[0]
        counts = _counts(pod)
        if len(counts) != len(first):
            return 0, None
        most = max((count - earlier for count, earlier in zip(counts, first, strict=True)), default=0)
        return most, datetime.fromtimestamp(at, UTC) + RESTART_LOOP_WINDOW + MOMENT

    def _forget(self, now: datetime) -> None:
        """Let go of pods that have not restarted for long; only with the lock held."""
        while self._changed:
            uid, changes = next(iter(self._changed.items()))
            if len(self._changed) <= PODS_MAX and _lately(changes, now):
                return
            del self._changed[uid]


def _lately(changes: tuple[Change, ...], now: datetime) -> tuple[Change, ...]:
    since = (now - RESTART_LOOP_WINDOW).timestamp()
    return tuple([each for each in changes if each[0] >= since]) if changes else ()


def _counts(pod: HeldPod) -> Counts:
    return tuple([status.restart_count for status in all_statuses(pod)])
