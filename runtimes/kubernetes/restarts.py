"""Remembers which pods restarted lately: one look at a pod cannot tell three restarts today from three last year.

Only changes of a count are kept, for ten minutes: of 5,000 pods that stay as they are nothing is. Kept nowhere else, so
after a restart of opsmodal only what a single look proves counts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from runtimes.base import RESTART_LOOP_WINDOW
from runtimes.kubernetes.held import HeldPod
from runtimes.kubernetes.status import MOMENT, all_statuses

PODS_MAX = 20_000
"""Pods remembered at once, at most some 20 MB; the ones that changed longest ago go first."""
COUNTS_MAX = 32
"""Different counts kept of one pod: more than ten minutes can hold, as back-off soon makes restarts rare."""

Counts = Mapping[str, int]


class Restarts:
    """How the restart counts of pods changed. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: OrderedDict[str, list[tuple[Counts, datetime]]] = OrderedDict()
        """By uid: counts that are no more, each with the time when it was last true."""

    def note(self, before: HeldPod, after: HeldPod, now: datetime) -> None:
        """Take note of how a pod is after a change, when its counts are others."""
        counts, uid = _counts(before), after.metadata.uid
        if before.metadata.uid != uid or counts == _counts(after):
            return
        with self._lock:
            left = [each for each in self._changed.pop(uid, []) if now - each[1] <= RESTART_LOOP_WINDOW]
            self._changed[uid] = [*left[-COUNTS_MAX:], (counts, now)]
            while len(self._changed) > PODS_MAX:
                self._changed.popitem(last=False)

    def recent(self, pod: HeldPod, now: datetime) -> tuple[int, datetime | None]:
        """Give the most restarts that one container had within RESTART_LOOP_WINDOW, and when that will be fewer."""
        with self._lock:
            known = self._changed.get(pod.metadata.uid)
            if known is None:
                return 0, None
            left = [each for each in known if now - each[1] <= RESTART_LOOP_WINDOW]
            if not left:
                del self._changed[pod.metadata.uid]
                return 0, None
        first, at = left[0]
        most = max((count - first.get(name, count) for name, count in _counts(pod).items()), default=0)
        return most, at + RESTART_LOOP_WINDOW + MOMENT


def _counts(pod: HeldPod) -> dict[str, int]:
    return {status.name: status.restart_count for status in all_statuses(pod)}
