"""Whether a pod fits a node, and the scheduler's words for why it fits none. Pure.

Source: k8s.io/kubernetes pkg/scheduler/framework (types.go FitError) and its plugins, in the order they filter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsmodal.demo.documents import Obj, dig, labels_of, name_of
from opsmodal.demo.quantities import millicores, whole

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
HARD_EFFECTS = ("NoSchedule", "NoExecute")


@dataclass(slots=True)
class Load:
    """What pods ask of a node: thousandths of cores, bytes and how many they are."""

    cpu_millicores: int = 0
    memory_bytes: int = 0
    pods: int = 0

    def add(self, other: Load, sign: int = 1) -> None:
        """Add what others ask, or take it away."""
        self.cpu_millicores += sign * other.cpu_millicores
        self.memory_bytes += sign * other.memory_bytes
        self.pods += sign * other.pods


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why one node does not take a pod. `preemptable` when removing other pods could help."""

    reasons: tuple[str, ...]
    preemptable: bool = False


def load_of(pod: Obj) -> Load:
    """Give what a pod asks for: its containers together, or its greediest init container if that is more."""
    containers = dig(pod, "spec", "containers") or ()
    first = dig(pod, "spec", "initContainers") or ()

    def requests(resource: str, read: Callable[[Any], int]) -> list[int]:
        return [read(dig(c, "resources", "requests", resource)) for c in containers]

    cpu = sum(requests("cpu", millicores))
    memory = sum(requests("memory", whole))
    cpu = max([cpu, *(millicores(dig(c, "resources", "requests", "cpu")) for c in first)])
    memory = max([memory, *(whole(dig(c, "resources", "requests", "memory")) for c in first)])
    return Load(cpu, memory, 1)


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _untolerated(pod: Obj, node: Obj) -> Obj | None:
    tolerations = dig(pod, "spec", "tolerations") or ()
    for taint in dig(node, "spec", "taints") or ():
        if taint.get("effect") in HARD_EFFECTS and not any(_tolerates(t, taint) for t in tolerations):
            result: Obj = taint
            return result
    return None


def _expression_holds(expression: Obj, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    if expression["operator"] in ("Gt", "Lt"):
        if not labels.get(key, "").isdigit():
            return False
        difference = int(labels[key]) - int(values[0])
        return difference > 0 if expression["operator"] == "Gt" else difference < 0
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[expression["operator"]]


def wants_node(pod: Obj, node: Obj) -> bool:
    """Tell whether the pod's nodeSelector and required node affinity accept the node."""
    labels = labels_of(node)
    if not (dig(pod, "spec", "nodeSelector") or {}).items() <= labels.items():
        return False
    path = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    terms = dig(pod, *path)
    fields = {"metadata.name": name_of(node)}
    return not terms or any(
        all(_expression_holds(e, labels) for e in term.get("matchExpressions") or ())
        and all(_expression_holds(e, fields) for e in term.get("matchFields") or ())
        for term in terms
    )


def misfit(pod: Obj, wanted: Load, node: Obj, used: Load) -> Misfit | None:
    """Give why `node` does not take the pod, None when it does. The first filter that fails speaks."""
    taint = _untolerated(pod, node)
    unschedulable = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    if dig(node, "spec", "unschedulable") and not any(
        _tolerates(toleration, unschedulable) for toleration in dig(pod, "spec", "tolerations") or ()
    ):
        return Misfit(("node(s) were unschedulable",))
    if taint:
        return Misfit((f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}",))
    if not wants_node(pod, node):
        return Misfit(("node(s) didn't match Pod's node affinity/selector",))
    room = dig(node, "status", "allocatable") or {}
    reasons = []
    if used.pods + 1 > whole(room.get("pods", "110")):
        reasons.append("Too many pods")
    if wanted.cpu_millicores and used.cpu_millicores + wanted.cpu_millicores > millicores(room.get("cpu")):
        reasons.append("Insufficient cpu")
    if wanted.memory_bytes and used.memory_bytes + wanted.memory_bytes > whole(room.get("memory")):
        reasons.append("Insufficient memory")
    return Misfit(tuple(reasons), preemptable=True) if reasons else None


def _counted(reasons: Iterable[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))


def unschedulable_words(misfits: Sequence[Misfit], whole_pod: str = "") -> str:
    """Say why a pod fits none of the nodes. `whole_pod` is a reason that holds whatever the node."""
    head = f"0/{len(misfits)} nodes are available: "
    if not misfits:
        return "no nodes available to schedule pods"
    if whole_pod:
        return f"{head}{whole_pod}. preemption: {head}{len(misfits)} {NOT_HELPFUL}."
    why = _counted(reason for item in misfits for reason in item.reasons)
    preemption = _counted(NO_VICTIMS if item.preemptable else NOT_HELPFUL for item in misfits)
    return f"{head}{why}. preemption: {head}{preemption}."
