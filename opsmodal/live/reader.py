"""One page that watches a view: it holds at most a second's frames that have not been taken yet.

A page that takes nothing is not waited for and nothing more is kept for it: it is told that it has missed something,
and asks for what it lacks when it is able to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Protocol

PENDING_MAX = 4
"""A second of changes. With a single one, a machine that is busy for a moment makes a thousand pages ask anew, and is
busier still; the frames are shared, so that holding on to them costs next to nothing."""


class Watched(Protocol):
    """What a reader watches."""

    def catch_up(self, reader: Reader, have: Collection[str], shape: str | None) -> Any: ...

    def leave(self, reader: Reader) -> None: ...


class Missed:
    """Stands for changes that were not kept."""


MISSED = Missed()


class Reader:
    """A place for a few frames. `wake` is called, from whichever thread, when there is something to take."""

    def __init__(self, view: Watched, wake: Callable[[], None]) -> None:
        self._view = view
        self._wake = wake
        self._pending: deque[Any] = deque()
        self._behind = True
        self.ended = ""
        """Why nothing comes any more; empty as long as something may."""

    def catch_up(self, have: Collection[str] = (), shape: str | None = None) -> Any:
        """Give what a page lacks that shows the rows of these marks; from now on it is told of every change."""
        return self._view.catch_up(self, have, shape)

    def take(self) -> Any:
        """Give the next that is new: a frame, MISSED, or None."""
        try:
            return self._pending.popleft()
        except IndexError:
            return None

    def close(self) -> None:
        """Stop watching. May be called twice."""
        self._view.leave(self)

    def put(self, frame: Any) -> None:
        """Take a frame in; called under the view's lock."""
        if self._behind:
            return
        self._behind = len(self._pending) >= PENDING_MAX
        if self._behind:
            self._pending.clear()
        self._pending.append(MISSED if self._behind else frame)
        self._wake()

    def begin(self) -> None:
        """Start from the view as it is; called under the view's lock."""
        self._behind = False
        self._pending.clear()

    def end(self, why: str) -> None:
        """Say that nothing comes any more."""
        self.ended = why
        self._wake()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
