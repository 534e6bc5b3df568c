"""`doctor --rbac`: the manifest that gives a service on Kubernetes the rights it needs, and no others.

Nothing is asked of the cluster and nothing is applied: who administers it reads the manifest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from opsmodal.registry.registry import Registry
    from opsmodal.registry.schema import ServiceSpec

HEAD = """\
# What opsmodal needs for service {service}: {tabs}{kind}.
# Look at it, then: kubectl apply -f FILE
# Metrics Server, image cleanup, ingress classes and nodes belong to the whole cluster and are not in it.
"""
UNREGISTERED = """\
# The service names no account: register it with `serviceAccount: {account}`.
"""
LENDING = """\
---
# So that the runtime's own identity can be this account; bind it to that identity, whose name is WHO:
# kubectl -n {namespace} create rolebinding opsmodal-token-of-{account} --role=opsmodal-token-of-{account} --user=WHO
"""


def least(registry: Registry, name: str, tabs: Sequence[str], *, changes: bool) -> str:
    """Write the manifest of a service. Raise UsageError for wrong words, NotThere for no service on Kubernetes."""
    from runtimes.kubernetes.rights import needed

    if not name:
        raise click.UsageError("--rbac wants a SERVICE.")
    unknown = [tab for tab in tabs if tab not in needed.TABS]
    if unknown:
        raise click.UsageError(f"There is no tab {unknown[0][:40]!r}. There are: {', '.join(needed.TABS)}.")
    spec = _spec(registry, name)
    wanted, account = tabs or needed.TABS, spec.service_account or needed.DEFAULT_ACCOUNT
    head = HEAD.format(service=name, tabs=", ".join(wanted), kind="" if changes else ", reading only")
    named = "" if spec.service_account else UNREGISTERED.format(account=account)
    manifest = needed.manifest(spec.namespace, account, wanted, changes=changes)
    lending = LENDING.format(namespace=spec.namespace, account=account)
    return head + named + manifest + lending + needed.lending(spec.namespace, account)


def _spec(registry: Registry, name: str) -> ServiceSpec:
    from opsmodal.errors import NotThere
    from opsmodal.registry.shape import closest

    spec = registry.service(name)
    if spec is None:
        known = [one.name for one in registry.services()]
        raise NotThere(f"There is no service {name[:80]!r}.", hint=closest(name, known))
    runtime = registry.runtime(spec.runtime)
    if runtime is None or runtime.kind != "kubernetes":
        hint = "On an engine, who may open its socket may do everything there."
        raise NotThere(f"Service {name} is not on Kubernetes, where there are Roles.", hint=hint)
    return spec
