"""The Containers tab: list, detail, cause, restart, stop, start.

Nothing recreates a container that is deleted, so deleting is left to what made it (compose, systemd, a person on the
host).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from runtimes.base import Blast, Explanation, Instance, InstanceDetail, LogQuery, Scope, Snapshot, Watch
from runtimes.causes import explain
from runtimes.engine import detail, evidence
from runtimes.engine.absent import absent
from runtimes.engine.answers import EngineEvent, Inspected, moment
from runtimes.engine.api import Api
from runtimes.engine.blast import ContainerBlast
from runtimes.engine.changes import Changes
from runtimes.engine.containers import Containers
from runtimes.engine.events import Events, shown
from runtimes.engine.logs import Logs
from runtimes.engine.managers import VERBS, Host
from runtimes.engine.managers import facts as managers
from runtimes.engine.reading import Reader, Seen
from runtimes.engine.states import engine_word
from runtimes.errors import RuntimeProblem, Unavailable, Unsupported

EVENTS_AGE_MAX = timedelta(hours=24)
"""How far back a detail looks; podman reads its event file from the start each time."""
LAST_LINES = 20


class Instances:
    """The containers of a service."""

    verbs = frozenset(VERBS)

    def __init__(
        self,
        *,
        api: Api,
        program: str,
        host: Host,
        changes: Changes,
        containers: Containers,
        reader: Reader,
        events: Events,
        logs: Logs,
    ) -> None:
        self._api = api
        self._program = program
        self._host = host
        self._changes = changes
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
            facts=(*detail.facts(container), *self._managers(seen)),
            private=detail.PRIVATE,
            labels=container.labels,
            ports=detail.ports(container),
            mounts=detail.mounts(container),
            networks=detail.networks(container),
            checks=detail.checks(container),
            environment=detail.environment(container),
            events=shown(self._events_of(container)),
        )

    def cause(self, scope: Scope, instance: str, *, quote_logs: bool = True) -> Explanation:
        """Explain why a container is not ok; without `quote_logs` nothing that it wrote is quoted."""
        seen = self._reader.look_at(scope, instance, measured=False)
        container = seen.container
        return explain(
            evidence.facts(
                seen,
                events=self._events_of(container),
                last_lines=self._last_lines(scope, seen) if quote_logs else (),
                port_conflict=self._port_conflict(scope, seen),
                quote_health=quote_logs,
                refusal=self._changes.refusals.of(container),
                absent=absent(self._api, container) if engine_word(container.state) != "running" else (),
                now=datetime.now(UTC),
            )
        )

    def blast(self, scope: Scope, instances: Sequence[str], *, verb: str = "") -> Blast:
        """Say what else is hit when this is done to containers. Raise RuntimeProblem when they cannot be read."""
        return ContainerBlast(self._containers, self._reader, self._host).of(scope, instances, verb=verb or "restart")

    def restart(self, scope: Scope, instance: str) -> None:
        """Stop and start a container, see `Changes.make`."""
        self._changes.make("restart", scope, instance)

    def stop(self, scope: Scope, instance: str) -> None:
        """Stop a container, see `Changes.make`."""
        self._changes.make("stop", scope, instance)

    def start(self, scope: Scope, instance: str) -> None:
        """Start a container, see `Changes.make`."""
        self._changes.make("start", scope, instance)

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

    def _managers(self, seen: Seen) -> tuple[tuple[str, str], ...]:
        found = managers(seen.container.labels, pod=seen.pod, program=self._program, host=self._host)
        return tuple((name, value) for name, value in found if value)

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
