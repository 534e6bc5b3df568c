"""Sorts the pods of a workload by revision, and says how each stands in a rollout. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from runtimes.base import Severity
from runtimes.kubernetes.deployment import revisions
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.workloads import ControllerRevision, DeployedObject
from runtimes.kubernetes.pods.severity import judged
from runtimes.kubernetes.pods.status import TERMINAL, all_statuses, condition_is, printed
from runtimes.kubernetes.workloads.around import Around, revision_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One pod in a rollout. `maker` is the uid of what made it, or the name of its revision; `version` its state."""

    name: str
    uid: str
    version: str
    maker: str
    new: bool
    ready: bool
    leaving: bool
    over: bool
    failing: bool
    """Whether it will not become ready by being waited for."""
    word: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The pods of one revision: of a ReplicaSet, or of a ControllerRevision. `desired` None: nobody says how many."""

    name: str
    maker: str
    revision: int
    new: bool
    desired: int | None
    ready: int
    total: int


def members(known: DeployedObject, kind: str, around: Around) -> tuple[Member, ...]:
    """Give the pods of a workload, by name, but for those that have ended.

    An evicted pod stays behind as Failed, still with its owner, who has long made another one.
    """
    if kind == "Deployment":
        sets = {each.metadata.uid: each for each in around.sets_of(known)}
        pods = around.pods_of(*(each.metadata for each in sets.values()))
        current = revision_of(known.metadata)
        found = [_member(pod, _maker(pod), _is_of(sets[_maker(pod)], current), around) for pod in pods]
    else:
        wanted = revisions.newest(known, around) if kind in {"StatefulSet", "DaemonSet"} else None
        all_of = around.revisions_of(known) if wanted is not None else []
        found = [_of_controller(pod, wanted, all_of, around) for pod in around.pods_of(known.metadata)]
    return tuple(sorted((each for each in found if not each.over), key=lambda each: each.name))


def parts(known: DeployedObject, kind: str, around: Around, found: tuple[Member, ...]) -> tuple[Part, ...]:
    """Give the revisions that have pods, or are to have some, newest first."""
    if kind == "Deployment":
        current = revision_of(known.metadata)
        return tuple(
            _set_part(each, current) for each in around.sets_of(known) if _is_of(each, current) or _has_pods(each)
        )
    if kind in {"StatefulSet", "DaemonSet"}:
        wanted = revisions.newest(known, around)
        return tuple(
            _revision_part(each, wanted, found)
            for each in around.revisions_of(known)
            if each is wanted or any(member.maker == each.metadata.name for member in found)
        )
    return ()


def stuck(found: tuple[Member, ...]) -> tuple[Member, ...]:
    """Give the pods of the new revision that fail by themselves."""
    return tuple(each for each in found if each.new and each.failing)


def failing_old(found: tuple[Member, ...]) -> tuple[Member, ...]:
    """Give the pods of an old revision that fail, in their order."""
    return tuple(each for each in found if not each.new and each.failing)


def blocking(found: tuple[Member, ...], kind: str) -> tuple[Member, ...]:
    """Give the pods that are in the way, or may be; old ones that fail are that for a StatefulSet only."""
    return (*waiting(found), *(failing_old(found) if kind == "StatefulSet" else ()))


def waiting(found: tuple[Member, ...]) -> tuple[Member, ...]:
    """Give the pods of the new revision that are not ready, those that fail first."""
    unready = (each for each in found if each.new and not each.ready and not each.leaving)
    return tuple(sorted(unready, key=lambda each: not each.failing))


def _maker(pod: HeldPod) -> str:
    owner = pod.metadata.controller
    return owner.uid if owner is not None else ""


def _is_of(known: DeployedObject, current: int) -> bool:
    return bool(current) and revision_of(known.metadata) == current


def _has_pods(known: DeployedObject) -> bool:
    return bool(known.spec.replicas or known.status.replicas)


def _of_controller(
    pod: HeldPod, wanted: ControllerRevision | None, all_of: list[ControllerRevision], around: Around
) -> Member:
    """Give a pod of a StatefulSet, a DaemonSet or a ReplicaSet; where revisions are not told, every pod is new."""
    mine = next((each.metadata.name for each in all_of if revisions.runs(pod, each)), "")
    return _member(pod, mine, wanted is None or mine == wanted.metadata.name, around)


def _member(pod: HeldPod, maker: str, new: bool, around: Around) -> Member:
    columns = printed(pod)
    judgement = judged(pod, columns.word, now=around.now)
    leaving = pod.metadata.deletion_timestamp is not None
    failing = judgement.severity is Severity.ERROR and not _first_fall(pod)
    return Member(
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        version=pod.metadata.resource_version,
        maker=maker,
        new=new,
        ready=condition_is(pod, "Ready") and not leaving,
        leaving=leaving,
        over=pod.status.phase in TERMINAL,
        failing=failing and not leaving,
        word=columns.word,
        reason=judgement.reason,
    )


def _first_fall(pod: HeldPod) -> bool:
    """Say whether a container has ended for the first time and is about to be started again.

    Many a program ends once while what it needs is not there yet: that is no reason yet to give a rollout up.
    """
    statuses = all_statuses(pod)
    again = pod.spec.restart_policy != "Never" and pod.status.phase not in {"Failed", "Succeeded"}
    waits = any(each.state.waiting is not None and each.state.waiting.reason not in _STARTING for each in statuses)
    fell = any(each.state.terminated is not None for each in statuses)
    return again and fell and not waits and not any(each.restart_count for each in statuses)


_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})


def _set_part(known: DeployedObject, current: int) -> Part:
    return Part(
        name=f"ReplicaSet {known.metadata.name}",
        maker=known.metadata.uid,
        revision=revision_of(known.metadata),
        new=_is_of(known, current),
        desired=known.spec.replicas or 0,
        ready=known.status.ready_replicas,
        total=known.status.replicas,
    )


def _revision_part(known: ControllerRevision, wanted: ControllerRevision | None, found: tuple[Member, ...]) -> Part:
    mine = [each for each in found if each.maker == known.metadata.name]
    return Part(
        name=f"Revision {known.metadata.name}",
        maker=known.metadata.name,
        revision=known.revision,
        new=known is wanted,
        desired=None,
        ready=sum(each.ready for each in mine),
        total=len(mine),
    )
