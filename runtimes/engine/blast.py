"""What else is hit when containers are restarted, stopped or started: who depends on them, which ports go silent, what
they keep, and who else would act.

What belongs to other services is counted and never named: the wall between services is the container.
Source of the label: github.com/docker/compose, `service:condition:restart` separated by commas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runtimes.base import Blast, Scope
from runtimes.blast import counted, last_ready, named, stays, unread
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.containers import Containers
from runtimes.engine.detail import ports
from runtimes.engine.managers import Host, unit_of
from runtimes.engine.overview import workload_of
from runtimes.engine.reading import Reader, Seen
from runtimes.engine.scope import PROJECT_LABELS, SERVICE_LABELS, first_label, owns
from runtimes.errors import RuntimeProblem

DEPENDS_LABEL = "com.docker.compose.depends_on"
SHARED_NETWORK = "container:"
"""How the network mode of a container begins that lives in another one's network."""


@dataclass(frozen=True, slots=True)
class ContainerBlast:
    """Looks around containers that are about to be changed; `host` says what may be asked there."""

    containers: Containers
    reader: Reader
    host: Host

    def of(self, scope: Scope, ids: Sequence[str], *, verb: str) -> Blast:
        """Say what is hit with these containers of a service. Raise RuntimeProblem when they cannot be read."""
        doomed = [self.containers.one(scope, each) for each in ids]
        if verb == "start":  # what does not run is missed by nobody
            return Blast(touched=tuple(managed(doomed, verb, self.host)))
        own = self.reader.look(scope, measured=False).items
        others, unknown = self._others(scope)
        found = (*touched(doomed, own, others, verb=verb), *managed(doomed, verb, self.host))
        return Blast(touched=found, unknown=unknown)

    def _others(self, scope: Scope) -> tuple[list[Row], tuple[str, ...]]:
        try:
            found = self.containers.everything()
        except RuntimeProblem as problem:
            return [], (unread("containers of other services", problem.sentence),)
        return [row for row in found if not owns(scope, name=row.name, labels=row.labels or {})], ()


def touched(
    doomed: Sequence[Inspected], own: Sequence[Seen], others: Sequence[Row], *, verb: str = "restart"
) -> Iterator[str]:
    """Say what is hit, the worst for others first."""
    yield from _last_ones(doomed, own)
    yield from _ports(doomed, "until it is started again" if verb == "stop" else "meanwhile")
    yield from _dependants(doomed, own, others)
    yield from _volumes(doomed)


def managed(doomed: Sequence[Inspected], verb: str, host: Host) -> Iterator[str]:
    """Say who else acts on it: the manager that is asked, the engine's own restart policy, what made it."""
    for each in doomed:
        unit = unit_of(each.labels)
        if unit and host.there:
            yield f"systemd does it, as the unit {unit}"
        if verb == "stop" and each.host_config.auto_remove:
            again = f"start the unit {unit} on the host to have it again" if unit else "nothing here makes it again"
            yield f"{each.own_name} is removed when it stops (--rm): {again}"
        elif verb == "stop" and each.host_config.restart_policy.name == "always":
            yield "its restart policy is always: the engine starts it again when the engine itself is restarted"
        if verb == "stop" and first_label(each.labels, PROJECT_LABELS):
            yield "the next compose up of its project starts it again"


def _last_ones(doomed: Sequence[Inspected], own: Sequence[Seen]) -> Iterator[str]:
    gone, groups = {each.id for each in doomed}, dict[tuple[str, str], list[Seen]]()
    for seen in own:
        groups.setdefault(workload_of(seen), []).append(seen)
    for (name, kind), members in groups.items():
        hit = [seen for seen in members if seen.container.id in gone]
        left = sum(seen.condition.ready for seen in members if seen.container.id not in gone)
        if hit and kind != "container":  # a container that nobody made for a service is always its own last one
            ready = sum(seen.condition.ready for seen in hit)
            if words := last_ready(len(hit), ready, left, noun="container", workload=f"{kind} {name}"):
                yield words


def _ports(doomed: Sequence[Inspected], how_long: str) -> Iterator[str]:
    found = [port.published for each in doomed if each.state.running for port in ports(each) if port.published]
    published = list(dict.fromkeys(found))
    if published:
        does = "port {} does" if len(published) == 1 else "ports {} do"
        yield f"{does.format(named(published))} not answer {how_long}"


def _dependants(doomed: Sequence[Inspected], own: Sequence[Seen], others: Sequence[Row]) -> Iterator[str]:
    gone = {each.id for each in doomed}
    hit = {found for each in doomed if (found := _compose(each.labels)) is not None}
    standing = [seen.container for seen in own if seen.container.id not in gone]
    if mine := [each.own_name for each in standing if _depends(each.labels, hit)]:
        yield f"{named(mine)} {'depends' if len(mine) == 1 else 'depend'} on it"
    if strange := sum(_depends(row.labels or {}, hit) for row in others):
        yield f"{counted(strange, 'container')} of other services {'depends' if strange == 1 else 'depend'} on it"
    modes = {f"{SHARED_NETWORK}{each.id}" for each in doomed}
    if sharing := [each.own_name for each in standing if each.host_config.network_mode in modes]:
        yield f"{named(sharing)} {'lives' if len(sharing) == 1 else 'live'} in its network and will have to follow"


def _compose(labels: Mapping[str, str]) -> tuple[str, str] | None:
    project, service = first_label(labels, PROJECT_LABELS), first_label(labels, SERVICE_LABELS)
    return (project, service) if project and service else None


def _depends(labels: Mapping[str, str], hit: set[tuple[str, str]]) -> bool:
    project = first_label(labels, PROJECT_LABELS)
    wanted = (each.partition(":")[0].strip() for each in labels.get(DEPENDS_LABEL, "").split(","))
    return any((project, service) in hit for service in wanted)


def _volumes(doomed: Sequence[Inspected]) -> Iterator[str]:
    mounts = [mount for each in doomed for mount in each.mounts or ()]
    kept = [mount.name for mount in mounts if mount.type == "volume" and mount.name]
    # Docker lists what was mounted by --tmpfs among the settings only, Podman among both.
    lost = [mount.destination for mount in mounts if mount.type == "tmpfs"]
    lost += [path for each in doomed for path in each.host_config.tmpfs or ()]
    if kept:
        yield stays("volume", kept)
    if lost:
        yield f"what is in memory at {named(lost)} is lost"
