"""Why pods are refused: quotas, limit ranges, security levels and webhooks."""

from __future__ import annotations

import pytest

from runtimes.causes.facts import Facts
from tests.unit.runtimes.causes.making import check, refused

TABLE = [
    (
        refused(
            'Error creating: pods "web-5d4f-x" is forbidden: exceeded quota: compute, requested: limits.memory=1Gi, '
            "used: limits.memory=3Gi, limited: limits.memory=3Gi"
        ),
        ["quota-exceeded"],
        "it asks for limits.memory=1Gi, limits.memory=3Gi is used of limits.memory=3Gi",
    ),
    (
        refused(
            'pods "web-x" is forbidden: failed quota: compute: must specify limits.cpu for: app; limits.memory for: app'
        ),
        ["quota-needs-limits"],
        "wants every container to set limits.cpu for: app",
    ),
    (
        refused('pods "web-x" is forbidden: maximum memory usage per Container is 512Mi, but limit is 1Gi'),
        ["limit-range"],
        "maximum memory usage per Container is 512Mi, but limit is 1Gi",
    ),
    (
        refused(
            'pods "web-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
            '(container "app" must set securityContext.allowPrivilegeEscalation=false)'
        ),
        ["pod-security"],
        "the security level restricted:latest of its namespace forbids it",
    ),
    (
        refused(
            'admission webhook "validate.kyverno.svc-fail" denied the request: policy require-labels: '
            "label team is needed"
        ),
        ["webhook-denied"],
        "label team is needed",
    ),
    (
        refused(
            'Internal error occurred: failed calling webhook "istio.example": failed to call webhook: '
            'Post "https://istiod.istio-system.svc:443/inject?timeout=10s": dial tcp 10.0.0.1:443: connect: '
            "connection refused"
        ),
        ["webhook-unreachable"],
        "the admission webhook istio.example does not answer",
    ),
    (
        refused('error looking up service account shop/robot: serviceaccount "robot" not found'),
        ["service-account-missing"],
        "its service account robot does not exist",
    ),
    (
        refused('pods "web-x" is forbidden: no PriorityClass with name high was found'),
        ["priority-class"],
        "class high",
    ),
    (
        refused("ValidatingAdmissionPolicy 'replicas' with binding 'b' denied request: too many"),
        ["policy-denied"],
        "too many",
    ),
    (
        refused(
            'pods "web-x" is forbidden: unable to create new content in namespace shop because it is being terminated'
        ),
        ["namespace-terminating"],
        "its namespace is being deleted",
    ),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)
