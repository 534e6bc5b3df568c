"""What happens to a pod as a whole, in the words of kubelet, scheduler and controllers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runtimes.causes import explain
from runtimes.causes.facts import Facts
from tests.unit.runtimes.causes.making import NOW, check, container, pod

TABLE = [
    (
        pod(
            status="Failed",
            phase="Failed",
            reason="Evicted",
            message="The node was low on resource: memory. Threshold "
            "quantity: 100Mi, available: 80Mi. Container app was using 1Gi, request is 512Mi, has larger "
            "consumption of memory. ",
        ),
        ["evicted-node-pressure"],
        "web-0 was evicted because its node ran low on memory; its container app used 1Gi with a request of 512Mi",
    ),
    (
        pod(status="Evicted", phase="Failed", reason="Evicted", message="The node had condition: [DiskPressure]. "),
        ["evicted-node-pressure"],
        "its node was in trouble: DiskPressure",
    ),
    (
        pod(
            status="Evicted",
            phase="Failed",
            reason="Evicted",
            message='Usage of EmptyDir volume "cache" exceeds the limit "1Gi". ',
        ),
        ["evicted-storage"],
        "its emptyDir volume cache grew over its limit of 1Gi",
    ),
    (
        pod(
            status="Evicted",
            phase="Failed",
            reason="Evicted",
            message="Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ",
        ),
        ["evicted-storage"],
        "than its limit of 2Gi",
    ),
    (
        pod(
            status="Failed",
            phase="Failed",
            conditions={
                "DisruptionTarget": (
                    "True",
                    "PreemptionByScheduler",
                    "default-scheduler: preempting to accommodate a higher priority pod",
                )
            },
        ),
        ["preempted"],
        "a pod of higher priority needed its place",
    ),
    (
        pod(
            status="DeadlineExceeded",
            phase="Failed",
            reason="DeadlineExceeded",
            message="Pod was active on the node longer than the specified deadline",
        ),
        ["deadline-exceeded"],
        "it ran longer than its deadline",
    ),
    (
        pod(
            status="OutOfcpu",
            phase="Failed",
            reason="OutOfcpu",
            message="Pod was rejected: Node didn't have enough resource: cpu, requested: 1000, "
            "used: 3900, capacity: 4000",
        ),
        ["rejected-resources"],
        "its node has too little cpu: asked for 1000, 3900 used of 4000",
    ),
    (
        pod(
            status="NodeAffinity",
            phase="Failed",
            reason="NodeAffinity",
            message="Pod was rejected: Predicate NodeAffinity failed",
        ),
        ["rejected-node"],
        "was refused by its node",
    ),
    (
        pod(
            status="UnexpectedAdmissionError",
            phase="Failed",
            reason="UnexpectedAdmissionError",
            message="Allocate failed due to no healthy devices present; cannot allocate unhealthy devices "
            "nvidia.com/gpu",
        ),
        ["rejected-device"],
        "could not give it the devices",
    ),
    (
        pod(
            status="Failed",
            phase="Failed",
            reason="Terminated",
            message="Pod was terminated in response to imminent node shutdown.",
        ),
        ["node-shutdown"],
        "its node was shut down",
    ),
    (
        pod(
            container(state="running", ready=True),
            status="Terminating",
            phase="Running",
            deletion_due=NOW,
            finalizers=("example.com/cleanup",),
        ),
        ["finalizer", "terminating"],
        "web-0 is being deleted but stays because its finalizers are still set: example.com/cleanup",
    ),
    (
        pod(
            container(state="running", ready=True),
            status="Terminating",
            phase="Running",
            deletion_due=NOW,
            conditions={"Ready": ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")},
        ),
        ["node-lost", "terminating"],
        "its node node-1 does not answer",
    ),
    (
        pod(
            container(state="running", ready=True),
            status="Terminating",
            phase="Running",
            deletion_due=NOW - timedelta(1),
        ),
        ["terminating"],
        "web-0 is being deleted because",
    ),
    (
        pod(
            container(state="running", ready=True),
            status="Terminating",
            phase="Running",
            deletion_due=NOW,
            looked_at=NOW - timedelta(seconds=1),
            grace_s=900,
        ),
        ["terminating"],
        "its containers still have time to stop: its grace period of 900 seconds is not over",
    ),
    (
        pod(
            container(state="running", ready=True),
            status="Terminating",
            phase="Running",
            deletion_due=NOW,
            looked_at=NOW + timedelta(seconds=1),
            grace_s=1,
        ),
        ["terminating"],
        "its grace period of 1 second is over and its node has not reported the end of its containers",
    ),
    (
        pod(
            container(state="terminated"),
            status="Terminating",
            phase="Running",
            deletion_due=NOW,
            looked_at=NOW - timedelta(seconds=1),
            grace_s=900,
        ),
        ["terminating"],
        "its containers have stopped, but something still holds it",
    ),
    (
        pod(
            container(state="running", ready=True),
            status="Unknown",
            phase="Running",
            reason="NodeLost",
            message="Node node-1 which was running pod web-0 is unresponsive",
        ),
        ["node-lost"],
        "does not answer",
    ),
    (
        pod(container("migrate", kind="init", state="running"), container(reason="PodInitializing"), status="Init:0/1"),
        ["init-running"],
        "its init container migrate has not finished yet",
    ),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)


def test_a_grace_period_that_is_over_is_never_said_to_last() -> None:
    for state in ("running", "terminated"):
        held = pod(
            container(state=state),
            status="Terminating",
            phase="Running",
            deletion_due=NOW,
            looked_at=NOW + timedelta(seconds=1),
            finalizers=("example.com/cleanup",),
        )
        assert "still have time" not in repr(explain(held))
