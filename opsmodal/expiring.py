"""Does something later, in one thread of this process, and remembers it nowhere else.

So it is only for what the far side ends by itself as well, when this process is gone by then. It refuses to remember
more than a bounded number of things.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

WAITING_MAX = 1000
JOIN_S = 15.0
"""What is being done when it is closed asks a runtime, which has deadlines of its own."""


class Later:
    """Things to be done later. `close` forgets them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._news = threading.Condition()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._closed = False
        self._thread: threading.Thread | None = None

    def at(self, in_s: float, do: Callable[[], None]) -> bool:
        """Do something in so many seconds; `do` handles its own errors. False without room, or when it is closed."""
        with self._news:
            if self._closed or len(self._waiting) >= WAITING_MAX:
                return False
            heapq.heappush(self._waiting, (time.monotonic() + in_s, next(self._count), do))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._news.notify()
        return True

    def close(self) -> None:
        """Forget what is left and join the thread. May be called twice."""
        with self._news:
            self._closed = True
            self._waiting.clear()
            self._news.notify()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        while (do := self._next()) is not None:
            try:
                do()
            except Exception:  # the top of a thread: the others are done all the same
                log.exception("not done in time", extra={"for": self._name})

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next one that is due; None when it is closed."""
        with self._news:
            while not self._closed:
                left_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left_s is not None and left_s <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._news.wait(left_s)
        return None
