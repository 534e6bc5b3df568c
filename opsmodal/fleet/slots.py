"""One place for each runtime and connection: what is open there, or why nothing is.

Opening is tried once at a time in each place; after a failure the same answer is given for RETRY_S, so that a dead
engine costs one time limit and not one per page. It refuses to choose a connection: see `opsmodal.fleet.courses`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.base import Connection, Probe
from connectors.errors import ConnectionProblem
from opsmodal.opening import Opened, Opening
from opsmodal.registry.schema import AnyConnection, RuntimeSpec
from runtimes.base import Counts
from runtimes.errors import RuntimeProblem

Trouble = RuntimeProblem | ConnectionProblem

RETRY_S = 3.0
UNKNOWN = "unknown"
"""The kind of what is not open: to ask the store for it would fail when the store does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Runtimes by (kind, state), and what is kept live by kind."""

    states: Mapping[tuple[str, str], int]
    kept: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class Place:
    """A runtime over one of its connections, as registered: `signature` tells it from how it was registered before."""

    spec: RuntimeSpec
    way: AnyConnection
    signature: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is kept by."""
        return self.spec.name, self.way.name


@dataclass(slots=True)
class _Slot:
    """What is open in one place. `making` guards the connection alone: a probe must not wait for a slow opening."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    making: threading.Lock = field(default_factory=threading.Lock)
    connection: Connection | None = None
    opened: Opened | None = None
    signature: str = ""
    problem: Trouble | None = None
    tried_at: float = 0.0


class Slots:
    """Open runtimes over a connection, once each."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, str], _Slot] = {}

    def open(self, place: Place, *, anew: bool = False) -> Opened:
        """Give the runtime that is open there. Raise what opening it raises, now or a moment ago.

        With `anew` only those who wait together share a failure: its way has answered since.
        """
        slot, asked_at = self._slot(place.key), time.monotonic()
        if slot.opened is not None and slot.signature == place.signature:
            return slot.opened
        with slot.lock:
            self._renew(slot, place)
            if slot.opened is None:
                self._try(slot, place, failed_after=asked_at if anew else time.monotonic() - RETRY_S)
            if slot.opened is None:
                raise slot.problem or RuntimeError("opening gave neither a runtime nor a problem")
            return slot.opened

    def opened(self, runtime: str, way: str) -> Opened | None:
        """Give what is open there already, without opening it."""
        slot = self._slots.get((runtime, way))
        return slot.opened if slot else None

    def problem(self, runtime: str, way: str) -> Trouble | None:
        """Say why nothing is open there; None when something is, or it was never tried."""
        slot = self._slots.get((runtime, way))
        return slot.problem if slot else None

    def connection(self, runtime: str, way: str) -> Connection | None:
        """Give the connection that was made there, open or not."""
        slot = self._slots.get((runtime, way))
        return slot.connection if slot else None

    def probe(self, place: Place, timeout_s: float) -> Probe:
        """Try whether the server answers over a connection; never raises for one that does not."""
        try:
            connection = self._connected(self._slot(place.key), place)
        except ConnectionProblem as problem:
            return Probe(ok=False, latency_ms=None, sentence=problem.sentence, hint=problem.hint)
        return self._opening.probe(place.spec, connection, timeout_s=timeout_s)

    def again(self, runtime: str) -> None:
        """Let every connection of a runtime that was made try at once, whatever its pause after a failure says."""
        for (name, _), slot in list(self._slots.items()):
            if name == runtime and slot.connection is not None:
                slot.connection.again()

    def keep(self, runtime: str, signature: str, ways: frozenset[str]) -> None:
        """Close what a runtime has open otherwise than it is registered now, and forget why something was not open."""
        for (name, way), slot in list(self._slots.items()):
            if name != runtime:
                continue
            with slot.lock:
                if slot.signature != signature or way not in ways:
                    _shut(slot)
                slot.problem = None

    def figures(self) -> Figures:
        """Count the runtimes by kind and state, and what the open ones keep live, by kind."""
        states: dict[str, tuple[str, str]] = {}
        kept: dict[str, Counts] = {}
        for (name, _), slot in list(self._slots.items()):
            opened = slot.opened
            if opened is not None:
                kind = opened.runtime.kind
                kept[kind] = kept.get(kind, Counts()) + opened.runtime.counts()
                states[name] = (kind, "open")
            elif states.get(name, (UNKNOWN, "closed"))[1] != "open":
                states[name] = (UNKNOWN, "problem" if slot.problem else "closed")
        return Figures(states=Counter(states.values()), kept=kept)

    def close(self) -> None:
        """Close every runtime and every connection."""
        for slot in list(self._slots.values()):
            with slot.lock:
                _shut(slot)

    def _slot(self, key: tuple[str, str]) -> _Slot:
        with self._lock:
            return self._slots.setdefault(key, _Slot())

    def _renew(self, slot: _Slot, place: Place) -> None:
        """Close what is registered otherwise by now; with the slot's lock held."""
        if slot.signature != place.signature:
            _shut(slot)
            slot.signature, slot.problem = place.signature, None

    def _try(self, slot: _Slot, place: Place, *, failed_after: float) -> None:
        if slot.problem is not None and slot.tried_at > failed_after:
            return
        try:
            slot.opened = self._opening.over(place.spec, place.way, self._connected(slot, place))
            slot.problem = None
        except (RuntimeProblem, ConnectionProblem) as problem:
            slot.problem = problem
        finally:
            slot.tried_at = time.monotonic()

    def _connected(self, slot: _Slot, place: Place) -> Connection:
        with slot.making:
            if slot.connection is None:
                slot.connection, slot.signature = self._opening.connect(place.spec, place.way), place.signature
            return slot.connection


def _shut(slot: _Slot) -> None:
    with slot.making:
        opened, connection = slot.opened, slot.connection
        slot.opened = slot.connection = None
    if opened is not None:
        opened.runtime.close()
    if connection is not None:
        connection.close()
