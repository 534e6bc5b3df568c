"""The limit on trying connections: one try of a runtime at a time, and a pause after it, for everybody together.

Each try dials out and signs in at a far side that counts such things: a key held down must not look like an attack.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opsmodal.errors import TooMany

PAUSE_S = 2.0
"""As long as the answer of one try is as good as that of another."""
RUNNING_S = 9.0
"""How long to wait for a try that runs: as long as it may take."""


class Trying:
    """Hand out the slot of each runtime."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._ended: dict[str, float] = {}

    @contextmanager
    def slot(self, runtime: str) -> Iterator[None]:
        """Hold the slot of a runtime for one try. Raise TooMany while it is held, and for a moment after."""
        with self._lock:
            self._demand(runtime)
            self._running.add(runtime)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(runtime)
                self._ended = {name: at for name, at in self._ended.items() if self._waits(at) > 0}
                self._ended[runtime] = self._clock()

    def _demand(self, runtime: str) -> None:
        if runtime in self._running:
            hint = "Its result will be on this page in a few seconds."
            raise TooMany("The connections are being tested just now.", hint=hint, retry_after_s=RUNNING_S)
        left_s = self._waits(self._ended[runtime]) if runtime in self._ended else 0.0
        if left_s > 0:
            hint = "What was found is on this page."
            raise TooMany("The connections were tested a moment ago.", hint=hint, retry_after_s=left_s)

    def _waits(self, ended_at: float) -> float:
        return PAUSE_S - (self._clock() - ended_at)
