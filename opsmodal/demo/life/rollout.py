"""The arithmetic of a rollout: how large each ReplicaSet may be next, and what the Deployment says of it. Pure.

Source: k8s.io/kubernetes pkg/controller/deployment (rolling.go, progress.go, util/deployment_util.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor

from opsmodal.demo.clock import Clock, parsed
from opsmodal.demo.documents import Obj, dig, name_of
from opsmodal.demo.life.conditions import condition

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
FAILURE = "ReplicaFailure"
CREATED = "NewReplicaSetCreated"
Resize = tuple[str, int, int]
"""(name of the ReplicaSet, its next size, its size before)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition to be set."""

    type: str
    status: str
    reason: str
    message: str


def share_of(owner: Obj, field: str, desired: int) -> int:
    """Read maxSurge (rounded up) or maxUnavailable (rounded down), a number or a percentage."""
    value = dig(owner, "spec", "strategy", "rollingUpdate", field)
    if not isinstance(value, str):
        return int(value or 0)
    part = int(value.rstrip("%")) * desired / 100
    return ceil(part) if field == "maxSurge" else floor(part)


def bounds(owner: Obj) -> tuple[int, int]:
    """Give the most pods there may be, and the fewest that must be available."""
    desired = dig(owner, "spec", "replicas") or 0
    surge, unavailable = (share_of(owner, field, desired) for field in ("maxSurge", "maxUnavailable"))
    if not surge and not unavailable:
        unavailable = 1
    return desired + surge, max(desired - unavailable, 0)


def _size(document: Obj | None) -> int:
    return dig(document, "spec", "replicas") or 0


def _count(document: Obj | None, field: str) -> int:
    return dig(document, "status", field) or 0


def next_sizes(owner: Obj, new: Obj | None, old: list[Obj]) -> list[Resize]:
    """Give which ReplicaSets get which size now."""
    desired = dig(owner, "spec", "replicas") or 0
    if dig(owner, "spec", "paused") or new is None:
        return list(_scaled_alone(desired, new, old))
    if dig(owner, "spec", "strategy", "type") == "Recreate":
        return list(_recreated(desired, new, old))
    return list(_rolled(owner, desired, new, old))


def _scaled_alone(desired: int, new: Obj | None, old: list[Obj]) -> Iterator[Resize]:
    """While paused only the largest ReplicaSet follows a changed number of replicas."""
    sets = [item for item in [new, *old] if item and _size(item)] or ([new] if new else [])
    if sets:
        largest = max(sets, key=_size)
        rest = sum(map(_size, sets)) - _size(largest)
        if _size(largest) != max(desired - rest, 0):
            yield name_of(largest), max(desired - rest, 0), _size(largest)


def _recreated(desired: int, new: Obj, old: list[Obj]) -> Iterator[Resize]:
    for item in old:
        if _size(item):
            yield name_of(item), 0, _size(item)
    if not any(_count(item, "replicas") for item in old) and _size(new) != desired:
        yield name_of(new), desired, _size(new)


def _rolled(owner: Obj, desired: int, new: Obj, old: list[Obj]) -> Iterator[Resize]:
    most, fewest = bounds(owner)
    total = _size(new) + sum(map(_size, old))
    if _size(new) > desired:
        yield name_of(new), desired, _size(new)
        return
    if _size(new) < desired and total < most:
        yield name_of(new), min(desired, _size(new) + most - total), _size(new)
        return
    yield from _shrunk(total, fewest, new, old)


def _shrunk(total: int, fewest: int, new: Obj, old: list[Obj]) -> Iterator[Resize]:
    """Take pods from the old ReplicaSets: first those that are not well, then what availability allows."""
    new_unavailable = _size(new) - _count(new, "availableReplicas")
    allowed = total - fewest - new_unavailable
    sizes = {name_of(item): _size(item) for item in old}
    for item in sorted(old, key=lambda item: item["metadata"]["creationTimestamp"]):
        unwell = min(_size(item) - _count(item, "availableReplicas"), allowed)
        if unwell > 0:
            sizes[name_of(item)] -= unwell
            allowed -= unwell
    available = sum(_count(item, "availableReplicas") for item in [new, *old])
    spare = min(available - fewest, allowed)
    for item in sorted(old, key=lambda item: item["metadata"]["creationTimestamp"]):
        taken = min(max(spare, 0), sizes[name_of(item)])
        sizes[name_of(item)] -= taken
        spare -= taken
    for item in old:
        if sizes[name_of(item)] != _size(item):
            yield name_of(item), sizes[name_of(item)], _size(item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The pods of a Deployment."""

    desired: int
    total: int
    updated: int
    ready: int
    available: int
    fewest: int

    @classmethod
    def of(cls, owner: Obj, new: Obj | None, sets: list[Obj]) -> Counts:
        """Count the pods of all ReplicaSets."""
        return cls(
            desired=dig(owner, "spec", "replicas") or 0,
            total=sum(_count(item, "replicas") for item in sets),
            updated=_count(new, "replicas"),
            ready=sum(_count(item, "readyReplicas") for item in sets),
            available=sum(_count(item, "availableReplicas") for item in sets),
            fewest=bounds(owner)[1],
        )

    def status(self, owner: Obj) -> Obj:
        """Give the counts as a status; those that are 0 are left out, as the API does."""
        fields = {
            "replicas": self.total,
            "updatedReplicas": self.updated,
            "readyReplicas": self.ready,
            "availableReplicas": self.available,
            "unavailableReplicas": max(self.total, self.desired) - self.available,
        }
        generation = {"observedGeneration": owner["metadata"]["generation"]}
        return generation | {name: count for name, count in fields.items() if count > 0}

    def complete(self, owner: Obj) -> bool:
        """Tell whether the rollout is through."""
        through = self.updated == self.desired == self.total == self.available
        return through or bool(dig(owner, "spec", "paused"))

    def availability(self) -> Verdict:
        """Judge whether enough pods are available."""
        if self.available >= self.fewest:
            words = "Deployment has minimum availability."
            return Verdict("Available", "True", "MinimumReplicasAvailable", words)
        words = "Deployment does not have minimum availability."
        return Verdict("Available", "False", "MinimumReplicasUnavailable", words)


