"""The open runtimes: opened when first needed, shared by everyone, closed when their registration changes.

Opening is tried once at a time per runtime; after a failure the same answer is given for RETRY_S, so that a dead
engine costs one time limit and not one per page.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors.errors import ConnectionProblem
from opsmodal.opening import Opened, Opening
from opsmodal.recent import Kept, Recent
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec
from opsmodal.store.errors import StoreProblem
from runtimes.base import Counts, Instance, Runtime, Snapshot
from runtimes.errors import RuntimeProblem

log = logging.getLogger(__name__)

T = TypeVar("T")
Trouble = RuntimeProblem | ConnectionProblem

RETRY_S = 3.0
CHECK_S = 1.0
"""How often the registration of an open runtime is compared with what is open."""
GLANCE_THREADS = 4
"""Services of one runtime that are asked side by side for the services page. Each runtime has its own: one that hangs
must not make the others wait."""


UNKNOWN = "unknown"
"""The kind of what is not open: to ask the store for it would fail when the store does."""
INSTANCES, DESIRED = "instances", "desired"
DESIRED_FRESH_S = 5.0
"""How many instances there should be changes when somebody changes a workload: rarely."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What the services page shows of one service; `desired` is None where it cannot be read."""

    instances: Kept[Snapshot[Instance]]
    desired: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Runtimes by (kind, state), and what is kept live by kind."""

    states: Mapping[tuple[str, str], int]
    kept: Mapping[str, Counts]


@dataclass(slots=True)
class _Slot:
    """One runtime: its lock, and what opening it gave."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: Opened | None = None
    signature: str = ""
    problem: Trouble | None = None
    tried_at: float = 0.0
    checked_at: float = 0.0


