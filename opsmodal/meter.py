"""What this process measures of itself, for Prometheus. A registry of its own: nothing is global, nothing is sent.

Label values come from small fixed sets (routes as they are declared, methods, reasons, kinds of runtime). What somebody
typed, and names of pods, people and services, never become one: they would make the series grow without end.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import event

from opsmodal.fleet import Fleet
from opsmodal.live import Live
from opsmodal.store.store import Store
from opsmodal.streams import Streams

REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
STORE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0)
_BEGAN = "opsmodal_began"


class Answered(Protocol):
    """A request that has been answered: see `opsmodal.web.requests`."""

    @property
    def route(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def is_socket(self) -> bool: ...


class Sockets(Protocol):
    """The open sockets: see `opsmodal.web.held`."""

    @property
    def count(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is asked at the moment somebody reads the figures."""

    sockets: Sockets
    fleet: Fleet
    streams: Streams
    live: Live


class Meter:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "opsmodal_request_seconds",
            "Requests, and the time until their last byte had been sent",
            ["route", "method", "status"],
            buckets=REQUEST_BUCKETS_S,
            registry=self.registry,
        )
        self._refusals = Counter("opsmodal_refusals", "What was refused, by reason", ["reason"], registry=self.registry)
        self._sockets = Counter(
            "opsmodal_sockets_ended", "Sockets that were open and have ended", registry=self.registry
        )
        self._store = Histogram(
            "opsmodal_store_seconds", "Statements of the store", buckets=STORE_BUCKETS_S, registry=self.registry
        )
        ProcessCollector(registry=self.registry)

    def answered(self, request: Answered) -> None:
        """Count a request; how long a socket was open says nothing about how fast anything is."""
        if request.is_socket:
            self._sockets.inc()
            return
        labels = (request.route, request.method, str(request.status))
        self._requests.labels(*labels).observe(request.duration_s)

    def refused(self, reason: str) -> None:
        """Count a refusal; `reason` is a word of the table of errors."""
        self._refusals.labels(reason).inc()

    def attend(self, store: Store) -> None:
        """Measure each statement of a store."""
        event.listen(store.engine, "before_cursor_execute", self._begin_statement)
        event.listen(store.engine, "after_cursor_execute", self._end_statement)

    def ask(self, sources: Sources) -> None:
        """Read these too, each time that figures are read."""
        self.registry.register(_Now(sources))

    def _begin_statement(self, connection: Any, *_: Any) -> None:
        connection.info[_BEGAN] = time.perf_counter()

    def _end_statement(self, connection: Any, *_: Any) -> None:
        began = connection.info.pop(_BEGAN, None)
        if began is not None:
            self._store.observe(time.perf_counter() - began)


class _Now(Collector):
    """What is so at the moment."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Name nothing before it is asked for."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Give every figure."""
        asked = self._sources
        yield GaugeMetricFamily("opsmodal_sockets_open", "Sockets that are open", value=asked.sockets.count)
        yield GaugeMetricFamily("opsmodal_streams_running", "Logs that are followed", value=asked.streams.count())
        taken = "Bytes of log lines taken in"
        yield CounterMetricFamily("opsmodal_streams_bytes", taken, value=asked.streams.spooled_bytes)
        sizes = asked.live.sizes()
        yield GaugeMetricFamily("opsmodal_live_views", "Parts of lists that pages watch", value=sizes.views)
        yield GaugeMetricFamily("opsmodal_live_readers", "Pages that watch them", value=sizes.readers)
        yield from self._of_runtimes()

    def _of_runtimes(self) -> Iterator[Metric]:
        figures = self._sources.fleet.figures()
        runtimes = GaugeMetricFamily("opsmodal_runtimes", "Runtimes by kind and state", labels=["kind", "state"])
        for (kind, state), count in figures.states.items():
            runtimes.add_metric([kind, state], count)
        live = GaugeMetricFamily("opsmodal_live_collections", "Lists that are kept current", labels=["kind"])
        items = GaugeMetricFamily("opsmodal_live_items", "Items in these lists", labels=["kind"])
        age = GaugeMetricFamily("opsmodal_live_age_seconds", "Since the oldest of them was heard of", labels=["kind"])
        lists = CounterMetricFamily("opsmodal_live_lists", "Times that they were listed anew", labels=["kind"])
        for kind, counts in figures.kept.items():
            live.add_metric([kind], counts.collections)
            items.add_metric([kind], counts.items)
            age.add_metric([kind], counts.oldest_s)
            lists.add_metric([kind], counts.lists)
        yield from (runtimes, live, items, age, lists)
