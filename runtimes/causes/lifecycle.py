"""What happened to an instance as a whole: deleted, evicted, preempted, rejected by its node, held back, starting."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runtimes.causes.facts import Facts
from runtimes.causes.finding import Finding, Rule, Weight, first, latest
from runtimes.causes.words import counted, listed, named

_EVICTED = "was evicted"
_REJECTED = "was refused by its node"

ENDS = (
    Rule(
        kind="evicted-node-pressure",
        words=r"node was low on resource: (?P<resource>[\w-]{1,100}).{0,300}?Container (?P<who>\S{1,253}) was using "
        r"(?P<used>\w{1,40}), (?:which exceeds its )?request (?:is|of) (?P<asked>\w{1,40})",
        because="its node ran low on {resource}; its container {who} used {used} with a request of {asked}",
        hint="Give the pod requests close to what it uses, and look at what fills the node.",
    ),
    Rule(
        kind="evicted-node-pressure",
        words=r"node was low on resource: (?P<resource>[\w-]{1,100})",
        because="its node ran low on {resource}",
        hint="Give the pod requests close to what it uses, and look at what fills the node.",
    ),
    Rule(
        kind="evicted-node-pressure",
        words=r"node had condition: \[(?P<condition>[^\]]{1,200})\]",
        because="its node was in trouble: {condition}",
        hint="Free memory, disk or processes on the node.",
    ),
    Rule(
        kind="evicted-storage",
        words=r"EmptyDir volume \"(?P<volume>[^\"]{1,253})\" exceeds the limit \"(?P<limit>[^\"]{1,40})\"",
        because="its emptyDir volume {volume} grew over its limit of {limit}",
        hint="Raise sizeLimit, write less, or use a volume claim.",
    ),
    Rule(
        kind="evicted-storage",
        words=r"(?:Container (?P<who>\S{1,253}) exceeded its local ephemeral storage limit \"(?P<limit>[^\"]{1,40})\""
        r"|ephemeral local storage usage exceeds the total limit of containers (?P<total>[\w.]{1,40}))",
        because="it wrote more to its local disk than its limit of {limit}{total}",
        hint="Raise the ephemeral-storage limit, write less, or use a volume claim. Logs count too.",
    ),
    Rule(
        kind="preempted",
        words=r"preempt",
        because="a pod of higher priority needed its place",
        hint="Its workload makes a new one. Raise its priority, or add room, if it must not give way.",
    ),
    Rule(
        kind="drained",
        words=r"EvictionByEvictionAPI|Eviction API|TaintManager|DeletionByTaintManager|tainted",
        because="it was moved off its node: the node is drained or carries a taint that it does not tolerate",
        hint="Nothing to do if the node is in maintenance; its workload makes a new one elsewhere.",
    ),
    Rule(
        kind="node-shutdown",
        words=r"node shutdown|NodeShutdown|Node is shutting",
        because="its node was shut down",
        hint="Its workload makes a new one elsewhere; find out who shut the node down.",
    ),
    Rule(
        kind="deadline-exceeded",
        words=r"DeadlineExceeded|longer than (?:the )?specified deadline",
        because="it ran longer than its deadline (activeDeadlineSeconds) allows",
        hint="Raise the deadline, or find out why the work takes so long.",
    ),
    Rule(
        kind="node-lost",
        words=r"NodeLost|which was running pod|is unresponsive",
        because="its node does not answer any more",
        hint="Look at the node: power, network, kubelet.",
    ),
    Rule(
        kind="rejected-resources",
        words=r"enough resource: (?P<resource>[\w./-]{1,253}), requested: (?P<asked>\d{1,20}), "
        r"used: (?P<used>\d{1,20}), capacity: (?P<capacity>\d{1,20})",
        because="its node has too little {resource}: asked for {asked}, {used} used of {capacity}",
        hint="Delete it so that its workload makes a new one; the scheduler and the node disagreed for a moment.",
    ),
    Rule(
        kind="rejected-resources",
        words=r"\bOutOf(?P<resource>\w{2,40})",
        because="its node has too little {resource}",
        hint="Delete it so that its workload makes a new one; the scheduler and the node disagreed for a moment.",
    ),
    Rule(
        kind="rejected-node",
        words=r"NodeAffinity|Predicate \S{1,60} failed|NodeUnschedulable|NodePorts",
        because="its node does not fit its rules any more (labels, ports or taints)",
        hint="Delete it so that its workload makes a new one on a node that fits.",
    ),
    Rule(
        kind="rejected-device",
        words=r"UnexpectedAdmissionError|TopologyAffinity|Allocate failed",
        because="its node could not give it the devices or cores that it asks for",
        hint="Look at the device plugin on the node; delete the pod for another attempt.",
    ),
)
"""What a pod's reason, message and DisruptionTarget condition say of its end."""

_GONE = re.compile(r"NodeLost|NodeStatusUnknown|NodeNotReady", re.IGNORECASE)


