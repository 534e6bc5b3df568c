"""Waiting for news of a live collection: holds nothing but where the collection stood when somebody last looked.

It keeps the collection alive and gives no data: a slow reader costs nothing, and one that is told late reads later.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Protocol

SLICE_S = 1.0
"""How often somebody who waits looks at the clock: a list becomes stale by time alone, which nobody tells."""

Mark = tuple[int, int, bool, bool, str]
"""Where a collection stands: changes, stirs, whether it is known, whether it is stale and why."""


class Watched(Protocol):
    """What an interest needs of a collection."""

    closed: bool

    def moved(self, mark: Mark, ended: Callable[[], bool], timeout_s: float) -> Mark: ...

    def leave(self) -> None: ...


class Interest:
    """One reader's interest in a collection; it must be closed."""

    def __init__(self, collection: Watched, mark: Mark) -> None:
        self._collection = collection
        self._mark = mark
        self._closed = False
        self._told_end = False

    @property
    def ended(self) -> bool:
        """Whether it, or the collection, was closed."""
        return self._closed or self._collection.closed

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as something is new since the last time, False after `timeout_s`; never raises."""
        deadline = monotonic() + timeout_s
        while not self.ended:
            slice_s = max(0.0, min(SLICE_S, deadline - monotonic()))
            mark = self._collection.moved(self._mark, lambda: self.ended, slice_s)
            if mark != self._mark and not self.ended:
                self._mark = mark
                return True
            if monotonic() >= deadline:
                return False
        first, self._told_end = not self._told_end, True
        return first

    def close(self) -> None:
        """Stop being counted as a reader. May be called twice, and from another thread."""
        if not self._closed:
            self._closed = True
            self._collection.leave()
