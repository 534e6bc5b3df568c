"""Tells a reader when the rows of a namespace's pods may be different: by pods, figures, time, or how old they are."""

from __future__ import annotations

from time import monotonic

from runtimes.interest import Interest
from runtimes.kubernetes.figures.recent import RecentFigures
from runtimes.kubernetes.pods.rows import Rows


class PodWatch:
    """One reader's interest in pods and their figures. Satisfies `runtimes.base.Watch`."""

    def __init__(self, interest: Interest, figures: RecentFigures, rows: Rows, namespace: str) -> None:
        self._interest = interest
        self._figures = figures
        self._rows = rows
        self._namespace = namespace
        self._open = True
        self._told_at = 0.0
        figures.watch(namespace)

    @property
    def ended(self) -> bool:
        """Whether it, or the runtime, was closed."""
        return self._interest.ended

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as a row may be different from when this was last True, False after `timeout_s`."""
        deadline = monotonic() + timeout_s
        while True:
            now, due_at = monotonic(), self._rows.due(self._namespace)
            if due_at is not None and self._told_at < due_at <= now and not self.ended:
                self._told_at = due_at
                return True
            until = deadline if due_at is None or due_at <= now else min(deadline, due_at)
            if self._interest.wait(max(0.0, until - now)):
                return True
            if monotonic() >= deadline or self.ended:
                return False

    def close(self) -> None:
        """End the interest. May be called twice, and from another thread."""
        if self._open:
            self._open = False
            self._figures.leave(self._namespace)
            self._interest.close()
