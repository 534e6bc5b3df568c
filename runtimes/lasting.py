"""The contracts of what goes on until somebody closes it. Part of `runtimes.base`, where they are imported from."""

from __future__ import annotations

from typing import Protocol

from connectors.stream import Stream as Stream  # noqa: PLC0414 - the contracts of what lasts are imported together


class Watch(Protocol):
    """Somebody's lasting interest in the instances of one service, from `Instances.watch`.

    While it is open the list is kept current, and many watches share what that costs. It holds no queue: whoever is
    told that something is new reads the list again, as often or as seldom as suits the reader.
    """

    @property
    def ended(self) -> bool:
        """Whether it tells nothing any more: it, or the runtime, was closed. Then watch again, or give up."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Return True when `list` may answer differently (rows, figures or staleness) than when last waited for.

        Never raises: a runtime that is silent is news once, and then none until it answers again. Once it has `ended`
        it returns at once: True the first time, then False.
        """
        ...

    def close(self) -> None:
        """End the interest. May be called twice, and from another thread: who waits then returns."""
        ...
