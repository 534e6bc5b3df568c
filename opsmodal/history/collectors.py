"""Collects for every registered service, looked at or not, from the runtimes whose lease this worker holds.

One thread keeps the leases, follows the registry and does all the writing; a few threads that all runtimes share do the
measuring. It refuses to take anything down with it: a store or a runtime that fails is tried again later.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from opsmodal.fleet import Fleet
from opsmodal.history.collector import Collected, Collector
from opsmodal.history.happened import Happened
from opsmodal.history.journal import Journal
from opsmodal.history.leases import RENEW_S, Leases
from opsmodal.history.used import Moment, Rates, UsedStore, slot_of
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store
from runtimes.history import Version

log = logging.getLogger(__name__)

TICK_S = 5.0
"""How often is written, at most: one transaction for the events and one for the figures of all services."""
SWEEP_S = 600.0
MEASURE_THREADS = 4
UNWRITTEN_MAX = 2_000
"""Moments that wait for a store that does not take them: 200 services for five minutes."""
JOIN_MAX_S = 10.0


class Collectors:
    """The collecting of one worker. `start()` it once, `close()` it once."""

    def __init__(self, *, registry: Registry, fleet: Fleet, store: Store, tick_s: float = TICK_S) -> None:
        self._registry = registry
        self._fleet = fleet
        self._tick_s = tick_s
        self._happened = Happened(store)
        self._used = UsedStore(store)
        self._leases = Leases(store, holder=secrets.token_hex(8))
        self._journal = Journal()
        self._rates = Rates()
        self._lock = threading.Lock()
        self._collectors: dict[str, Collector] = {}
        self._gone: list[Collector] = []
        self._rounds: dict[str, Future[None]] = {}
        self._moments: list[Moment] = []
        self._versions: dict[str, Sequence[Version]] = {}
        self._services: dict[str, list[ServiceSpec]] = {}
        self._swept: frozenset[str] = frozenset()
        self._renew_at = self._sweep_at = 0.0
        self._ending = threading.Event()
        self._pool = ThreadPoolExecutor(MEASURE_THREADS, thread_name_prefix="measure")
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self) -> None:
        """Begin to collect."""
        self._thread.start()

    def close(self) -> None:
        """End the collecting, write what is there, and let other workers take over. May be called twice."""
        if self._ending.is_set():
            return
        self._ending.set()
        for collector in list(self._collectors.values()):
            collector.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._thread.ident is not None:
            self._thread.join(JOIN_MAX_S)
        deadline = time.monotonic() + JOIN_MAX_S
        for collector in [*self._gone, *self._collectors.values()]:
            collector.join(deadline - time.monotonic())

    def _run(self) -> None:
        while not self._ending.is_set():
            self._safely(self._renew)
            self._safely(self._follow)
            self._measure()
            self._safely(self._write)
            self._safely(self._sweep)
            self._ending.wait(self._tick_s)
        self._safely(self._write)
        self._safely(self._leases.release)

    def _safely(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (StoreProblem, SQLAlchemyError) as problem:
            why = getattr(problem, "sentence", type(problem).__name__)
            log.warning("history not kept this time", extra={"why": why})
        except Exception:  # the top of a thread: it goes on
            log.exception("collecting failed")

    def _renew(self) -> None:
        if time.monotonic() >= self._renew_at:
            self._services = _by_runtime(self._registry.services())
            self._leases.keep(self._services)
            self._renew_at = time.monotonic() + RENEW_S

    def _follow(self) -> None:
        """Collect from the runtimes whose lease is held, for the services that they have now, and from no other."""
        held = self._leases.held
        self._gone = [collector for collector in self._gone if collector.alive]
        for runtime in [name for name in self._collectors if name not in held]:
            gone = self._collectors.pop(runtime)
            gone.stop()
            self._gone.append(gone)
            self._journal.forget(service.name for service in gone.services)
        for runtime in held:
            if runtime not in self._collectors:
                self._collectors[runtime] = Collector(
                    runtime, fleet=self._fleet, journal=self._journal, found=self._found
                )
            self._collectors[runtime].serve(self._services.get(runtime, ()))

    def _measure(self) -> None:
        slot = slot_of(time.time())
        self._rounds = {name: running for name, running in self._rounds.items() if not running.done()}
        for name, collector in self._collectors.items():
            if name not in self._rounds and collector.due(slot) and not self._ending.is_set():
                self._rounds[name] = self._pool.submit(collector.round, slot)

    def _found(self, collected: Collected) -> None:
        with self._lock:
            for service, used in collected.used.items():
                moment = self._rates.moment(service, used, slot=collected.slot, at_s=collected.at_s)
                self._moments.append(moment)
            del self._moments[:-UNWRITTEN_MAX]
            self._versions.update(collected.versions)

    def _write(self) -> None:
        """Write what came since the last time; what the store does not take waits for the next time."""
        reports = self._journal.take()
        try:
            self._happened.write(reports)
        except BaseException:
            self._journal.back(reports)
            raise
        self._journal.wrote(reports)
        if dropped := self._journal.dropped:
            self._journal.dropped = 0
            log.warning("events left out", extra={"count": dropped})
        with self._lock:
            moments, versions = list(self._moments), dict(self._versions)
        self._used.write(moments)
        self._happened.note_versions(versions, datetime.now(UTC))
        with self._lock:
            written = {id(moment) for moment in moments}
            self._moments = [moment for moment in self._moments if id(moment) not in written]
            self._versions = {name: seen for name, seen in self._versions.items() if versions.get(name) is not seen}

    def _sweep(self) -> None:
        names = frozenset(service.name for services in self._services.values() for service in services)
        if time.monotonic() >= self._sweep_at or self._swept - names:
            self._happened.sweep(names, datetime.now(UTC))
            self._swept, self._sweep_at = names, time.monotonic() + SWEEP_S


def _by_runtime(services: Sequence[ServiceSpec]) -> dict[str, list[ServiceSpec]]:
    found: dict[str, list[ServiceSpec]] = {}
    for service in services:
        found.setdefault(service.runtime, []).append(service)
    return found
