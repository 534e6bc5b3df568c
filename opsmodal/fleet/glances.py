"""Glances at many services side by side: what the services page shows of each, without waiting for those that hang.

Each runtime has threads of its own for each way that somebody wants: one that hangs must not make the others wait.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from connectors.errors import ConnectionProblem
from opsmodal.recent import Kept
from opsmodal.store.errors import StoreProblem
from runtimes.base import Instance, Snapshot
from runtimes.errors import RuntimeProblem

log = logging.getLogger(__name__)

GLANCE_THREADS = 4
"""Services of one runtime that are asked side by side."""

Lane = tuple[str, str]
"""A runtime, and the connection that is wanted or "auto": what shares threads."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What the services page shows of one service; `desired` is None where it cannot be read."""

    instances: Kept[Snapshot[Instance]]
    desired: int | None


class Glances:
    """The glances under way, and their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: dict[object, Future[Glance]] = {}
        self._found: dict[object, Kept[Snapshot[Instance]]] = {}
        """What glances under way have found, while they wait for how many there should be."""
        self._pools: dict[Lane, ThreadPoolExecutor] = {}
        self._closed = False

    def ask(self, key: object, lane: Lane, look: Callable[[], Glance]) -> Future[Glance]:
        """Glance in a thread, or share the question that waits or runs already.

        Behind a runtime that hangs, each page would otherwise make the line longer, for everybody.
        """
        with self._lock:
            known = self._asking.get(key)
            if known is not None and not known.done():
                return known
            asked = self._asking[key] = self._pool(lane).submit(look)
        asked.add_done_callback(lambda _: self._answered(key))
        return asked

    def find(self, key: object, instances: Kept[Snapshot[Instance]]) -> None:
        """Keep what a glance has found so far."""
        with self._lock:
            self._found[key] = instances

    def found(self, key: object) -> Kept[Snapshot[Instance]] | None:
        """Give what a glance under way has found so far."""
        with self._lock:
            return self._found.get(key)

    @property
    def waiting(self) -> int:
        """Count the questions in line, not those that are being asked."""
        with self._lock:
            return sum(pool._work_queue.qsize() for pool in self._pools.values())

    @property
    def is_idle(self) -> bool:
        """Whether no question is under way."""
        with self._lock:
            return not self._asking

    def close(self) -> None:
        """Ask nothing more."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)

    def _pool(self, lane: Lane) -> ThreadPoolExecutor:
        """Give the threads of one lane; only with the lock held. Raise RuntimeError when all is closed."""
        if self._closed:
            raise RuntimeError("the fleet is closed")
        if lane not in self._pools:
            self._pools[lane] = ThreadPoolExecutor(GLANCE_THREADS, thread_name_prefix=f"glance {' '.join(lane)}")
        return self._pools[lane]

    def _answered(self, key: object) -> None:
        with self._lock:
            if (known := self._asking.get(key)) is not None and known.done():
                del self._asking[key]
                self._found.pop(key, None)


def answer(asked: Future[Glance], service: str) -> Glance | Exception:
    """Give what a glance that has ended came to."""
    error = asked.exception()
    if error is None:
        return asked.result()
    if not isinstance(error, Exception):
        raise error
    if not isinstance(error, RuntimeProblem | ConnectionProblem | StoreProblem):
        # One runtime that answers as nobody foresaw must not take the page of all services with it.
        log.error("glance failed", exc_info=error, extra={"service": service})
    return error
