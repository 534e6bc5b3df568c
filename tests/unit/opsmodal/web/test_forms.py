"""The registry's forms, as entries of a document."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.errors import BadRequest
from opsmodal.web.forms import runtime_entry, service_entry

STORED = {"kubeconfig": {"file": "prod.yaml", "fingerprint": "ab" * 16, "context": "old"}}


@pytest.mark.parametrize(
    ("form", "before", "entry", "sent"),
    [
        (
            {"kind": "kubernetes", "kubeconfig": "apiVersion: v1", "context": " prod "},
            {},
            {"name": "prod", "kind": "kubernetes", "kubeconfig": {"file": "kubeconfig", "context": "prod"}},
            {"kubeconfig": "apiVersion: v1"},
        ),
        (
            {"kind": "kubernetes", "kubeconfig": "  ", "context": "new"},
            STORED,
            {
                "name": "prod",
                "kind": "kubernetes",
                "kubeconfig": {"file": "prod.yaml", "fingerprint": "ab" * 16, "context": "new"},
            },
            {},
        ),
        (
            {"kind": "kubernetes", "inCluster": "on", "kubeconfig": "ignored"},
            {},
            {"name": "prod", "kind": "kubernetes", "inCluster": True},
            {},
        ),
        (
            {"kind": "docker", "socket": " /var/run/docker.sock ", "tls.ca": "PEM"},
            {},
            {"name": "prod", "kind": "docker", "socket": "/var/run/docker.sock", "tls": {"ca": {"file": "ca.pem"}}},
            {"tls.ca": "PEM"},
        ),
        (
            {"kind": "docker", "socket": "/s", "connections": "- {name: lan, kind: direct}"},
            {},
            {"name": "prod", "kind": "docker", "socket": "/s", "connections": [{"name": "lan", "kind": "direct"}]},
            {},
        ),
    ],
)
def test_the_form_of_a_runtime(
    form: dict[str, str], before: dict[str, Any], entry: dict[str, Any], sent: dict[str, str]
) -> None:
    assert runtime_entry(form, "prod", before) == (entry, sent)


def test_connections_that_are_no_yaml_name_their_line() -> None:
    with pytest.raises(BadRequest, match="connections is not YAML in line 2"):
        runtime_entry({"kind": "docker", "socket": "/s", "connections": "- name: a\n- }"}, "prod", {})


@pytest.mark.parametrize(
    ("form", "entry"),
    [
        ({"runtime": "prod", "namespace": " shop "}, {"name": "shop", "runtime": "prod", "namespace": "shop"}),
        (
            {"runtime": "prod", "namespace": "shop", "serviceAccount": " ops "},
            {"name": "shop", "runtime": "prod", "namespace": "shop", "serviceAccount": "ops"},
        ),
        (
            {"runtime": "edge", "containers": "web, db\ncache"},
            {"name": "shop", "runtime": "edge", "containers": ["web", "db", "cache"]},
        ),
        (
            {"runtime": "edge", "labels": "app=shop\n\ntier = web = x"},
            {"name": "shop", "runtime": "edge", "labels": {"app": "shop", "tier": "web = x"}},
        ),
    ],
)
def test_the_form_of_a_service(form: dict[str, str], entry: dict[str, Any]) -> None:
    assert service_entry(form, "shop") == entry


def test_a_form_takes_no_policy_and_no_runbook_away() -> None:
    policy, runbooks = {"verbs": ["get"]}, [{"name": "uptime", "argv": ["uptime"]}]
    assert service_entry({"runtime": "edge"}, "shop", {"policy": policy, "namespace": "old"})["policy"] == policy
    assert "namespace" not in service_entry({"runtime": "edge"}, "shop", {"policy": policy, "namespace": "old"})
    entry, _ = runtime_entry({"kind": "docker", "socket": "/s"}, "edge", {"runbooks": runbooks, "host": "local"})
    assert entry == {"name": "edge", "kind": "docker", "socket": "/s", "runbooks": runbooks}
