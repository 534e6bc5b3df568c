"""The revisions of a workload, numbered as kubectl numbers them. Pure.

A Deployment's are its ReplicaSets by their annotation; going back to one gives it the next number, so numbers rise and
have gaps. Those of StatefulSets and DaemonSets are ControllerRevisions, whose own number rises in the same way.
Source: k8s.io/kubectl pkg/polymorphichelpers/history.go.
"""

from __future__ import annotations

from runtimes.deployment import Revision
from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.workloads import ControllerRevision, DeployedObject, ProbedTemplate
from runtimes.kubernetes.pods.status import condition_is
from runtimes.kubernetes.workloads.around import REVISION_HASH, Around, names_of, revision_of

CHANGE_CAUSE = "kubernetes.io/change-cause"
"""https://kubernetes.io/docs/reference/labels-annotations-taints/#change-cause"""


def revisions(known: DeployedObject, kind: str, around: Around) -> tuple[Revision, ...]:
    """Give the revisions of a workload, newest first; none for kinds that keep none."""
    if kind == "Deployment":
        current = current_of(known, kind, around)
        return tuple(_of_set(each, current) for each in around.sets_of(known) if revision_of(each.metadata))
    if kind in {"StatefulSet", "DaemonSet"}:
        current, pods = current_of(known, kind, around), list(around.pods_of(known.metadata))
        return tuple(_of_revision(each, current, pods) for each in around.revisions_of(known))
    return ()


def current_of(known: DeployedObject, kind: str, around: Around) -> int:
    """Give the number of the revision that a workload wants its pods to run; 0 where that cannot be told."""
    if kind == "Deployment":
        return revision_of(known.metadata)
    found = newest(known, around)
    return found.revision if found is not None else 0


def newest(known: DeployedObject, around: Around) -> ControllerRevision | None:
    """Give the ControllerRevision that pods are to run: the one a StatefulSet names, else the latest."""
    mine = around.revisions_of(known)
    named = [each for each in mine if each.metadata.name == known.status.update_revision]
    return next(iter(named or mine), None)


def previous_of(known: DeployedObject, kind: str, around: Around) -> int:
    """Give the number of the revision before the current one, where a rollback without a number goes; 0 for none."""
    found = revisions(known, kind, around)
    current = current_of(known, kind, around)
    return max((each.revision for each in found if each.revision < current), default=0)


def change_cause(metadata: Metadata) -> str:
    """Give why an object was last changed, as whoever changed it wrote it."""
    return (metadata.annotations or {}).get(CHANGE_CAUSE, "")


def images_of(template: ProbedTemplate) -> tuple[str, ...]:
    """Give the images of a template, each once, those of its own containers first."""
    spec = template.spec
    return tuple(dict.fromkeys(each.image for each in (*spec.containers, *(spec.init_containers or ()))))


def runs(pod: HeldPod, known: ControllerRevision) -> bool:
    """Say whether a pod was made of this revision."""
    return (pod.metadata.labels or {}).get(REVISION_HASH) in names_of(known)


def _of_set(known: DeployedObject, current: int) -> Revision:
    number = revision_of(known.metadata)
    return Revision(
        revision=number,
        images=images_of(known.spec.template),
        made_at=known.metadata.creation_timestamp,
        change_cause=change_cause(known.metadata),
        current=number == current,
        ready=known.status.ready_replicas,
        desired=known.spec.replicas or 0,
    )


def _of_revision(known: ControllerRevision, current: int, pods: list[HeldPod]) -> Revision:
    mine = [pod for pod in pods if runs(pod, known)]
    return Revision(
        revision=known.revision,
        images=images_of(known.data.spec.template) if known.data is not None else (),
        made_at=known.metadata.creation_timestamp,
        change_cause=change_cause(known.metadata),
        current=known.revision == current,
        ready=sum(condition_is(pod, "Ready") for pod in mine),
        desired=len(mine),
    )
