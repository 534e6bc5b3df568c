"""The third step through the door: slots, the limits on how much somebody may have going on at once.

A slot is a context manager that raises TooMany when there is none left. It is taken before the intent is written and
given back after the outcome; where a job outlives the request, the job keeps it (see `opsmodal.streams`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext

Slot = AbstractContextManager[object]

FREE: Slot = nullcontext()
"""No limit."""
TOLD_EVERY_S = 60.0
"""A page that finds no slot tries again every few seconds: that is one attempt, and not one row each time."""
TOLD_MAX = 1000
"""How many are remembered as told; the oldest is forgotten first."""


class Told:
    """Remembers what was written down lately, so that what comes again and again is written once a minute."""

    def __init__(self, *, every_s: float = TOLD_EVERY_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._told: OrderedDict[Hashable, float] = OrderedDict()

    def is_news(self, what: Hashable) -> bool:
        """Tell whether this was not told for a minute; from now on it was."""
        now = self._clock()
        with self._lock:
            told_at = self._told.get(what)
            if told_at is not None and now - told_at < self._every_s:
                return False
            self._told.pop(what, None)
            self._told[what] = now
            while len(self._told) > TOLD_MAX:
                self._told.popitem(last=False)
        return True
