"""Where the kubectl of one runtime keeps what it found out of the cluster's kinds, between one run and the next.

Without it each run asks for them anew: two requests, and the parsing of a megabyte on a cluster with many kinds. It is
of this runtime and this process only, in its private folder, and given up before it is old: what a word means to
kubectl must not be long behind what it means to a guard, which asks the cluster each minute.
"""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from runtimes.child import Children

LASTS_S = 600.0
"""kubectl itself would take six hours."""


class Cache:
    """The folder of the cache; safe to use from several threads."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._made_at = 0.0

    def folder(self) -> Path:
        """Give the folder to use now. Raise Unavailable when it cannot be made."""
        with self._lock:
            old, now = self._folder, time.monotonic()
            if old is not None and now - self._made_at < LASTS_S:
                return old
            made = self._folder = self._children.folder()
            self._made_at = now
        if old is not None:  # a kubectl that still uses it goes on without
            shutil.rmtree(old, ignore_errors=True)
        return made
