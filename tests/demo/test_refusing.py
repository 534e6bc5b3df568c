"""What a namespace's label and an admission webhook refuse, in the words of a real cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.conftest import Client, pod

SPACES = "/api/v1/namespaces"
GOOD: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.mark.parametrize(
    ("level", "spec", "words"),
    [
        ("privileged", {"hostNetwork": True}, ""),
        ("baseline", {}, ""),
        ("baseline", {"hostNetwork": True, "hostPID": True}, "host namespaces (hostNetwork=true, hostPID=true)"),
        ("baseline", {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "a")'),
        (
            "baseline",
            {"container": {"securityContext": {"privileged": True}}},
            'privileged (container "main" must not set securityContext.privileged=true)',
        ),
        (
            "restricted",
            {"container": {"securityContext": GOOD | {"runAsNonRoot": False}}},
            'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)',
        ),
        ("restricted", {}, "allowPrivilegeEscalation != false"),
        ("restricted", {"container": {"securityContext": GOOD}}, ""),
    ],
)
def test_pods_that_a_namespace_does_not_take(client: Client, level: str, spec: dict[str, Any], words: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    client.answer("POST", SPACES, {"metadata": {"name": f"secure-{level}", "labels": labels}})
    path = f"{SPACES}/secure-{level}/pods"
    status, found = client.answer("POST", f"{path}?dryRun=All", pod("tried", namespace=f"secure-{level}", **spec))
    if words:
        assert (status, found["reason"]) == (403, "Forbidden")
        assert found["message"].startswith(f'pods "tried" is forbidden: violates PodSecurity "{level}:latest": ')
        assert words in found["message"]
    else:
        assert status == 201, found


def test_a_webhook_denies_what_is_written_and_lets_be_read(client: Client) -> None:
    path = f"{SPACES}/default/configmaps"
    client.cluster.faults.deny("images must be signed", path)
    try:
        status, found = client.answer("POST", path, {"metadata": {"name": "denied"}})
        assert status == 403
        assert found["message"] == 'admission webhook "policy.example.com" denied the request: images must be signed'
        assert client.answer("GET", path)[0] == 200
    finally:
        client.cluster.faults.clear()
    assert client.answer("POST", path, {"metadata": {"name": "denied"}})[0] == 201
