"""Tells a reader when the rows of a namespace's pods may be different: the pods, what they use, or how old that is."""

from __future__ import annotations

from runtimes.interest import Interest
from runtimes.kubernetes.figures import RecentFigures


class PodWatch:
    """One reader's interest in pods and their figures. Satisfies `runtimes.base.Watch`."""

    def __init__(self, interest: Interest, figures: RecentFigures, namespace: str) -> None:
        self._interest = interest
        self._figures = figures
        self._namespace = namespace
        self._open = True
        figures.watch(namespace)

    @property
    def ended(self) -> bool:
        """Whether it, or the runtime, was closed."""
        return self._interest.ended

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as a row may be different from when this was last True, False after `timeout_s`."""
        return self._interest.wait(timeout_s)

    def close(self) -> None:
        """End the interest. May be called twice, and from another thread."""
        if self._open:
            self._open = False
            self._figures.leave(self._namespace)
            self._interest.close()
