"""The Containers tab: list, detail, cause, restart.

Nothing recreates a container that is deleted, so the only verb is restart. Deleting is left to what made it (compose,
systemd, a person on the host).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from runtimes.base import Blast, Explanation, Instance, InstanceDetail, LogQuery, Scope, Snapshot, Watch
from runtimes.causes import explain
from runtimes.engine import detail, evidence
from runtimes.engine.answers import EngineEvent, Inspected, moment
from runtimes.engine.api import Api, escaped
from runtimes.engine.blast import ContainerBlast
from runtimes.engine.containers import Containers
from runtimes.engine.events import Events, shown
from runtimes.engine.live import LiveContainers
from runtimes.engine.logs import Logs
from runtimes.engine.managers import check_restart
from runtimes.engine.reading import Reader, Seen
from runtimes.engine.scope import missing
from runtimes.errors import Conflict, Missing, RuntimeProblem, Unavailable, Unsupported

EVENTS_AGE_MAX = timedelta(hours=24)
"""How far back a detail looks; podman reads its event file from the start each time."""
LAST_LINES = 20
STOP_GRACE_S = 10
"""How long both engines wait for a container to stop before they kill it, where nothing else is set."""
RESTART_MAX_S = 120.0
"""Longest that a person is kept waiting for a restart; the engine goes on with it by itself."""


class Instances:
    """The containers of a service."""

    verbs = frozenset({"restart"})

    def __init__(
        self, *, api: Api, live: LiveContainers, containers: Containers, reader: Reader, events: Events, logs: Logs
    ) -> None:
        self._api = api
        self._live = live
        self._containers = containers
        self._reader = reader
        self._events = events
        self._logs = logs

    def list(self, scope: Scope) -> Snapshot[Instance]:
        """List the service's containers, running or not, with what each uses, out of memory once they are watched.

        Raise RuntimeProblem.
        """
        seen, now = self._reader.look(scope), datetime.now(UTC)
        rows = tuple(self._reader.instance(each, now) for each in seen.items)
        return Snapshot(items=rows, as_of=seen.as_of, stale=seen.stale, problem=seen.problem)

    def watch(self, scope: Scope) -> Watch:
        """Keep the list of a service current while somebody looks. Raise Unavailable when the runtime is closed."""
        return self._reader.watch(scope)

    def get(self, scope: Scope, instance: str) -> InstanceDetail:
        """Read everything about one container. Raise Missing when it is not the service's."""
        seen = self._reader.look_at(scope, instance, measured=True)
        container = seen.container
        return InstanceDetail(
            instance=self._reader.instance(seen, datetime.now(UTC)),
            facts=detail.facts(container),
            private=detail.PRIVATE,
            labels=container.labels,
            ports=detail.ports(container),
            mounts=detail.mounts(container),
            environment=detail.environment(container),
            events=shown(self._events_of(container)),
        )

    def cause(self, scope: Scope, instance: str, *, quote_logs: bool = True) -> Explanation:
        """Explain why a container is not ok; without `quote_logs` nothing that it wrote is quoted."""
        seen = self._reader.look_at(scope, instance, measured=False)
        return explain(
            evidence.facts(
                seen,
                events=self._events_of(seen.container),
                last_lines=self._last_lines(scope, seen) if quote_logs else (),
                port_conflict=self._port_conflict(scope, seen),
                quote_health=quote_logs,
                now=datetime.now(UTC),
            )
        )

    def blast(self, scope: Scope, instances: Sequence[str]) -> Blast:
        """Say what else is hit when these containers are restarted. Raise RuntimeProblem when they cannot be read."""
        return ContainerBlast(self._containers, self._reader).of(scope, instances)

    def restart(self, scope: Scope, instance: str) -> None:
        """Stop and start a container, and wait until that is done.

        Raise Conflict for one that systemd or swarm looks after, and when the engine could not start it again.
        """
        container = self._containers.one(scope, instance)
        check_restart(container.labels, name=container.own_name)
        grace_s = container.config.stop_timeout or STOP_GRACE_S
        wait_s = min(grace_s + self._api.timeout_s, RESTART_MAX_S)
        try:
            self._api.post(f"/containers/{escaped(container.id)}/restart", timeout_s=wait_s)
        except Missing:
            raise missing(instance, service=scope.service) from None
        except Conflict as problem:
            sentence = f"{container.own_name} could not be started again: {problem.detail.rstrip('.')}."
            raise Conflict(sentence, hint="Mend what the engine names, then restart it.") from problem
        self._live.restarted(container)

    def delete(self, scope: Scope, instance: str, *, force: bool, uid: str = "") -> NoReturn:  # noqa: ARG002 - as asked
        """Refuse, as Missing what is not the service's: nothing would recreate the container."""
        self._containers.one(scope, instance)
        raise Unsupported(
            "A container is not deleted from here: nothing would make it again.",
            hint="Restart it, or remove it with what made it, such as docker compose.",
        )

    def delete_pending(self, scope: Scope) -> Sequence[str]:  # noqa: ARG002 - the contract's shape
        """Refuse: containers do not wait for a place to run."""
        raise Unsupported("Containers are never Pending.", hint="Restart the ones that did not start.")

    def _events_of(self, container: Inspected) -> Sequence[EngineEvent]:
        """Read what was reported lately; an explanation without events is better than none."""
        now = datetime.now(UTC)
        since = max(moment(container.created) or now, now - EVENTS_AGE_MAX)
        try:
            return self._events.of([container.id], since=since)
        except Unavailable:
            return []

    def _last_lines(self, scope: Scope, seen: Seen) -> tuple[str, ...]:
        try:
            lines = self._logs.read(scope, LogQuery(instance=seen.container.id, tail=LAST_LINES))
            return tuple(line.text for line in lines)
        except RuntimeProblem:  # a log that cannot be read explains nothing
            return ()

    def _port_conflict(self, scope: Scope, seen: Seen) -> str:
        if seen.container.state.running or not evidence.wanted_ports(seen.container):
            return ""
        return evidence.port_conflict(seen.container, self._containers.everything(), scope=scope)
