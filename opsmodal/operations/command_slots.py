"""Bounds how many one-shot commands a person has in this process: each is a program, and a request that waits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from opsmodal.errors import TooMany

ONESHOTS_MAX = 20
"""More than anybody types and than a page of runbooks starts; a program that loops is slowed down."""
RETRY_S = 5.0


class OneShots:
    """The one-shot commands that run in this process, by person."""

    def __init__(self, most: int = ONESHOTS_MAX) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()

    @contextmanager
    def slot(self, owner: str) -> Iterator[None]:
        """Hold one of a person's places. Raise TooMany when there is none left."""
        with self._lock:
            if self._running[owner] >= self._most:
                sentence = f"You already run {self._most} commands."
                raise TooMany(sentence, hint="Wait until one has ended.", retry_after_s=RETRY_S)
            self._running[owner] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[owner] -= 1
                if not self._running[owner]:
                    del self._running[owner]
