"""Ingresses and HTTPRoutes as the API server writes them, for judges of them."""

from __future__ import annotations

from typing import Any

from runtimes.domains import DomainChange

Obj = dict[str, Any]


def ingress(*hosts: str, paths: tuple[str, ...] = ("/",), **spec: Any) -> Obj:
    """Make an Ingress `web` with these hosts, each with these paths to web:80."""
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rules = [
        {"host": host, "http": {"paths": [{"path": each, "pathType": "Prefix", "backend": backend} for each in paths]}}
        for host in hosts
    ]
    return {"metadata": _metadata(), "spec": {"ingressClassName": "nginx", "rules": rules, **spec}}


def route(*hosts: str, rules: list[Obj] | None = None, **spec: Any) -> Obj:
    """Make an HTTPRoute `web` on the gateway edge, with a rule for / to web:80 unless others are given."""
    known = rules if rules is not None else [rule("/")]
    return {
        "metadata": _metadata(),
        "spec": {"parentRefs": [{"name": "edge"}], "hostnames": list(hosts), "rules": known, **spec},
    }


def rule(*paths: str, name: str = "web", **more: Any) -> Obj:
    """Make a rule of an HTTPRoute that leads paths to name:80."""
    matches = [{"path": {"type": "PathPrefix", "value": each}} for each in paths]
    return {"matches": matches, "backendRefs": [{"name": name, "port": 80, "weight": 1}], **more}


def change(host: str, path: str = "/", **more: Any) -> DomainChange:
    """Make a change that leads a host and path to web:80."""
    return DomainChange(**{"host": host, "path": path, "backend": "web", "port": "80", **more})


def _metadata() -> Obj:
    return {
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "7",
        "annotations": {"example.com/foreign": "stays"},
    }
