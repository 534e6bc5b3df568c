"""Keeps what the Metrics API said for a few seconds: it measures every 15 s, and lists are looked at all the time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import monotonic

from runtimes.base import Scope
from runtimes.kubernetes import metrics
from runtimes.kubernetes.client import Client
from runtimes.kubernetes.metrics import Figures

FRESH_S = 10.0
FAILED_S = 3.0
"""How soon a Metrics API that did not answer is asked again."""
KEPT_MAX = 500

Key = tuple[str, str]


class RecentFigures:
    """The latest figures of services. Safe to use from several threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[float, Figures]] = OrderedDict()

    def read(self, scope: Scope) -> Figures:
        """Give figures at most FRESH_S old. Never raises."""
        key = (scope.namespace, scope.selector)
        with self._lock:
            until, known = self._kept.get(key, (0.0, Figures()))
            if monotonic() < until:
                return known
            if key in self._kept:  # whoever comes while these are being renewed gets the older ones
                self._kept[key] = (monotonic() + FAILED_S, known)
        figures = metrics.read(self._client, scope.namespace, scope.selector)
        self._keep(key, figures)
        return figures

    def known(self, scope: Scope) -> Figures:
        """Give the last figures without asking, however old."""
        with self._lock:
            return self._kept.get((scope.namespace, scope.selector), (0.0, Figures()))[1]

    def _keep(self, key: Key, figures: Figures) -> None:
        with self._lock:
            self._kept[key] = (monotonic() + (FAILED_S if figures.problem else FRESH_S), figures)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
