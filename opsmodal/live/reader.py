"""One page that watches a view: it holds at most one thing that has not been taken yet.

A page that takes nothing is not waited for and nothing is kept for it: it is told that it has missed something, and
asks for what it lacks when it is able to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol


class Watched(Protocol):
    """What a reader watches."""

    def catch_up(self, reader: Reader, have: Collection[str], shape: str | None) -> Any: ...

    def leave(self, reader: Reader) -> None: ...


class Missed:
    """Stands for changes that were not kept."""


MISSED = Missed()


class Reader:
    """A place for one frame. `wake` is called, from whichever thread, when there is something to take."""

    def __init__(self, view: Watched, wake: Callable[[], None]) -> None:
        self._view = view
        self._wake = wake
        self._pending: Any = None
        self._behind = True
        self.ended = ""
        """Why nothing comes any more; empty as long as something may."""

    def catch_up(self, have: Collection[str] = (), shape: str | None = None) -> Any:
        """Give what a page lacks that shows the rows of these marks; from now on it is told of every change."""
        return self._view.catch_up(self, have, shape)

    def take(self) -> Any:
        """Give what is new: a frame, MISSED, or None."""
        frame, self._pending = self._pending, None
        return frame

    def close(self) -> None:
        """Stop watching. May be called twice."""
        self._view.leave(self)

    def put(self, frame: Any) -> None:
        """Take a frame in; called under the view's lock."""
        if self._behind:
            return
        self._behind = self._pending is not None
        self._pending = MISSED if self._behind else frame
        self._wake()

    def begin(self) -> None:
        """Start from the view as it is; called under the view's lock."""
        self._behind, self._pending = False, None

    def end(self, why: str) -> None:
        """Say that nothing comes any more."""
        self.ended = why
        self._wake()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
