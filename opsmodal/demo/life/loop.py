"""The thread that lets the simulated cluster live: it hands changes and passed time to the controllers.

One thread, so that controllers need no locks among themselves and the same seed gives the same world. A controller
looks at one object at a time and says when it wants to look again.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from opsmodal.demo.kinds import Kind
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

IDLE_S = 1.0
"""How long the thread sleeps at most: it also looks whether it should end."""
JOIN_TIMEOUT_S = 5.0
STEPS_MAX = 200_000
"""A past that takes more steps than this is a mistake in a controller, not a long past."""
log = logging.getLogger(__name__)


class Controller(Protocol):
    """Something that looks after objects of one sort."""

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Give the keys to look at because of a change."""
        ...

    def look(self, key: Key) -> datetime | None:
        """Do what is due for one object; give the moment when it wants to look again."""
        ...


Item = tuple[int, Key]


class Life:
    """Run controllers over a world."""

    def __init__(self, world: World, controllers: Sequence[Controller]) -> None:
        self._world = world
        self._controllers = tuple(controllers)
        self._news: deque[tuple[Kind, Change]] = deque()
        self._awake = threading.Event()
        self._ending = threading.Event()
        self._timers: list[tuple[datetime, int, Item]] = []
        self._due: dict[Item, datetime] = {}
        self._count = 0
        self._thread: threading.Thread | None = None
        world.storage.listen(self._note)

    def _note(self, kind: Kind, change: Change) -> None:
        self._news.append((kind, change))
        self._awake.set()

    def start(self) -> None:
        """Begin to live, in a thread."""
        self._thread = threading.Thread(target=self._run, name="demo-life", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._ending.set()
        self._awake.set()
        if self._thread:
            self._thread.join(JOIN_TIMEOUT_S)

    def play(self, begin: datetime) -> None:
        """Live from `begin` until now at once, before the thread is started: the world gets a past."""
        clock = self._world.clock
        clock.play(None)
        now = clock.now()
        clock.play(begin)
        for _ in range(STEPS_MAX):
            if not self._step() and not self._jump(now):
                break
        clock.play(None)

    def _jump(self, until: datetime) -> bool:
        due = self._next_due()
        if due is None or due > until:
            return False
        self._world.clock.play(max(due, self._world.clock.now()))
        return True

    def _run(self) -> None:
        while not self._ending.is_set():
            if self._step():
                continue
            due = self._next_due()
            wait_s = IDLE_S if due is None else (due - self._world.clock.now()).total_seconds()
            self._awake.wait(min(max(wait_s, 0.0), IDLE_S))
            self._awake.clear()

    def _next_due(self) -> datetime | None:
        while self._timers and self._due.get(self._timers[0][2]) != self._timers[0][0]:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def _step(self) -> bool:
        """Do everything that is due now; tell whether there was anything."""
        items: dict[Item, None] = {}
        while self._news:
            kind, change = self._news.popleft()
            for place, controller in enumerate(self._controllers):
                items.update(((place, key), None) for key in controller.notice(kind, change))
        now = self._world.clock.now()
        while (due := self._next_due()) is not None and due <= now:
            item = heapq.heappop(self._timers)[2]
            del self._due[item]
            items[item] = None
        for item in sorted(items, key=lambda item: item[0]):
            self._look(item)
        return bool(items)

    def _look(self, item: Item) -> None:
        try:
            due = self._controllers[item[0]].look(item[1])
        except Exception:  # the top of the thread: one broken object must not stop the world
            log.exception("simulated controller failed", extra={"key": item[1]})
            due = None
        if due is None:
            self._due.pop(item, None)
            return
        self._count += 1
        self._due[item] = due
        heapq.heappush(self._timers, (due, self._count, item))
