"""Bounds what a person has running: one-shot commands in this process, and a stream's place until its job has it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from opsmodal.errors import TooMany
from opsmodal.operations.slots import Slot

ONESHOTS_MAX = 20
"""More than anybody types and than a page of runbooks starts; a program that loops is slowed down."""
RETRY_S = 5.0


class OneShots:
    """The one-shot commands that run in this process, by person: each is a program, and a request that waits."""

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


class HandedOver:
    """A slot that a job takes over in the middle: the row of the audit log stays open until the job has ended."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._held = ExitStack()

    def hand_over(self) -> None:
        """Say that the job has begun, and has its place by itself. May be called twice."""
        self._held.close()

    def __enter__(self) -> Self:
        self._held.enter_context(self._slot)
        return self

    def __exit__(self, *_: object) -> None:
        self.hand_over()
