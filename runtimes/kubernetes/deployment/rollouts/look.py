"""One look at a workload whose pods are to stay, and the sentences that are made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtimes.base import Explanation
from runtimes.causes.words import counted, quoted
from runtimes.kubernetes.deployment import revisions
from runtimes.kubernetes.deployment.conditions import LATE, find
from runtimes.kubernetes.deployment.rollouts.counts import Counts
from runtimes.kubernetes.deployment.rollouts.pods import Member, Part
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.workloads.around import Around

ROLLED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
"""Kinds that replace their pods, and can go back."""
MESSAGE_MAX_CHARS = 400
REFUSALS = (
    ("exceeded quota", "Free some of that quota, ask for more of it, or lower what the pods request."),
    ("PodSecurity", "Change what the rule names, or run it in a namespace whose Pod Security allows it."),
    ("denied the request", "An admission webhook decides that: change what it names, or ask who runs it."),
    ("serviceaccount", "Create the service account that the message names, or name another one."),
)
"""How the API server words why it does not take a pod, and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A workload, its pods by revision, and what was looked into besides.

    `explained` says why pods are not ready, by their names; `refused` why pods cannot be made.
    """

    known: DeployedObject
    kind: str
    around: Around
    counts: Counts
    parts: tuple[Part, ...]
    members: tuple[Member, ...]
    explained: Mapping[str, Explanation]
    refused: str

    @property
    def late(self) -> bool:
        """Say whether the Deployment itself has given up."""
        found = find(self.known.status.conditions, "Progressing", status="False")
        return found is not None and found.reason == LATE

    @property
    def under_way(self) -> bool:
        """Say whether a rollout is not through: where it is, pods that fail have failed since."""
        if self.kind == "Deployment":
            through = find(self.known.status.conditions, "Progressing")
            return through is None or through.reason != "NewReplicaSetAvailable"
        return self.counts.updated < self.aim

    @property
    def partition(self) -> int:
        """Give the number from which on a StatefulSet's pods are replaced."""
        found = self.known.spec.update_strategy
        rolling = found.rolling_update if found is not None else None
        return (rolling.partition or 0) if self.kind == "StatefulSet" and rolling is not None else 0

    @property
    def aim(self) -> int:
        """Count the pods that are to be of the new revision."""
        return max(0, self.counts.desired - self.partition)

    @property
    def ordered(self) -> bool:
        """Say whether each pod waits for the one before it, as those of a StatefulSet do unless told otherwise."""
        return self.kind == "StatefulSet" and self.known.spec.pod_management_policy != "Parallel"


def through(look: Look) -> str:
    """Say that everything is as it is wanted."""
    found = look.counts
    if not found.desired:
        return "No node is meant to run a pod of it." if look.kind == "DaemonSet" else "It is scaled to 0: no pod runs."
    if look.aim < found.desired:
        return f"{look.aim} of {found.desired} pods are of the new revision, as its partition of {look.partition} says."
    number = revisions.current_of(look.known, look.kind, look.around)
    pods = "Its pod is" if found.desired == 1 else f"All {found.desired} pods are"
    return f"{pods} ready{f' and of revision {number}' if number else ''}."


def ready(found: Counts) -> str:
    """Say how many pods are ready."""
    return f"{found.ready} of {counted(found.desired, 'pod')} {'is' if found.ready == 1 else 'are'} ready."


def blamed(look: Look, broken: tuple[Member, ...]) -> str:
    """Say which pod is in the way, and why."""
    worst, others = broken[0], len(broken) - 1
    begin = "The rollout is stuck" if look.under_way else "Not all pods are well"
    more = f" {counted(others, 'more pod')} {'is' if others == 1 else 'are'} in the same state." if others else ""
    known = look.explained.get(worst.name)
    if known is not None:
        return f"{begin}: {known.sentence}{more}"
    return f"{begin}: pod {worst.name} is {quoted(worst.word)}{_because(worst.reason)}.{more}"


def hint(look: Look, worst: Member) -> str:
    """Say what to do: what helps the pod itself, then the way back."""
    known = look.explained.get(worst.name)
    own = next((cause.hint for cause in known.causes if cause.hint), "") if known is not None else ""
    way = way_back(look)
    # https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
    forced = (
        f"After that delete pod {worst.name}: a StatefulSet waits for a broken pod for ever." if look.ordered else ""
    )
    return " ".join(part for part in (own, way, forced) if part)


def way_back(look: Look) -> str:
    """Offer the revision before the current one."""
    if look.kind not in ROLLED:
        return ""
    number = revisions.previous_of(look.known, look.kind, look.around)
    if not number:
        return "There is no earlier revision to go back to."
    return f"If the last change caused it, roll back to revision {number}."


def refusal(known: DeployedObject, kind: str, around: Around) -> str:
    """Give why pods are refused, as the workload or a ReplicaSet of it says; "" where neither does."""
    for each in (known, *(around.sets_of(known) if kind == "Deployment" else ())):
        found = find(each.status.conditions, "ReplicaFailure")
        if found is not None:
            return found.message or found.reason
    return ""


def refused_hint(look: Look) -> str:
    """Say what to do where the API server does not take the pods."""
    helps = next((told for words, told in REFUSALS if words.lower() in look.refused.lower()), "")
    return " ".join(part for part in (helps, way_back(look)) if part)


def _because(reason: str) -> str:
    return f" ({quoted(reason, max_chars=MESSAGE_MAX_CHARS).rstrip('.')})" if reason else ""
