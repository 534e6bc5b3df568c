"""Reads workloads with what stands around them: all of a namespace at once, or one with just its own.

Whatever cannot be read is told, and then less is said of the workloads; it refuses only where no workload can be read.
Pages that ask again and again read lists that are kept; a rollout that is followed, and every change, never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from runtimes.base import Scope
from runtimes.deployment import Autoscaler
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.spoiled import known_as, left_out
from runtimes.kubernetes.changes.found import RESOURCES, Found
from runtimes.kubernetes.deployment.rollouts import counts
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.workloads import ControllerRevision, DeployedObject, template_labels
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.together import Outcome, Together
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods
from runtimes.kubernetes.workloads.around import Around
from runtimes.kubernetes.workloads.autoscalers import AutoscalerObject, autoscalers, by_target
from runtimes.kubernetes.workloads.summary import KINDS, PASSING

T = TypeVar("T")

NUMBERED = frozenset({"StatefulSet", "DaemonSet"})
"""Kinds whose revisions are ControllerRevisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The workloads of a service as (kind, object), what stands around them, and notes on what could not be read.

    `revised` are the kinds whose revisions could be read.
    """

    workloads: tuple[tuple[str, DeployedObject], ...]
    around: Around
    notes: tuple[str, ...]
    revised: frozenset[str]


@dataclass(frozen=True, slots=True)
class WorkloadReads:
    """Reads the workloads of one cluster."""

    client: Client
    together: Together
    live: LivePods
    kept: KeptLists

    def all(self, scope: Scope) -> Read:
        """Read all workloads of a service, but for those that another one made. Raise RuntimeProblem."""
        resources = list(KINDS)
        pods, scaled, numbered, *objects = self.together.run(
            lambda: self.live.whole(scope).items,
            lambda: self._autoscalers(scope),
            lambda: self._listed(scope, "controllerrevisions", ControllerRevision),
            *(self._lister(scope, resource) for resource in resources),
        )
        if all(outcome.problem is not None for outcome in objects):
            objects[0].get()
        lists = {name: outcome.value for name, outcome in zip(resources, objects, strict=True) if not outcome.problem}
        around = Around(
            now=datetime.now(UTC),
            sets=lists.get("replicasets", ()),
            jobs=lists.get("jobs", ()),
            pods=pods.value or (),
            revisions=numbered.value or (),
            autoscalers=by_target(scaled.value or ()),
        )
        found = tuple(_own(lists, matcher(scope.selector)))
        outcomes = dict(zip(resources, objects, strict=True)) | {"pods": pods, "autoscalers": scaled}
        # Who may not read these lacks nothing where no workload has any.
        outcomes |= {"revisions": numbered} if any(kind in NUMBERED for kind, _ in found) else {}
        revised = (NUMBERED if numbered.problem is None else frozenset()) | (
            {"Deployment"} if "replicasets" in lists else frozenset()
        )
        return Read(workloads=found, around=around, notes=tuple(_notes(outcomes)), revised=revised)

    def steady(self, scope: Scope, workload: str) -> tuple[str, DeployedObject, Around] | None:
        """Give a workload that stands still as (kind, object, around) out of lists that are kept; None without them.

        One whose pods are being replaced is not among them: its own counts may be ahead of a list.
        """
        kind, _, name = workload.partition(".")
        resource = RESOURCES.get(kind)
        known = self._held(scope, resource, DeployedObject) if resource else None
        accepts, kind = matcher(scope.selector), KINDS.get(resource or "", "")
        mine = [each for each in known or () if each.metadata.name == name and accepts(template_labels(each, kind))]
        if not mine or not (kind in PASSING or counts.steady(mine[0], kind)):
            return None
        around = self._held_around(scope, kind)
        return (kind, mine[0], around) if around is not None else None

    def _held_around(self, scope: Scope, kind: str) -> Around | None:
        sets, revisions, jobs, pods, scalers = self.together.run(
            lambda: self._held(scope, "replicasets", DeployedObject) if kind == "Deployment" else (),
            lambda: self._held(scope, "controllerrevisions", ControllerRevision) if kind in NUMBERED else (),
            lambda: self._held(scope, "jobs", DeployedObject) if kind == "CronJob" else (),
            lambda: self.live.whole(scope) if kind != "CronJob" else None,
            lambda: self.kept.held(paths.autoscalers(scope.namespace), AutoscalerObject, what="autoscalers"),
        )
        values = (sets.value, revisions.value, jobs.value, scalers.value)
        if pods.problem is not None or (pods.value and pods.value.stale) or any(value is None for value in values):
            return None
        return Around(
            now=datetime.now(UTC),
            sets=sets.value,
            revisions=revisions.value,
            jobs=jobs.value,
            pods=pods.value.items if pods.value else (),
            autoscalers=by_target(scalers.value),
        )

    def _held(self, scope: Scope, resource: str, kind: type[T]) -> Sequence[T] | None:
        return self.kept.held(paths.collection(scope.namespace, resource), kind, what=resource)

    def one(self, found: Found, *, scaled: bool) -> tuple[DeployedObject, Around]:
        """Read what stands around one workload, as far as it can be read; `scaled` also what scales it.

        Its pods do not come out of memory, which may be behind the workload's own counts.
        """
        kind, known = found.kind, known_as(found.document, DeployedObject, what=f"{found.kind} {found.name}")
        autoscaled = scaled and kind not in PASSING
        sets, numbered, jobs, pods, scalers = self.together.run(
            lambda: self._selected(found, "replicasets", DeployedObject) if kind == "Deployment" else (),
            lambda: self._selected(found, "controllerrevisions", ControllerRevision) if kind in NUMBERED else (),
            lambda: self._selected(found, "jobs", DeployedObject) if kind == "CronJob" else (),
            lambda: self._selected(found, "pods", HeldPod) if kind != "CronJob" else (),
            lambda: autoscalers(self.client, found.namespace) if autoscaled else _NO_SCALERS,
        )
        return known, Around(
            now=datetime.now(UTC),
            sets=sets.value or (),
            revisions=numbered.value or (),
            jobs=jobs.value or (),
            pods=pods.value or (),
            autoscalers=scalers.value or {},
        )

    def numbered(self, found: Found) -> tuple[DeployedObject, Around]:
        """Read what the revisions of one workload are told by. Raise RuntimeProblem when they cannot be read."""
        kind, known = found.kind, known_as(found.document, DeployedObject, what=f"{found.kind} {found.name}")
        sets, revisions, pods = self.together.run(
            lambda: self._selected(found, "replicasets", DeployedObject) if kind == "Deployment" else (),
            lambda: self._selected(found, "controllerrevisions", ControllerRevision) if kind in NUMBERED else (),
            lambda: self._selected(found, "pods", HeldPod) if kind in NUMBERED else (),
        )
        return known, Around(now=datetime.now(UTC), sets=sets.get(), revisions=revisions.get(), pods=pods.value or ())

    def _selected(self, found: Found, resource: str, kind: type[T]) -> Sequence[T]:
        """List what has the labels that a workload selects by: a namespace may hold thousands of others."""
        labels = (found.spec.get("selector") or {}).get("matchLabels") or {}
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or None}
        return self.client.listed(paths.collection(found.namespace, resource), kind, what=resource, query=query)

    def _lister(self, scope: Scope, resource: str) -> Callable[[], Sequence[DeployedObject]]:
        return lambda: self._listed(scope, resource, DeployedObject)

    def _listed(self, scope: Scope, resource: str, kind: type[T]) -> Sequence[T]:
        return self.kept.listed(paths.collection(scope.namespace, resource), kind, what=resource, lenient=True)

    def _autoscalers(self, scope: Scope) -> Sequence[AutoscalerObject]:
        path = paths.autoscalers(scope.namespace)
        return self.kept.listed(path, AutoscalerObject, what="autoscalers", lenient=True)


_NO_SCALERS: Mapping[str, Autoscaler] = {}


def _own(
    lists: Mapping[str, Sequence[DeployedObject]], accepts: Callable[[Mapping[str, str]], bool]
) -> Iterator[tuple[str, DeployedObject]]:
    for resource, known in lists.items():
        kind = KINDS[resource]
        for each in known:
            if accepts(template_labels(each, kind)) and not _made_by_another(each, resource, lists):
                yield kind, each


def _made_by_another(known: DeployedObject, resource: str, lists: Mapping[str, Sequence[DeployedObject]]) -> bool:
    """Say whether a workload that is shown made this one, or it is an old revision of one that may not be listed."""
    owner = known.metadata.controller
    if owner is None:
        return False
    if resource == "replicasets" and owner.kind == "Deployment" and known.spec.replicas == 0:
        return True
    return owner.kind in {KINDS[listed] for listed in lists}


def _notes(outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    for name, outcome in outcomes.items():
        if outcome.problem is not None:
            yield f"The {name} could not be read. {outcome.problem.sentence}"
        yield from left_out(outcome.value)
