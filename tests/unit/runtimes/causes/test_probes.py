"""Failing probes and health checks, in the words of the kubelet's prober."""

from __future__ import annotations

import pytest

from runtimes.causes.facts import Facts
from tests.unit.runtimes.causes.making import check, container, crashed, event, pod, running


def gated(*, ready: bool = True, lb: tuple[str, str, str] | None = None) -> Facts:
    gate = {"shop.example/lb": lb} if lb else {}
    reason = "ReadinessGatesNotReady" if ready else "ContainersNotReady"
    return pod(
        container(state="running", ready=ready),
        status="Running",
        phase="Running",
        conditions={"Ready": ("False", reason, ""), **gate},
        readiness_gates=("shop.example/lb",),
    )


TABLE = [
    (
        running(event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")),
        ["readiness-probe"],
        "web-0 is running but not ready because the readiness probe of container app answers HTTP 503",
    ),
    (
        running(
            event(
                "Unhealthy",
                'Readiness probe failed: Get "http://10.1.0.7:8080/ready": dial tcp 10.1.0.7:8080: connect: '
                "connection refused",
            )
        ),
        ["readiness-probe"],
        "gets no connection (refused)",
    ),
    (
        running(
            event(
                "Unhealthy",
                'Readiness probe failed: Get "http://10.1.0.7:8080/": context deadline exceeded '
                "(Client.Timeout exceeded while awaiting headers)",
            )
        ),
        ["readiness-probe"],
        "gets no answer in time",
    ),
    (
        running(
            event("Unhealthy", "Readiness probe failed: cat: can't open '/tmp/ready': No such file or directory\n")
        ),
        ["readiness-probe"],
        "cannot run its command or find its file",
    ),
    (
        running(event("Unhealthy", 'Readiness probe failed: timeout: failed to connect service ":9000" within 1s')),
        ["readiness-probe"],
        "gets no answer in time",
    ),
    (
        running(event("Unhealthy", 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")')),
        ["readiness-probe"],
        "not serving (gRPC)",
    ),
    (
        running(event("Unhealthy", "Readiness probe errored and resulted in unknown state: rpc error: x")),
        ["readiness-probe"],
        "fails: rpc error: x",
    ),
    (
        running(event("Unhealthy", "Startup probe failed: dial tcp 10.1.0.7:8080: i/o timeout")),
        ["startup-probe"],
        "web-0 is starting but not up yet because the startup probe of container app gets no answer in time",
    ),
    (
        crashed(
            137,
            event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500"),
            event("Killing", "Container app failed liveness probe, will be restarted"),
        ),
        ["liveness-probe", "killed"],
        "web-0 keeps being restarted because the liveness probe of container app answers HTTP 500",
    ),
    (running(), ["not-ready"], "no failing probe was reported"),
    (
        pod(
            container(state="running", ready=True),
            container("sidecar", state="running"),
            status="Running",
            phase="Running",
            conditions={
                "Ready": ("False", "ReadinessGatesNotReady", 'corresponding condition of pod readiness gate "lb" does')
            },
        ),
        ["readiness-gate", "not-ready"],
        "a readiness gate has not been opened",
    ),
    (
        gated(),
        ["readiness-gate"],
        "not ready because the condition shop.example/lb of its readiness gate has not been set by anything.",
    ),
    (
        gated(lb=("False", "Draining", "target deregistered")),
        ["readiness-gate"],
        "the condition shop.example/lb of its readiness gate is False (Draining: target deregistered).",
    ),
    (gated(lb=("True", "", "")), [], "web-0 is Running;"),
    (gated(ready=False), ["not-ready", "readiness-gate"], "no failing probe was reported"),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)
