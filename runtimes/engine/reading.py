"""One look at a service: its containers, how each is, what each uses. Instances and Overview both start from it.

A look at the whole service is out of memory, one at a single container is always the engine's own answer of now.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime

from runtimes.base import Container, Instance, Resources, Scope, Snapshot, Usage
from runtimes.engine.answers import Inspected, moment
from runtimes.engine.containers import Containers
from runtimes.engine.detail import resources
from runtimes.engine.held import Held
from runtimes.engine.live import LiveContainers
from runtimes.engine.looking import Looking
from runtimes.engine.managers import Host, fitting, locked, managed_by, through
from runtimes.engine.meter import Meter
from runtimes.engine.pods import Pods
from runtimes.engine.recent import RecentRestarts
from runtimes.engine.scope import key
from runtimes.engine.states import Condition, condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A container at one moment; `unread` says why the engine gave no more of it than its list does."""

    container: Inspected
    condition: Condition
    usage: Usage
    pod: str
    limits: Resources
    unread: str = ""


class Reader:
    """Looks at services on one engine. Safe to use from several threads."""

    def __init__(
        self,
        *,
        live: LiveContainers,
        containers: Containers,
        meter: Meter,
        restarts: RecentRestarts,
        pods: Pods,
        node: str,
        host: Host,
    ) -> None:
        self._live = live
        self._containers = containers
        self._meter = meter
        self._restarts = restarts
        self._pods = pods
        self._node = node
        self._host = host
        self._lock = threading.Lock()
        self._watched: Counter[Hashable] = Counter()

    def look(self, scope: Scope, *, measured: bool = True) -> Snapshot[Seen]:
        """Look at every container of the service; without `measured` its usage is left out. Raise RuntimeProblem."""
        found = self._live.read(scope)
        containers = [each.container for each in found.items]
        if not measured:
            usages = {each.id: Usage(missing_reason="It was not measured.") for each in containers}
        elif found.stale:  # nobody should wait for an engine that is silent
            usages = dict(self._meter.known(containers))
        else:
            usages = dict(self._meter.read(containers, patient=not self._watched[key(scope)]))
        return Snapshot(
            items=tuple(self._seen(each, usages[each.container.id]) for each in found.items),
            as_of=found.as_of,
            stale=found.stale,
            problem=found.problem,
        )

    def look_at(self, scope: Scope, wanted: str, *, measured: bool) -> Seen:
        """Look at one container; without `measured` its usage is left out. Raise Missing."""
        container = self._containers.one(scope, wanted)
        now = datetime.now(UTC)
        self._restarts.learn([container], now)
        usage = (
            self._meter.read([container])[container.id] if measured else Usage(missing_reason="It was not measured.")
        )
        pods = self._pods()
        return self._seen(Held(container=container, pod=pods[container.id].pod if container.id in pods else ""), usage)

    def watch(self, scope: Scope) -> Looking:
        """Keep the list of a service current while somebody looks. Raise Unavailable when the runtime is closed."""
        interest, wanted = self._live.watch(), key(scope)
        with self._lock:
            self._watched[wanted] += 1
        return Looking(interest, renew=lambda: self._renew(scope), left=lambda: self._leave(wanted))

    def instance(self, seen: Seen, now: datetime) -> Instance:
        """Make the row of the Instances tab."""
        container, condition = seen.container, seen.condition
        created, labels = moment(container.created), container.labels
        lock = locked(labels, name=container.own_name, host=self._host)
        return Instance(
            id=container.id,
            name=container.own_name,
            kind="container",
            status=condition.status,
            severity=condition.severity,
            ready=condition.ready,
            ready_containers=int(condition.ready),
            restarts=container.restart_count,
            age_s=max(0, int((now - created).total_seconds())) if created else None,
            created_at=created,
            node=self._node,
            image=container.config.image,
            containers=(_only_container(seen),),
            usage=seen.usage,
            reason=seen.unread or condition.reason,
            managed_by=managed_by(labels, pod=seen.pod),
            pod=seen.pod,
            verbs=fitting(condition.word, lock),
            lock=lock.sentence if lock else "",
            lock_hint=lock.hint if lock else "",
            through=through(labels, host=self._host),
        )

    def _seen(self, each: Held, usage: Usage) -> Seen:
        container = each.container
        return Seen(
            container=container,
            condition=condition(
                container,
                recent_restarts=self._restarts.of(container, datetime.now(UTC)),
                stopped=self._restarts.stopped(container),
            ),
            usage=usage,
            pod=each.pod,
            limits=resources(container.host_config),
            unread=each.unread,
        )

    def _renew(self, scope: Scope) -> float:
        """Measure what the service uses where that is due; give in how many seconds it is again."""
        found = self._live.there(scope)
        return self._meter.renew([each.container for each in found])

    def _leave(self, wanted: Hashable) -> None:
        with self._lock:
            self._watched[wanted] -= 1
            if not self._watched[wanted]:
                del self._watched[wanted]


def _only_container(seen: Seen) -> Container:
    container, condition = seen.container, seen.condition
    over = condition.word in ("exited", "dead", "restarting", "created")
    return Container(
        name=container.own_name,
        image=container.config.image,
        state=condition.word,
        reason=condition.reason,
        ready=condition.ready,
        restarts=container.restart_count,
        exit_code=container.state.exit_code if over and condition.word != "created" else None,
        started_at=moment(container.state.started_at),
        resources=seen.limits,
    )
