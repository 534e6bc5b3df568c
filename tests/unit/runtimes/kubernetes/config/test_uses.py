"""Who uses a ConfigMap or Secret: each way in which Kubernetes lets a pod, an ingress or an account name one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtimes.config import Holder
from runtimes.kubernetes.config.uses import uses_of
from runtimes.kubernetes.config.using import Account, Ingress, Spec, Users

MOUNTED = {"name": "web", "volumeMounts": [{"name": "v", "mountPath": "/etc/app"}]}
BY_PART = {"name": "web", "volumeMounts": [{"name": "v", "mountPath": "/etc/app/a", "subPath": "a"}]}
REF = {"name": "it", "key": "A"}


@pytest.mark.parametrize(
    ("holder", "spec", "expected"),
    [
        (
            "configmaps",
            {"containers": [{"name": "web", "env": [{"name": "X", "valueFrom": {"configMapKeyRef": REF}}]}]},
            ("A", "env X of web", False),
        ),
        (
            "secrets",
            {"initContainers": [{"name": "init", "env": [{"name": "X", "valueFrom": {"secretKeyRef": REF}}]}]},
            ("A", "env X of init", False),
        ),
        (
            "secrets",
            {"containers": [{"name": "web", "envFrom": [{"prefix": "P_", "secretRef": {"name": "it"}}]}]},
            ("*", "environment of web with the prefix P_", False),
        ),
        (
            "configmaps",
            {"containers": [MOUNTED], "volumes": [{"name": "v", "configMap": {"name": "it"}}]},
            ("*", "file at /etc/app of web", True),
        ),
        (
            "secrets",
            {"containers": [BY_PART], "volumes": [{"name": "v", "secret": {"secretName": "it"}}]},
            ("*", "file at /etc/app/a of web by subPath", False),
        ),
        (
            "secrets",
            {
                "containers": [MOUNTED],
                "volumes": [
                    {"name": "v", "projected": {"sources": [{"secret": {"name": "it", "items": [{"key": "A"}]}}]}}
                ],
            },
            ("A", "file at /etc/app of web", True),
        ),
        (
            "configmaps",
            {"containers": [], "volumes": [{"name": "v", "configMap": {"name": "it"}}]},
            ("*", "volume v, mounted nowhere", True),
        ),
        ("secrets", {"containers": [], "imagePullSecrets": [{"name": "it"}]}, ("*", "pulls its images", False)),
    ],
)
def test_each_way_of_a_pod_is_found(holder: Holder, spec: dict[str, Any], expected: tuple[str, str, bool]) -> None:
    users = Users(specs=[("deployment.web", msgspec.convert(spec, Spec))])
    (found,) = uses_of(users, holder, "it")
    assert (found.workload, found.key, found.how, found.live) == ("deployment.web", *expected)
    other: Holder = "secrets" if holder == "configmaps" else "configmaps"
    assert uses_of(users, other, "it") == (), "a Secret and a ConfigMap may have the same name"
    assert uses_of(users, holder, "other") == ()


def test_ingresses_and_service_accounts_use_secrets() -> None:
    ingress = {"metadata": {"name": "web"}, "spec": {"tls": [{"secretName": "it", "hosts": ["a.example.com"]}]}}
    account = {"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "it"}]}
    users = Users(ingresses=[msgspec.convert(ingress, Ingress)], accounts=[msgspec.convert(account, Account)])
    assert [(use.workload, use.key, use.how) for use in uses_of(users, "secrets", "it")] == [
        ("ingress.web", "tls.crt", "TLS of a.example.com"),
        ("ingress.web", "tls.key", "TLS of a.example.com"),
        ("serviceaccount.default", "*", "pulls the images of its pods"),
    ]
    assert uses_of(users, "configmaps", "it") == ()
