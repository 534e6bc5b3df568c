"""Measures what containers use without making a list wait: the last figures are kept, and renewed behind the page.

A look at figures that are a few seconds old gets them at once and starts a new measurement for the next look. Only the
first look at a container, or the first after a while, waits: for two samples, of all containers together. Who watches
never waits: figures are news of their own. Nothing is measured that nobody looks at.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import monotonic

from runtimes.base import Usage
from runtimes.engine import measures
from runtimes.engine.answers import Info, Inspected
from runtimes.engine.api import Api
from runtimes.engine.measures import Sample
from runtimes.engine.pool import Pool
from runtimes.engine.problems import Kind
from runtimes.engine.sampling import NOT_RUNNING, sampler

RENEW_AFTER_S = 5.0
"""Younger figures are not measured anew, however many people look. dockerd takes a second or two for each measurement.
"""
FIRST_MAX_S = 3.0
"""How long a list waits for its first figures: twice what dockerd takes for two samples."""
FIGURE_AGE_MAX_S = 40.0
"""Older figures are not shown as what is used now. The background collectors ask every 30 s, and so keep them alive."""
SAMPLE_AGE_MAX_S = 60.0
"""An older sample would say what was used over minutes."""
NOT_YET = "It is being measured."
KEPT_MAX = 2000
"""Containers whose figures are kept; the one that was not looked at for longest goes first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    usage: Usage
    measured_at: float
    sample: Sample | None


class Meter:
    """Usage of containers. Safe to use from several threads; owns one thread, joined by `close()`."""

    def __init__(self, name: str, api: Api, pool: Pool, *, info: Info, really: Kind, told: Callable[[], None]) -> None:
        self._closed = threading.Event()
        self._sample = sampler(api, pool, really=really, pause=self._closed.wait)
        self._told = told
        self._blind = why_blind(info)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._measuring: dict[str, Future[None]] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"engine-{name}-meter")

    def read(self, containers: Sequence[Inspected], *, patient: bool = True) -> Mapping[str, Usage]:
        """Give the usage of each container by id; one without figures has None and the reason in words.

        Only who is `patient` waits for first figures.
        """
        running = _running(containers)
        if running and not self._blind:
            wait(self._renew(running), timeout=FIRST_MAX_S if patient else 0.0)
        return self.known(containers)

    def known(self, containers: Sequence[Inspected]) -> Mapping[str, Usage]:
        """Give what is known by now, and measure nothing."""
        answers = {each.id: Usage(missing_reason=NOT_RUNNING) for each in containers}
        oldest = monotonic() - FIGURE_AGE_MAX_S
        with self._lock:
            for each in _running(containers):
                kept = self._kept.get(each.id)
                if kept and kept.measured_at >= oldest:
                    answers[each.id] = kept.usage
                else:
                    answers[each.id] = Usage(missing_reason=self._blind or NOT_YET)
        return answers

    def renew(self, containers: Sequence[Inspected]) -> float:
        """Measure what is no longer fresh, without waiting; give in how many seconds it is time again."""
        running = _running(containers)
        if not running or self._blind:
            return RENEW_AFTER_S
        self._renew(running)
        now = monotonic()
        with self._lock:
            # What is being measured now tells when it is done; until then nothing can be done sooner.
            ages = [now - self._kept[each.id].measured_at for each in running if each.id in self._kept]
        return max(0.0, RENEW_AFTER_S - max(ages, default=0.0)) or RENEW_AFTER_S

    def forget(self) -> None:
        """Give back what is kept."""
        with self._lock:
            self._kept.clear()

    def close(self) -> None:
        """End a measurement that goes on. May be called twice."""
        self._closed.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _renew(self, running: Sequence[Inspected]) -> set[Future[None]]:
        """Start measuring what is not fresh; give what has to be waited for, because there is nothing to show yet."""
        now = monotonic()
        with self._lock:
            ages = {each.id: now - self._kept[each.id].measured_at for each in running if each.id in self._kept}
            stale = [each for each in running if ages.get(each.id, FIGURE_AGE_MAX_S) > RENEW_AFTER_S]
            todo = [each for each in stale if each.id not in self._measuring]
            if todo and not self._closed.is_set():
                begun = self._thread.submit(self._measure, todo)
                self._measuring |= {each.id: begun for each in todo}
            blank = [each.id for each in running if ages.get(each.id, FIGURE_AGE_MAX_S) >= FIGURE_AGE_MAX_S]
            return {self._measuring[container] for container in blank if container in self._measuring}

    def _measure(self, containers: Sequence[Inspected]) -> None:
        try:
            ids = [each.id for each in containers]
            before = self._grounds(ids)
            taken = self._sample(ids, frozenset(ids) - before.keys())
            for each in containers:
                samples, reason = taken.get(each.id, ([], NOT_RUNNING))
                self._keep(each, before.get(each.id), samples, reason)
        finally:
            with self._lock:
                for each in containers:
                    self._measuring.pop(each.id, None)
            self._told()

    def _grounds(self, containers: Sequence[str]) -> Mapping[str, Sample]:
        """Give the kept samples that new ones can be held against."""
        oldest = monotonic() - SAMPLE_AGE_MAX_S
        with self._lock:
            kept = {container: self._kept[container] for container in containers if container in self._kept}
        return {id_: each.sample for id_, each in kept.items() if each.sample and each.measured_at >= oldest}

    def _keep(self, container: Inspected, before: Sample | None, samples: Sequence[Sample], reason: str) -> None:
        figure = Usage(missing_reason=reason)
        if samples:
            ground = samples[0] if len(samples) > 1 else before
            figure = figure_of(container, ground, samples[-1])
        kept = _Kept(figure, monotonic(), samples[-1] if samples else None)
        with self._lock:
            self._kept[container.id] = kept
            self._kept.move_to_end(container.id)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)


def _running(containers: Sequence[Inspected]) -> list[Inspected]:
    return [each for each in containers if each.state.running and not each.state.restarting]


def figure_of(container: Inspected, before: Sample | None, now: Sample) -> Usage:
    """Make a usage out of one or two samples; a shared network is not this container's own."""
    cores = measures.cpu_cores(before, now) if before else None
    shared = network_reason(container)
    return measures.usage(measures.without_network(now) if shared else now, cores, network_reason=shared)


def why_blind(info: Info) -> str:
    """Say why no container of this engine can be measured; "" when it can."""
    if info.is_rootless and info.cgroup_version == "1":
        return "A rootless engine cannot measure containers with control groups v1."
    if info.cgroup_driver == "none":
        return "The engine runs without control groups."
    return ""


def network_reason(container: Inspected) -> str:
    """Say why a container has no network figures of its own; "" when it has."""
    mode = container.host_config.network_mode
    if mode == "host":
        return "It uses the network of the host."
    if mode == "none":
        return "It has no network."
    if mode.startswith(("container:", "ns:")):
        return "It shares the network of another container."
    return ""
