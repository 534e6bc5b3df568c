"""What stands around the workloads of a service and says more of them than they do themselves. Pure.

Whatever could not be read is empty here: then less is said, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from runtimes.deployment import Autoscaler
from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.workloads import ControllerRevision, DeployedObject

REVISION = "deployment.kubernetes.io/revision"
"""The annotation by which a Deployment numbers itself and its ReplicaSets."""
REVISION_MAX_DIGITS = 18
"""Of an int64; of more than 4,300 Python reads none at all, and says so by an error."""
REVISION_HASH = "controller-revision-hash"
"""The label that names a pod's ControllerRevision: whole for a StatefulSet, by its hash alone for a DaemonSet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What was read of a namespace; `autoscalers` goes by what they scale, `deployment/web`."""

    now: datetime
    sets: Sequence[DeployedObject] = ()
    revisions: Sequence[ControllerRevision] = ()
    jobs: Sequence[DeployedObject] = ()
    pods: Sequence[HeldPod] = ()
    autoscalers: Mapping[str, Autoscaler] = field(default_factory=dict)
    _made: dict[str, list[HeldPod]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the pods by their makers, once: there may be thousands, and dozens of workloads."""
        for pod in self.pods:
            if (owner := pod.metadata.controller) is not None:
                self._made.setdefault(owner.uid, []).append(pod)

    def sets_of(self, known: DeployedObject) -> list[DeployedObject]:
        """Give the ReplicaSets of a Deployment, newest revision first."""
        mine = [each for each in self.sets if made_by(each.metadata, known.metadata)]
        return sorted(mine, key=lambda each: revision_of(each.metadata), reverse=True)

    def revisions_of(self, known: DeployedObject) -> list[ControllerRevision]:
        """Give the ControllerRevisions of a StatefulSet or DaemonSet, newest first."""
        mine = [each for each in self.revisions if made_by(each.metadata, known.metadata)]
        return sorted(mine, key=lambda each: each.revision, reverse=True)

    def pods_of(self, *makers: Metadata) -> Iterator[HeldPod]:
        """Give the pods that one of these objects made itself."""
        for maker in makers:
            yield from self._made.get(maker.uid, ())


def made_by(thing: Metadata, maker: Metadata) -> bool:
    """Say whether `maker` is the controller of `thing`."""
    owner = thing.controller
    return owner is not None and bool(maker.uid) and owner.uid == maker.uid


def revision_of(metadata: Metadata) -> int:
    """Give the revision that a Deployment wrote on itself or on a ReplicaSet; 0 where none is."""
    return revision_in((metadata.annotations or {}).get(REVISION, ""))


def revision_in(text: str) -> int:
    """Read a revision out of an annotation; 0 where it is none. Who may annotate a ReplicaSet can write anything."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= REVISION_MAX_DIGITS else 0


def names_of(known: ControllerRevision) -> set[str]:
    """Give all by which a pod may name its ControllerRevision."""
    hashed = (known.metadata.labels or {}).get(REVISION_HASH)
    return {known.metadata.name, hashed} if hashed else {known.metadata.name}