def findings(facts: Facts) -> Iterator[Finding]:
    """Find what happened to an instance as a whole."""
    if facts.kind != "pod":
        return
    if facts.deletion_due is not None:
        yield from _deleting(facts)
    yield from _ended(facts)
    if facts.gates or facts.conditions.get("PodScheduled", ("", "", ""))[1] == "SchedulingGated":
        gates = listed([named(gate) for gate in facts.gates]) or "a gate"
        yield Finding(
            kind="scheduling-gated",
            what="is held back before scheduling",
            because=f"its scheduling gates have not been removed: {gates}",
            hint="Whoever set the gate removes it (often a queue or quota controller); look at that controller.",
        )
    if _node_is_gone(facts) and facts.deletion_due is None:
        yield _node_lost(facts, "is not known to be running")
    yield from _initialising(facts)


def _deleting(facts: Facts) -> Iterator[Finding]:
    if facts.finalizers:
        yield Finding(
            kind="finalizer",
            what="is being deleted but stays",
            because=f"its finalizers are still set: {listed([named(finalizer) for finalizer in facts.finalizers])}",
            hint="The controller that set a finalizer removes it: look there. Removed by hand, its work is skipped.",
            weight=Weight.LIKELY,
        )
    if _node_is_gone(facts):
        yield _node_lost(facts, "is being deleted but stays")
    for event in latest(facts.events, "FailedKillPod"):
        yield Finding(
            kind="cannot-be-stopped",
            what="is being deleted but stays",
            because="its node cannot stop it",
            hint="Look at the node's container runtime; force delete only when the process is surely gone.",
            said=event.message,
        )
        break
    yield _stopping(facts)


def _stopping(facts: Facts) -> Finding:
    mains = [container for container in facts.containers if container.kind != "init"]
    has_stopped = bool(mains) and not any(container.state == "running" for container in mains)
    grace = "its grace period" + (f" of {counted(facts.grace_s, 'second')}" if facts.grace_s else "")
    if has_stopped:
        because, hint = "its containers have stopped, but something still holds it", _STAYS
    elif facts.deletion_due and facts.looked_at and facts.looked_at > facts.deletion_due:
        because, hint = f"{grace} is over and its node has not reported the end of its containers", _STAYS
    else:
        because = f"its containers still have time to stop: {grace} is not over"
        hint = "Wait for the grace period. Force delete only when its node is gone for good."
    return Finding(kind="terminating", what="is being deleted", because=because, hint=hint, weight=Weight.GENERAL)


_STAYS = "Look at its finalizers, its volumes and its node's kubelet. Force delete only when its node is gone for good."


def _node_lost(facts: Facts, what: str) -> Finding:
    return Finding(
        kind="node-lost",
        what=what,
        because=f"its node {named(facts.node)} does not answer, so nobody knows what runs there".replace("  ", " "),
        hint="Bring the node back, or remove it from the cluster when it is surely off; then the pod goes.",
    )


def _node_is_gone(facts: Facts) -> bool:
    status, reason, _ = facts.conditions.get("Ready", ("", "", ""))
    unknown = facts.phase == "Unknown" or facts.status == "Unknown" or status == "Unknown"
    return unknown or bool(_GONE.search(facts.reason)) or (status == "False" and bool(_GONE.search(reason)))


def _ended(facts: Facts) -> Iterator[Finding]:
    if facts.reason and facts.reason != "NodeLost":
        found = first(ENDS, f"{facts.reason}: {facts.message}", what=_what(facts.reason))
        if found:
            yield found
        elif facts.phase == "Failed":
            yield Finding(
                kind="failed",
                what="has failed",
                because=f"its node reports {named(facts.reason)}",
                hint="See the quoted words; its workload usually makes a new one.",
                weight=Weight.LIKELY,
                said=facts.message,
            )
    status, reason, message = facts.conditions.get("DisruptionTarget", ("", "", ""))
    if status == "True" and not facts.reason:
        found = first(ENDS, f"{reason}: {message}", what="was disrupted")
        if found:
            yield found


def _what(reason: str) -> str:
    if reason == "Evicted":
        return _EVICTED
    rejected = reason.startswith("OutOf") or reason in ("NodeAffinity", "UnexpectedAdmissionError", "NodePorts")
    return _REJECTED if rejected or "Affinity" in reason else "was ended"


def _initialising(facts: Facts) -> Iterator[Finding]:
    running = [container for container in facts.containers if container.kind == "init" and container.state == "running"]
    mains = [container for container in facts.containers if container.kind == "container"]
    if running and mains and not any(container.state == "running" for container in mains):
        name = named(running[0].name)
        yield Finding(
            kind="init-running",
            what="is still starting",
            because=f"its init container {name} has not finished yet",
            hint=f"If it takes too long, read the log of {name}: it may be waiting for something.",
            weight=Weight.GENERAL,
        )
