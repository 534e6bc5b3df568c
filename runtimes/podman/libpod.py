"""Reads what only Podman's own API tells, through the wall of the service, and runs health checks.

An id that a person sends is looked up by the engine's containers, as everywhere; Podman is then asked by the full id,
which no other container is ever given.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from runtimes.base import Scope
from runtimes.engine.answers import Inspected as Compatible
from runtimes.engine.answers import moment
from runtimes.engine.api import escaped
from runtimes.engine.containers import Containers
from runtimes.engine.pods import Pods
from runtimes.engine.scope import missing
from runtimes.errors import Conflict, Missing, RuntimeProblem
from runtimes.libpod import CheckRun, HealthCheck, Own, Pod
from runtimes.planning import Plan
from runtimes.podman import answers
from runtimes.podman.client import LibpodClient
from runtimes.podman.health import unrun
from runtimes.podman.secrets import secret_uses

SECOND_NS = 1_000_000_000
CHECK_MAX_S = 120.0
"""Longest that a person is kept waiting for a check; podman itself ends one after its own timeout."""
PRINTED_MAX_CHARS = 4096
NO_CHECK = frozenset({"NONE", ""})


class PodmansOwn:
    """Podman's own API, as one service may see it."""

    def __init__(self, client: LibpodClient, containers: Containers, memberships: Pods) -> None:
        self._client = client
        self._containers = containers
        self._memberships = memberships

    def pods(self, scope: Scope) -> Sequence[Pod]:
        """List the pods that the service has a container in."""
        own = {row.id: row.name for row in self._containers.listed(scope)}
        if not own:
            return ()
        found = [_pod(pod, own) for pod in self._client.get("/pods/json", list[answers.Pod])]
        return tuple(sorted((pod for pod in found if pod.members), key=lambda pod: pod.name))

    def one(self, scope: Scope, instance: str) -> Own:
        """Read what there is of one container. Raise Missing when it is not the service's."""
        container = self._containers.one(scope, instance)
        found = self._inspected(scope, container, instance)
        config = found.config
        line = config.create_command or []
        known = self._secrets() if any("--secret" in word for word in line) else frozenset[str]()
        files = [each.name for each in config.secrets or () if each.name]
        return Own(health=health_of(found, datetime.now(UTC)), secrets=secret_uses(files, line, known=known))

    def plan_check(self, scope: Scope, instance: str) -> Plan:
        """Say what running a container's health check does."""
        found = self._checkable(scope, instance)
        check = _check(found)
        on_failure, retries = found.config.healthcheck_on_failure_action, (check.retries if check else 0)
        acts = on_failure not in ("", "none")
        said = f"When it has failed {retries} times in a row, podman does what it was told to: {on_failure}."
        return Plan(
            target=f"container/{found.name}",
            summary=f"Run the health check of {found.name} once",
            command=shlex.join(["podman", "healthcheck", "run", found.name]),
            warnings=(said,) if acts else (),
        )

    def check(self, scope: Scope, instance: str) -> HealthCheck:
        """Run a container's health check once, and give how it is then."""
        found = self._checkable(scope, instance)
        config = _check(found)
        wait_s = min((config.timeout / SECOND_NS if config else 0.0) + self._client.timeout_s, CHECK_MAX_S)
        try:
            self._client.act(f"/containers/{escaped(found.id)}/healthcheck", answers.Health, timeout_s=wait_s)
        except Missing:
            raise missing(instance, service=scope.service) from None
        own = self.one(scope, found.id).health
        if own is None:
            raise missing(instance, service=scope.service)
        return own

    def _checkable(self, scope: Scope, instance: str) -> answers.Inspected:
        container = self._containers.one(scope, instance)
        found = self._inspected(scope, container, instance)
        if _check(found) is None:
            raise Conflict(f"{found.name} has no health check.", hint="Make it with one: podman run --health-cmd …")
        if not found.state.running:
            raise Conflict(f"{found.name} is not running: there is nothing to check.", hint="Start it first.")
        return found

    def _inspected(self, scope: Scope, container: Compatible, wanted: str) -> answers.Inspected:
        try:
            return self._client.get(f"/containers/{escaped(container.id)}/json", answers.Inspected)
        except Missing:
            raise missing(wanted, service=scope.service) from None

    def _secrets(self) -> frozenset[str]:
        try:
            return frozenset(each.spec.name for each in self._client.get("/secrets/json", list[answers.KnownSecret]))
        except RuntimeProblem:  # what cannot be known to be a name is not shown
            return frozenset()


def health_of(found: answers.Inspected, now: datetime) -> HealthCheck | None:
    """Say how a container's health check stands; None without one."""
    config, state = _check(found), found.state.health or found.state.healthcheck or answers.Health()
    if config is None:
        return None
    runs = tuple(
        CheckRun(at=moment(each.end), exit_code=each.exit_code, printed=each.output.strip()[:PRINTED_MAX_CHARS])
        for each in state.log or ()
    )
    interval_s, started_at = config.interval / SECOND_NS, moment(found.state.started_at)
    sentence, hint = "", ""
    if found.state.running and started_at is not None:
        timeout_s = config.timeout / SECOND_NS
        sentence, hint = unrun(
            runs, name=found.name, interval_s=interval_s, timeout_s=timeout_s, started_at=started_at, now=now
        )
    action = found.config.healthcheck_on_failure_action
    return HealthCheck(
        status=state.status,
        command=_line(config.test or []),
        interval_s=interval_s,
        retries=config.retries,
        failing_streak=state.failing_streak,
        runs=tuple(reversed(runs)),
        on_failure="" if action == "none" else action,
        sentence=sentence,
        hint=hint,
    )


def _check(found: answers.Inspected) -> answers.Check | None:
    check = found.config.healthcheck
    return check if check and check.test and check.test[0] not in NO_CHECK else None


def _line(test: Sequence[str]) -> str:
    kind, *words = test
    return " ".join(words) if kind == "CMD-SHELL" else shlex.join(words if kind == "CMD" else test)


def _pod(pod: answers.Pod, own: dict[str, str]) -> Pod:
    members = [each for each in pod.containers or () if each.id != pod.infra_id]
    mine = [each for each in members if each.id in own]
    return Pod(
        name=pod.name or pod.id[:12],
        status=pod.status.lower(),
        members=tuple(sorted(own[each.id] for each in mine)),
        running=sum(each.status.lower() == "running" for each in mine),
        others=len(members) - len(mine),
    )
