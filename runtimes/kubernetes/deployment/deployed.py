"""Turns a workload into what the Deployment tab shows of it, and says what can be done to it just now. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.deployment import Deployed, DeployedContainer, Run
from runtimes.kubernetes import changes
from runtimes.kubernetes.deployment import conditions, probes, revisions, runs, strategies
from runtimes.kubernetes.deployment.rollouts import counts, judging
from runtimes.kubernetes.managers import managed_by
from runtimes.kubernetes.objects.workloads import DeployedObject, ProbedContainer, template_of
from runtimes.kubernetes.pods.instance import resources
from runtimes.kubernetes.workloads.around import Around
from runtimes.planning import Progress


def deployed(known: DeployedObject, kind: str, around: Around, *, progress: Progress | None = None) -> Deployed:
    """Give a workload as the page shows it. `progress` is told where it is better known than by `around` alone."""
    ready, desired = counts.ready_of(known, kind)
    counted = counts.counts(known, kind)
    autoscaler = around.autoscalers.get(f"{kind.lower()}/{known.metadata.name}")
    through = progress is None and counts.steady(known, kind)
    stands = None if through else progress or judging.progress(known, kind, around)
    return Deployed(
        id=f"{kind.lower()}.{known.metadata.name}",
        kind=kind,
        name=known.metadata.name,
        desired=desired,
        ready=ready,
        updated=counted.updated,
        available=counted.available,
        containers=tuple(_containers(known, kind)),
        strategy=strategies.strategy(known, kind),
        strategy_facts=strategies.facts(known, kind),
        paused=known.spec.paused,
        suspended=known.spec.suspend,
        schedule=known.spec.schedule,
        runs=_runs(known, kind, around),
        conditions=conditions.conditions(known),
        change_cause=revisions.change_cause(known.metadata),
        revision=revisions.current_of(known, kind, around),
        progress=None if stands is None or stands.state == "done" else stands,
        autoscaler=autoscaler,
        managed_by=managed_by(known.metadata.labels, known.metadata.annotations, owner=_owner(known)),
        verbs=frozenset(_verbs(known, kind, locked=autoscaler is not None)),
        made_at=known.metadata.creation_timestamp,
    )


def _containers(known: DeployedObject, kind: str) -> Iterator[DeployedContainer]:
    spec = template_of(known, kind).spec
    for each in spec.containers:
        yield _container(each, "container")
    for each in spec.init_containers or ():
        yield _container(each, "sidecar" if each.restart_policy == "Always" else "init")


def _container(known: ProbedContainer, kind: str) -> DeployedContainer:
    return DeployedContainer(
        name=known.name,
        image=known.image,
        kind=kind,
        resources=resources(known.resources),
        probes=probes.probes(known),
    )


def _runs(known: DeployedObject, kind: str, around: Around) -> tuple[Run, ...]:
    if kind == "CronJob":
        return runs.of_jobs(known.metadata.uid, around.jobs)
    return runs.of_pods(around.pods_of(known.metadata), now=around.now) if kind == "Job" else ()


def _owner(known: DeployedObject) -> str:
    owner = known.metadata.controller
    return f"{owner.kind} {owner.name}" if owner is not None else ""


def _verbs(known: DeployedObject, kind: str, *, locked: bool) -> Iterator[str]:
    """Name what can be done now: an autoscaler takes scaling away, and what is paused cannot be paused again."""
    ended = kind == "Job" and any(
        conditions.find(known.status.conditions, each) is not None for each in ("Complete", "Failed")
    )
    owned = kind == "ReplicaSet" and known.metadata.controller is not None
    paused = known.spec.paused
    gone = {
        "scale": locked or owned,
        "autoscale": owned,
        "pause": paused,
        "resume": not paused,
        # The API server takes both, and the controller does nothing of it while paused: kubectl refuses them, too.
        "restart": paused,
        "rollback": paused,
        "suspend": ended,
    }
    return (verb for verb in changes.verbs(kind) if not gone.get(verb, False))
