"""Remembers restart counts for a few minutes: one look at a pod cannot tell three restarts today from three last year.

Bounded in memory, kept nowhere else: after a restart of opsmodal only what a single look proves counts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime

from runtimes.base import RESTART_LOOP_WINDOW
from runtimes.kubernetes.models import Pod
from runtimes.kubernetes.status import all_statuses

PODS_MAX = 20_000
"""Pods remembered at once, about 10 MB; the ones not seen for longest go first."""
COUNTS_MAX = 32
"""Different counts kept of one pod: more than ten minutes can hold, as back-off soon makes restarts rare."""


class Restarts:
    """What was seen of the restart counts of pods. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, list[tuple[dict[str, int], datetime]]] = OrderedDict()

    def seen(self, pod: Pod, now: datetime) -> int:
        """Note a look at a pod; give the most restarts that one of its containers had within RESTART_LOOP_WINDOW."""
        counts = {status.name: status.restart_count for status in all_statuses(pod)}
        with self._lock:
            looks = self._seen.pop(pod.metadata.uid, [])
            looks = [look for look in looks if now - look[1] <= RESTART_LOOP_WINDOW and look[0] != counts]
            # A look tells most by when these counts were last seen: older looks with other counts stay before it.
            looks = [*looks[-COUNTS_MAX:], (counts, now)]
            self._seen[pod.metadata.uid] = looks
            while len(self._seen) > PODS_MAX:
                self._seen.popitem(last=False)
        first = looks[0][0]
        return max((count - first.get(name, count) for name, count in counts.items()), default=0)