def progress(owner: Obj, new: Obj | None, counts: Counts, clock: Clock) -> Verdict | None:
    """Judge whether the rollout goes on; None when nothing is to be said."""
    if dig(owner, "spec", "paused"):
        return Verdict("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    if new is None:
        return None
    before, name = condition(owner, "Progressing"), name_of(new)
    if counts.complete(owner):
        words = f'ReplicaSet "{name}" has successfully progressed.'
        return Verdict("Progressing", "True", "NewReplicaSetAvailable", words)
    known = name in before.get("message", "")
    return None if known and before["reason"] == "NewReplicaSetAvailable" else _unfinished(owner, name, counts, clock)


def _unfinished(owner: Obj, name: str, counts: Counts, clock: Clock) -> Verdict | None:
    """Judge a rollout that is under way: it moved, it stands still, or it has done so for too long."""
    before = condition(owner, "Progressing")
    known = name in before.get("message", "")
    said = {key: value for key, value in (owner.get("status") or {}).items() if key != "conditions"}
    if not known:
        return Verdict("Progressing", "True", CREATED, f'Created new replica set "{name}"')
    if counts.status(owner) != said:
        return Verdict("Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    limit = timedelta(seconds=clock.wait_s(dig(owner, "spec", "progressDeadlineSeconds") or 600))
    if clock.now() - parsed(before["lastUpdateTime"]) > limit:
        words = f'ReplicaSet "{name}" has timed out progressing.'
        return Verdict("Progressing", "False", "ProgressDeadlineExceeded", words)
    return None


def failure(sets: list[Obj]) -> Verdict | None:
    """Say that pods of a ReplicaSet are refused; None when none are."""
    for item in sets:
        found = condition(item, FAILURE)
        if found.get("status") == "True":
            return Verdict(FAILURE, "True", found["reason"], found["message"])
    return None


def put_condition(document: Obj, verdict: Verdict, stamp: str) -> None:
    """Set a condition of a Deployment, which also carries when it was last updated."""
    conditions = document["status"]["conditions"]
    known = next((item for item in conditions if item["type"] == verdict.type), None)
    fresh: Obj = {"type": verdict.type, "status": verdict.status, "reason": verdict.reason, "message": verdict.message}
    if known is None:
        conditions.append(fresh | {"lastUpdateTime": stamp, "lastTransitionTime": stamp})
        return
    same = all(known[field] == value for field, value in fresh.items())
    if same and verdict.reason != "ReplicaSetUpdated":
        return
    moved = stamp if known["status"] != verdict.status else known["lastTransitionTime"]
    # what was set last stands last, as there
    conditions.remove(known)
    conditions.append(fresh | {"lastUpdateTime": stamp, "lastTransitionTime": moved})
