"""Why no node takes a pod: messages of the scheduler since 1.20."""

from __future__ import annotations

import pytest

from runtimes.causes.facts import ClaimFacts, Facts
from tests.unit.runtimes.causes.making import check, event, pod, unscheduled

PREEMPTION = " preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling."

TABLE = [
    (
        unscheduled("0/3 nodes are available: 3 Insufficient cpu."),
        ["insufficient-cpu"],
        "3 of 3 nodes are short of cpu",
    ),
    (
        unscheduled(
            "0/5 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated taint {key: value}, 2 node(s) "
            "didn't match Pod's node affinity/selector, pod has unbound immediate PersistentVolumeClaims." + PREEMPTION
        ),
        ["insufficient-cpu", "untolerated-taint", "node-selector", "claim-unbound"],
        "1 has the taint key=value that it does not tolerate and 2 do not match its node selector",
    ),
    (
        unscheduled(
            "0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't "
            "tolerate, 2 Insufficient memory."
        ),
        ["untolerated-taint", "insufficient-memory"],
        "1 has the taint node-role.kubernetes.io/master that it does not tolerate and 2 are short of memory",
    ),
    (
        unscheduled(
            "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient nvidia.com/gpu. no new claims "
            "to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        ),
        ["untolerated-taint", "insufficient-nvidia.com/gpu"],
        "1 has a taint that it does not tolerate and 2 are short of nvidia.com/gpu",
    ),
    (
        unscheduled("0/2 nodes are available: 2 node(s) didn't match node selector."),
        ["node-selector"],
        "2 of 2 nodes do not match",
    ),
    (
        unscheduled("0/4 nodes are available: 4 node(s) didn't match Pod's node affinity."),
        ["node-selector"],
        "4 of 4 nodes do not match its node selector or node affinity",
    ),
    (
        unscheduled("0/1 nodes are available: 1 Too many pods." + PREEMPTION),
        ["too-many-pods"],
        "the only node has as many pods",
    ),
    (
        unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"),
        ["claim-unbound"],
        "one of its volume claims is not bound",
    ),
    (
        unscheduled("0/3 nodes are available: 3 node(s) had volume node affinity conflict."),
        ["volume-node-affinity"],
        "3 of 3 nodes are not where its volume is",
    ),
    (
        unscheduled(
            "0/6 nodes are available: 2 node(s) didn't match pod topology spread constraints, 4 node(s) didn't match "
            "PersistentVolume's node affinity."
        ),
        ["topology-spread", "volume-node-affinity"],
        "2 are ruled out by its topology spread constraints and 4 are not where its volume is",
    ),
    (
        unscheduled(
            "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints (missing required label)."
        ),
        ["topology-spread"],
        "(missing required label)",
    ),
    (
        unscheduled("0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports."),
        ["host-port"],
        "2 of 2 nodes have its host port in use already",
    ),
    (
        unscheduled("0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."),
        ["anti-affinity"],
        "3 of 3 nodes are ruled out by pod anti-affinity",
    ),
    (
        unscheduled("0/3 nodes are available: 3 node(s) didn't match pod affinity rules."),
        ["pod-affinity"],
        "3 of 3 nodes are ruled out by pod affinity",
    ),
    (
        unscheduled(
            "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) had untolerated taint "
            "{node.kubernetes.io/not-ready: }."
        ),
        ["node-cordoned", "node-not-ready"],
        "1 is cordoned and 2 are not ready",
    ),
    (
        unscheduled(
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }. "
            "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.."
        ),
        ["node-pressure"],
        "the only node has disk-pressure",
    ),
    (
        unscheduled(
            "0/1 nodes are available: 1 node(s) had untolerated taint "
            "{node.cloudprovider.kubernetes.io/uninitialized: true}."
        ),
        ["node-not-initialised"],
        "not initialised by the cloud provider",
    ),
    (
        unscheduled("0/2 nodes are available: 2 node(s) exceed max volume count."),
        ["volume-limit"],
        "2 of 2 nodes have as many volumes",
    ),
    (unscheduled("no nodes available to schedule pods"), ["no-nodes"], "the cluster has no node that can take pods"),
    (
        unscheduled('persistentvolumeclaim "data-web-0" not found'),
        ["claim-missing"],
        "its volume claim data-web-0 does not",
    ),
    (
        unscheduled('0/1 nodes are available: persistentvolumeclaim "data" is being deleted.'),
        ["claim-deleted"],
        "its volume claim data is being deleted",
    ),
    (
        unscheduled("0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."),
        ["claim-unbound"],
        "the only node has no free volume",
    ),
    (
        unscheduled("0/9 nodes are available: 9 node(s) said something of 2031."),
        ["unschedulable"],
        "9 of 9 nodes cannot: node(s) said something of 2031",
    ),
    (
        unscheduled(
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            claims=(
                ClaimFacts(
                    name="data",
                    phase="Pending",
                    storage_class="fast",
                    message='storageclass.storage.k8s.io "fast" not found',
                ),
            ),
        ),
        ["claim-unbound", "claim-pending"],
        "is not bound",
    ),
    (
        unscheduled("", claims=(ClaimFacts(name="data", phase=""),)),
        ["claim-missing"],
        "its volume claim data does not exist",
    ),
    (
        unscheduled("", claims=(ClaimFacts(name="data", phase="Lost"),)),
        ["claim-lost"],
        "the volume behind its claim data",
    ),
    (
        pod(
            node="",
            events=(
                event("FailedScheduling", "0/1 nodes are available: 1 Insufficient memory."),
                event("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached"),
            ),
        ),
        ["insufficient-memory", "no-scale-up"],
        "the only node is short of memory",
    ),
    (pod(node=""), ["not-looked-at"], "has no node yet"),
    (
        pod(
            node="",
            status="SchedulingGated",
            gates=("example.com/quota",),
            conditions={
                "PodScheduled": ("False", "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")
            },
        ),
        ["scheduling-gated"],
        "its scheduling gates have not been removed: example.com/quota",
    ),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)
