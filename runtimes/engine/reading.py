"""One look at a service: its containers, how each is, what each uses. Instances and Overview both start from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from runtimes.base import RESTART_LOOP_COUNT, RESTART_LOOP_WINDOW, Container, Instance, Resources, Scope, Usage
from runtimes.engine.answers import Inspected, moment
from runtimes.engine.containers import Containers
from runtimes.engine.detail import resources
from runtimes.engine.events import DEATHS, Events, deaths
from runtimes.engine.managers import managed_by
from runtimes.engine.meter import Meter
from runtimes.engine.pods import Membership, Pods
from runtimes.engine.restarts import Restarts
from runtimes.engine.states import Condition, condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A container at one moment."""

    container: Inspected
    condition: Condition
    usage: Usage
    pod: str
    limits: Resources


class Reader:
    """Looks at services on one engine. Safe to use from several threads."""

    def __init__(self, *, containers: Containers, meter: Meter, events: Events, pods: Pods, node: str) -> None:
        self._containers = containers
        self._meter = meter
        self._events = events
        self._pods = pods
        self._node = node
        self._restarts = Restarts()

    def look(self, scope: Scope, *, measured: bool = True) -> list[Seen]:
        """Look at every container of the service; without `measured` its usage is left out."""
        return self._seen(self._containers.all(scope), measured=measured)

    def look_at(self, scope: Scope, wanted: str, *, measured: bool) -> Seen:
        """Look at one container; without `measured` its usage is left out. Raise Missing."""
        return self._seen([self._containers.one(scope, wanted)], measured=measured)[0]

    def instance(self, seen: Seen, now: datetime) -> Instance:
        """Make the row of the Instances tab."""
        container, condition = seen.container, seen.condition
        created = moment(container.created)
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
            reason=condition.reason,
            managed_by=managed_by(container.labels, pod=seen.pod),
            pod=seen.pod,
        )

    def _seen(self, containers: Sequence[Inspected], *, measured: bool) -> list[Seen]:
        now = datetime.now(UTC)
        self._learn_restarts(containers, now)
        usages = self._meter.read(containers) if measured else {}
        pods: Mapping[str, Membership] = self._pods() if containers else {}
        return [
            Seen(
                container=each,
                condition=condition(each, recent_restarts=self._restarts.recent(each.id, each.restart_count, now)),
                usage=usages.get(each.id, Usage(missing_reason="It was not measured.")),
                pod=pods[each.id].pod if each.id in pods else "",
                limits=resources(each.host_config),
            )
            for each in containers
        ]

    def _learn_restarts(self, containers: Sequence[Inspected], now: datetime) -> None:
        """Ask the engine when containers restarted that nobody has looked at lately; one question for all of them."""
        unknown = [
            each
            for each in containers
            if each.restart_count >= RESTART_LOOP_COUNT and not self._restarts.knows(each.id, now)
        ]
        if not unknown:
            return
        reported = self._events.of([each.id for each in unknown], since=now - RESTART_LOOP_WINDOW, words=DEATHS)
        ends = deaths(reported)
        for each in unknown:
            self._restarts.fill(each.id, each.restart_count, ends.get(each.id, ()), now)


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