class Fleet:
    """Hand out open runtimes, and their last answers."""

    def __init__(self, registry: Registry, opening: Opening) -> None:
        self._registry = registry
        self._opening = opening
        self._slots: dict[str, _Slot] = {}
        self._lock = threading.Lock()
        self._recent = Recent()
        self._glancing: dict[object, Future[Glance]] = {}
        self._found: dict[object, Kept[Snapshot[Instance]]] = {}
        """What glances under way have found, while they wait for how many there should be."""
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._closed = False

    def runtime(self, name: str) -> Runtime:
        """Give an open runtime. Raise what opening it raises."""
        return self._open(name).runtime

    def opened(self, name: str) -> Opened | None:
        """Give a runtime that is already open, without opening it."""
        return self._slot(name).opened

    def problem(self, name: str) -> Trouble | None:
        """Say why a runtime is not open; None when it is, or was never tried."""
        return self._slot(name).problem

    def kind(self, name: str) -> str:
        """Give the kind of a registered runtime."""
        spec = self._registry.runtime(name)
        return spec.kind if spec else ""

    def connection_in_use(self, name: str) -> str:
        """Name the connection in use; empty while there is none."""
        opened = self.opened(name)
        return opened.connection_name if opened else ""

    def kept(self, service: ServiceSpec, question: str, ask: Callable[[Runtime], T], *, fresh_s: float) -> Kept[T]:
        """Ask a service's runtime, or give the last answer while it is silent."""
        key = (service.runtime, service.name, question, service.scope_key())
        return self._recent.read(key, lambda: ask(self.runtime(service.runtime)), fresh_s=fresh_s)

    def instances(self, service: ServiceSpec, *, fresh_s: float) -> Kept[Snapshot[Instance]]:
        """Give the instances of a service: the one answer that list, overview and status share."""
        return self.kept(service, INSTANCES, lambda it: it.instances.list(service.scope()), fresh_s=fresh_s)

    def desired(self, service: ServiceSpec) -> int | None:
        """Count the instances that there should be; None where that cannot be read."""
        try:
            ask = self.kept(service, DESIRED, lambda it: it.overview.desired(service.scope()), fresh_s=DESIRED_FRESH_S)
        except (RuntimeProblem, ConnectionProblem):
            return None
        return ask.value

    def glance(self, service: ServiceSpec, *, fresh_s: float) -> Glance:
        """Give the instances of a service and how many there should be."""
        found = self.instances(service, fresh_s=fresh_s)
        if found.stale or found.value.stale:
            return Glance(found, self._last_desired(service))  # nobody waits for a silent runtime to say so twice
        with self._lock:
            self._found[_key(service)] = found
        return Glance(found, self.desired(service))

    def glances(
        self, services: Sequence[ServiceSpec], *, fresh_s: float, wait_s: float
    ) -> dict[str, Glance | Exception | None]:
        """Glance at many services side by side; None for what has not answered within `wait_s`, and never has."""
        asked = {service.name: self._glance(service, fresh_s=fresh_s) for service in services}
        wait(asked.values(), timeout=wait_s)
        return {service.name: self._glanced(service, asked[service.name]) for service in services}

    def forget(self, service: ServiceSpec) -> None:
        """Drop the last answers about a service: somebody has just changed it."""
        self._recent.forget(lambda key: isinstance(key, tuple) and key[:2] == (service.runtime, service.name))

    def refresh(self) -> None:
        """Close the runtimes whose registration has changed or gone."""
        for name, slot in list(self._slots.items()):
            with slot.lock:
                self._check(name, slot)
                slot.problem = None

    def figures(self) -> Figures:
        """Count the runtimes by kind and state, and what the open ones keep live, by kind."""
        states: Counter[tuple[str, str]] = Counter()
        kept: dict[str, Counts] = {}
        for slot in list(self._slots.values()):
            opened = slot.opened
            kind = opened.runtime.kind if opened else UNKNOWN
            states[kind, "open" if opened else "problem" if slot.problem else "closed"] += 1
            if opened is not None:
                kept[kind] = kept.get(kind, Counts()) + opened.runtime.counts()
        return Figures(states=states, kept=kept)

    def close(self) -> None:
        """Close every runtime."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for slot in list(self._slots.values()):
            with slot.lock:
                self._shut(slot)

    def _last(self, service: ServiceSpec, question: str) -> Kept[Any] | None:
        return self._recent.last((service.runtime, service.name, question, service.scope_key()))

    def _last_desired(self, service: ServiceSpec) -> int | None:
        last = self._last(service, DESIRED)
        return last.value if last else None

    def _glance(self, service: ServiceSpec, *, fresh_s: float) -> Future[Glance]:
        """Glance at one service in a thread, or share the question that waits or runs already.

        Behind a runtime that hangs, each page would otherwise make the line longer, for everybody.
        """
        key = _key(service)
        with self._lock:
            known = self._glancing.get(key)
            if known is not None and not known.done():
                return known
            asked = self._glancing[key] = self._pool(service.runtime).submit(self.glance, service, fresh_s=fresh_s)
        asked.add_done_callback(lambda _: self._answered(key))
        return asked

    def _pool(self, runtime: str) -> ThreadPoolExecutor:
        """Give the threads that ask one runtime; only with the lock held. Raise RuntimeError when all is closed."""
        if self._closed:
            raise RuntimeError("the fleet is closed")
        if runtime not in self._pools:
            self._pools[runtime] = ThreadPoolExecutor(GLANCE_THREADS, thread_name_prefix=f"glance {runtime}")
        return self._pools[runtime]

    def _answered(self, key: object) -> None:
        with self._lock:
            if (known := self._glancing.get(key)) is not None and known.done():
                del self._glancing[key]
                self._found.pop(key, None)

    def _glanced(self, service: ServiceSpec, future: Future[Glance]) -> Glance | Exception | None:
        if not future.done() or future.cancelled():
            with self._lock:
                instances = self._found.get(_key(service)) or self._last(service, INSTANCES)
            return Glance(instances, self._last_desired(service)) if instances else None
        error = future.exception()
        if error is None:
            return future.result()
        if not isinstance(error, Exception):
            raise error
        if not isinstance(error, RuntimeProblem | ConnectionProblem | StoreProblem):
            # One runtime that answers as nobody foresaw must not take the page of all services with it.
            log.error("glance failed", exc_info=error, extra={"service": service.name})
        return error

    def _slot(self, name: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault(name, _Slot())

    def _open(self, name: str) -> Opened:
        slot = self._slot(name)
        if slot.opened is not None and time.monotonic() - slot.checked_at < CHECK_S:
            return slot.opened
        with slot.lock:
            self._check(name, slot)
            if slot.opened is None:
                self._try(name, slot)
            if slot.opened is None:
                raise slot.problem or RuntimeError("opening gave neither a runtime nor a problem")
            return slot.opened

    def _try(self, name: str, slot: _Slot) -> None:
        if slot.problem is not None and time.monotonic() - slot.tried_at < RETRY_S:
            return
        try:
            signature = self._opening.signature(name)
            slot.opened, slot.signature, slot.problem = self._opening.open(name), signature, None
        except (RuntimeProblem, ConnectionProblem) as problem:
            slot.problem = problem
        finally:
            slot.tried_at = time.monotonic()

    def _check(self, name: str, slot: _Slot) -> None:
        """Close a runtime that is registered otherwise by now, perhaps through another worker."""
        if slot.opened is not None and slot.signature != self._opening.signature(name):
            self._shut(slot)
        slot.checked_at = time.monotonic()

    def _shut(self, slot: _Slot) -> None:
        if slot.opened is not None:
            slot.opened.runtime.close()
            slot.opened.connection.close()
            slot.opened = None


def _key(service: ServiceSpec) -> object:
    return service.name, service.scope_key()
