"""The Overview tab: what keeps the service alive, how it is, what it uses, what was reported lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from runtimes.base import Domain, Event, Identity, Scope, Severity, Snapshot, Summary, Workload
from runtimes.domains import Setup
from runtimes.engine import measures
from runtimes.engine.alarms import Alarms
from runtimes.engine.aside import is_put_aside
from runtimes.engine.managers import ONE_OFF_LABEL
from runtimes.engine.reading import Reader, Seen
from runtimes.engine.scope import PROJECT_LABELS, SERVICE_LABELS, first_label, key
from runtimes.errors import RuntimeProblem
from runtimes.resources import summed, without_limits, without_requests

Glance = Callable[[Scope], tuple[tuple[Domain, ...], Setup | None]]
"""Reads the domains of a service; or what is missing before there can be any."""


class Overview:
    """A service at a glance."""

    def __init__(
        self, *, reader: Reader, alarms: Alarms, identity: Identity, notes: Sequence[str], domains: Glance
    ) -> None:
        self._reader = reader
        self._alarms = alarms
        self._identity = identity
        self._notes = tuple(notes)
        self._domains = domains

    def read(self, scope: Scope) -> Summary:
        """Read everything that the tab shows, out of memory once it is watched. Raise RuntimeProblem."""
        look = self._reader.look(scope)
        seen = look.items
        found = workloads(seen)
        asked = [each.limits for each in seen if is_desired(each)]
        warnings, notes = self._warnings(scope, look)
        domains, setup = ((), None) if look.stale else self._domains(scope)
        return Summary(
            as_of=look.as_of,
            workloads=found,
            counts=_counts(seen),
            ready=sum(each.ready for each in found),
            desired=sum(each.desired for each in found),
            restarts=sum(each.container.restart_count for each in seen),
            images=_images(seen),
            warnings=warnings,
            usage=measures.summed(each.usage for each in seen),
            requests_and_limits=summed(asked),
            containers_without_limits=without_limits(asked),
            containers_without_requests=without_requests(asked),
            domains=domains,
            setup=setup,
            identity=self._identified(scope, seen),
            notes=(*self._notes, *notes),
            stale=look.stale,
            problem=look.problem,
        )

    def desired(self, scope: Scope) -> int:
        """Count the containers that should be ready, as `read` does; nothing is measured for it."""
        return sum(each.desired for each in workloads(self._reader.look(scope, measured=False).items))

    def _warnings(self, scope: Scope, look: Snapshot[Seen]) -> tuple[tuple[Event, ...], tuple[str, ...]]:
        if look.stale:  # nobody should wait for an engine that is silent
            return self._alarms.known(key(scope)), ()
        try:
            return self._alarms.read(key(scope), [each.container.id for each in look.items]), ()
        except RuntimeProblem as problem:
            return (), (f"Recent warnings could not be read: {problem.sentence}",)

    def _identified(self, scope: Scope, seen: Sequence[Seen]) -> tuple[tuple[str, str], ...]:
        pods = sorted({each.pod for each in seen if each.pod})
        return (
            (self._identity.program, self._identity.version),
            *self._identity.detail,
            *((("Compose project", scope.project),) if scope.project else ()),
            *((("Pods", ", ".join(pods)),) if pods else ()),
        )


def workloads(seen: Iterable[Seen]) -> tuple[Workload, ...]:
    """Group containers by compose service; one that compose did not make is a workload of its own.

    What an update has put aside is none.
    """
    groups: dict[tuple[str, str], list[Seen]] = {}
    for each in seen:
        is_once = each.container.labels.get(ONE_OFF_LABEL, "").lower() == "true"
        if not is_once and not is_put_aside(each.container):
            groups.setdefault(workload_of(each), []).append(each)
    return tuple(
        Workload(
            id=name,
            kind=kind,
            name=name,
            ready=sum(each.condition.ready for each in members),
            desired=sum(is_desired(each) for each in members),
            images=_images(members),
            resources=members[0].limits,
        )
        for (name, kind), members in sorted(groups.items())
    )


def is_desired(seen: Seen) -> bool:
    """Say whether a container is meant to run: one that ended with 0 and is not to be restarted has done its work.

    One that an update has put aside is not.
    """
    if is_put_aside(seen.container):
        return False
    policy = seen.container.host_config.restart_policy.name
    done = seen.condition.word == "exited" and seen.condition.severity is Severity.NEUTRAL
    return not (done and seen.container.state.exit_code == 0 and policy in ("", "no", "on-failure"))


def workload_of(seen: Seen) -> tuple[str, str]:
    """Name what a container is a replica of, as (name, kind)."""
    labels: Mapping[str, str] = seen.container.labels
    service = first_label(labels, SERVICE_LABELS) if first_label(labels, PROJECT_LABELS) else ""
    return (service, "compose service") if service else (seen.container.own_name, "container")


def _counts(seen: Iterable[Seen]) -> dict[Severity, int]:
    counted = Counter(each.condition.severity for each in seen)
    return {severity: counted[severity] for severity in Severity}


def _images(seen: Iterable[Seen]) -> tuple[str, ...]:
    return tuple(sorted({each.container.config.image for each in seen}))
