"""Remembers where we have just changed something ourselves: there a list out of memory may be a moment behind.

A person who changes something looks at the page next, and must see it changed. It says nothing of changes by others.
"""

from __future__ import annotations

import threading
from time import monotonic

SETTLES_S = 5.0
"""So long after a change of ours its namespace is asked anew: as long as a page waits before it asks again, and far
longer than a watch is behind (a simulated cluster tells within 20 ms)."""
NAMESPACES_MAX = 1_000
WHOLE_CLUSTER = ""


class Written:
    """Where one identity has changed something of late. Safe to use from several threads."""

    def __init__(self, *, settles_s: float = SETTLES_S) -> None:
        self._settles_s = settles_s
        self._lock = threading.Lock()
        self._at: dict[str, float] = {}

    def note(self, path: str) -> None:
        """Take in that something under this path was, or may have been, changed just now."""
        now = monotonic()
        with self._lock:
            self._at[namespace_of(path)] = now
            if len(self._at) > NAMESPACES_MAX:
                self._at = {space: at for space, at in self._at.items() if now - at < self._settles_s}

    def lately(self, path: str) -> bool:
        """Say whether something in the namespace of a path was changed of late; of a cluster-wide one, in any."""
        since = monotonic() - self._settles_s
        space = namespace_of(path)
        with self._lock:
            if space == WHOLE_CLUSTER:
                return any(at > since for at in self._at.values())
            return any(self._at.get(each, since) > since for each in (space, WHOLE_CLUSTER))


def namespace_of(path: str) -> str:
    """Give the namespace that an API path lies in, "" for the whole cluster."""
    _, found, rest = path.partition("/namespaces/")
    return rest.partition("/")[0] if found else WHOLE_CLUSTER
