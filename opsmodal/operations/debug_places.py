"""How many debug pods may be alive at once, on a service and of one person: each takes room on a node for an hour.

What is alive is counted in the cluster, so it holds for all workers and after a restart. One is made at a time per
service and process; two workers at the very same moment may go one over. It refuses to take anything away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from opsmodal.errors import TooMany
from runtimes.debugging import DebugPod

OVER = frozenset({"Succeeded", "Failed", "Terminating"})
"""States of pods that take no room any more, or soon none."""
TURN_S = 20.0
"""How long is waited for one that is being made: that takes 5 s at most, and the cluster's answers."""
RETRY_S = 60.0


class Places:
    """The places for debug pods."""

    def __init__(self, *, per_service: int, per_person: int) -> None:
        self.per_service = per_service
        self.per_person = per_person
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        """By service: as many as the registry has."""

    def demand(self, known: Sequence[DebugPod], person: str) -> None:
        """Raise TooMany where there is no place left beside those that are known."""
        alive = [each for each in known if each.state not in OVER]
        own = sum(each.made_by == person for each in alive)
        if own >= self.per_person:
            sentence = f"You have {_counted(own)} on this service already, and {self.per_person} is the most."
            raise TooMany(sentence, hint="Remove one of them first, or use it.", retry_after_s=RETRY_S)
        if len(alive) >= self.per_service:
            sentence = f"This service has {_counted(len(alive))} already, and {self.per_service} is the most."
            hint = "Remove one that nobody needs, or wait: each is gone after an hour."
            raise TooMany(sentence, hint=hint, retry_after_s=RETRY_S)

    @contextmanager
    def place(self, service: str, person: str, known: Callable[[], Sequence[DebugPod]]) -> Iterator[None]:
        """Hold a place while a pod is made. Raise TooMany, and what `known` raises."""
        with self._lock:
            turn = self._turns.setdefault(service, threading.Lock())
        if not turn.acquire(timeout=TURN_S):
            sentence = "Other debug pods of this service are being made just now."
            raise TooMany(sentence, hint="Try again in a moment.", retry_after_s=TURN_S)
        try:
            self.demand(known(), person)
            yield
        finally:
            turn.release()


def _counted(count: int) -> str:
    return "1 debug pod" if count == 1 else f"{count} debug pods"
