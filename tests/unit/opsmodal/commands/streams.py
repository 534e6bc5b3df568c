"""Streams of commands as a runtime gives them, without a runtime."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Literal

from connectors.base import Ended, Exit, Output
from opsmodal.access import Access
from opsmodal.actions import LOGS_FOLLOW
from opsmodal.explaining import Basis, Explanation
from opsmodal.permissions import NOTHING, Actor
from runtimes.commands import Started

Item = Output | Exit


class Written:
    """A command that writes what it was given, and then runs until it is closed, unless an Exit came."""

    def __init__(self, items: Iterable[Item] = (), *, code_when_closed: int | None = None) -> None:
        self._items: queue.Queue[Item | None] = queue.Queue()
        self._code = code_when_closed
        self.closed = threading.Event()
        self.taken = 0
        for item in items:
            self._items.put(item)

    def write(self, data: bytes, source: Literal["stdout", "stderr"] = "stdout") -> None:
        self._items.put(Output(source, data))

    def exit(self, code: int | None, reason: Ended = Ended.EXITED, sentence: str = "") -> None:
        self._items.put(Exit(code=code, reason=reason, sentence=sentence))

    def __iter__(self) -> Iterator[Item]:
        while (item := self._items.get(timeout=60)) is not None:
            self.taken += isinstance(item, Output)
            yield item
            if isinstance(item, Exit):
                return
        if self._code is not None:
            yield Exit(code=self._code)

    def close(self) -> None:
        self.closed.set()
        self._items.put(None)

    def started(self) -> Started:
        return Started(stream=self, identity="shop-operator", notes=())


def access_of(owner: str) -> Access:
    """Give the leave of a command that nobody watches over."""
    nothing = Explanation(permissions=NOTHING, sources=(), kept_back=NOTHING)
    basis = Basis(actor=Actor(name=owner), service="shop", runtime="prod", explanation=nothing, granted={})
    return Access(basis, LOGS_FOLLOW)
