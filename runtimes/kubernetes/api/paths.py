"""Builds the paths of API requests. Every name is checked against what Kubernetes itself allows, then encoded.

A name that Kubernetes could never have given is Missing: it names nothing, and must not become part of a path.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from runtimes.errors import Missing

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
"""RFC 1123 subdomain, at most 253 characters: pods, workloads and most other objects."""
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123 label: namespaces and containers."""

GROUPS = {
    "pods": "api/v1",
    "events": "api/v1",
    "services": "api/v1",
    "persistentvolumeclaims": "api/v1",
    "serviceaccounts": "api/v1",
    "configmaps": "api/v1",
    "secrets": "api/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "statefulsets": "apis/apps/v1",
    "daemonsets": "apis/apps/v1",
    "controllerrevisions": "apis/apps/v1",
    "jobs": "apis/batch/v1",
    "cronjobs": "apis/batch/v1",
    "horizontalpodautoscalers": "apis/autoscaling/v1",
    "ingresses": "apis/networking.k8s.io/v1",
    "httproutes": "apis/gateway.networking.k8s.io/v1",
    "gateways": "apis/gateway.networking.k8s.io/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
}
"""The group and version under which each resource is asked for; all have been there since 1.21, but for those of the
Gateway API, which a cluster may not have at all."""

METRICS = "apis/metrics.k8s.io/v1beta1"
AUTOSCALING = "apis/autoscaling/v2"


def collection(namespace: str, resource: str) -> str:
    """Give the path of all objects of a resource in one namespace. Raise Missing for an impossible name."""
    return f"/{GROUPS[resource]}/namespaces/{label(namespace, 'namespace')}/{resource}"


def single(namespace: str, resource: str, name: str, *, sub: str = "") -> str:
    """Give the path of one object, or of its subresource `sub`. Raise Missing for an impossible name."""
    if not _NAME.fullmatch(name):
        raise Missing(f'There is no "{name[:100]}" here.', hint="Go back to the list and choose again.")
    path = f"{collection(namespace, resource)}/{quote(name, safe='')}"
    return f"{path}/{sub}" if sub else path


def pod_metrics(namespace: str) -> str:
    """Give the path of the figures of all pods of one namespace."""
    return f"/{METRICS}/namespaces/{label(namespace, 'namespace')}/pods"


def autoscalers(namespace: str, name: str = "") -> str:
    """Give the path of all autoscalers of one namespace, or of one, as autoscaling/v2 (1.23) has them with all metrics.

    What a replica count may not be set for is read as `collection` has it, which older clusters know, too.
    """
    known = (
        single(namespace, "horizontalpodautoscalers", name)
        if name
        else collection(namespace, "horizontalpodautoscalers")
    )
    return known.replace(GROUPS["horizontalpodautoscalers"], AUTOSCALING, 1)


def label(text: str, what: str) -> str:
    """Give `text` back when it is an RFC 1123 label. Raise Missing otherwise."""
    if not _LABEL.fullmatch(text):
        raise Missing(f'"{text[:100]}" cannot be the name of a {what}.')
    return quote(text, safe="")


def possible(name: str) -> bool:
    """Say whether an object could have this name, or begin with it."""
    return re.fullmatch(r"[a-z0-9][-a-z0-9.]{0,252}", name) is not None
