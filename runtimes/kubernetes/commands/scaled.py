"""Says what autoscalers own in a namespace: whoever sets a replica count there has to know it as it is just now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from runtimes.base import Scope
from runtimes.commands import Scaled
from runtimes.errors import Denied
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import ONLY_METADATA
from runtimes.kubernetes.objects.common import Metadata, OnlyMetadata
from runtimes.structs import make_ready

LEAST = 1
"""minReplicas where it is not set."""
SCALED: Mapping[str, str] = {
    "deployment": "deployments",
    "statefulset": "statefulsets",
    "replicaset": "replicasets",
}
"""Built-in kinds that have a number of replicas."""


class _Target(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    scale_target_ref: _Target = _Target()
    min_replicas: int | None = None
    max_replicas: int = 0


class _Autoscaler(msgspec.Struct, frozen=True):
    metadata: Metadata = Metadata()
    spec: _Spec = _Spec()

    @property
    def key(self) -> str:
        target = self.spec.scale_target_ref
        return f"{target.kind.lower()}/{target.name}"

    @property
    def bounds(self) -> tuple[int, int]:
        least = self.spec.min_replicas
        return LEAST if least is None else least, self.spec.max_replicas


class _Count(msgspec.Struct, frozen=True):
    replicas: int = 1


class _Counted(msgspec.Struct, frozen=True):
    metadata: Metadata = Metadata()
    spec: _Count = _Count()


def scaled(client: Client, scope: Scope) -> Scaled:
    """Say what autoscalers own in a namespace, and which deployment owns which replica set, as it is now.

    Raise RuntimeProblem: without this nobody can tell whether a replica count may be set.
    """
    try:
        path = paths.collection(scope.namespace, "horizontalpodautoscalers")
        found = client.listed(path, _Autoscaler, what="autoscalers")
        path = paths.collection(scope.namespace, "replicasets")
        sets = client.listed(path, OnlyMetadata, what="replica sets", accept=ONLY_METADATA)
    except Denied as denied:
        sentence = f"The runtime may not read the autoscalers and replica sets of {scope.namespace}."
        hint = f"What an autoscaler owns must be known first. {denied.hint}".strip()
        raise Denied(sentence, hint=hint, detail=denied.detail, grant=denied.grant) from denied
    owners = {}
    for each in sets:
        owner = each.metadata.controller
        if owner is not None:
            owners[f"replicaset/{each.metadata.name}"] = f"{owner.kind.lower()}/{owner.name}"
    # Where two want the same workload, the one that was there first counts, as it does on the page.
    ordered = sorted(found, key=lambda each: (str(each.metadata.creation_timestamp or ""), each.metadata.name))
    bounds: dict[str, tuple[int, int]] = {}
    for one in ordered:
        bounds.setdefault(one.key, one.bounds)
    off = {key: bounds[key] for key in _at_nothing(client, scope, bounds.keys() - owners.keys()) if bounds[key][0] > 0}
    return Scaled(autoscaled=frozenset(bounds), owners=owners, switched_off=off)


def _at_nothing(client: Client, scope: Scope, keys: Collection[str]) -> Iterator[str]:
    """Give which of these workloads are to have 0 replicas; what may not be read counts as having some."""
    for kind, resource in SCALED.items():
        if not any(key.startswith(f"{kind}/") for key in keys):
            continue
        try:
            listed = client.listed(paths.collection(scope.namespace, resource), _Counted, what=resource)
        except Denied:
            continue
        named = (f"{kind}/{each.metadata.name}" for each in listed if each.spec.replicas == 0)
        yield from (key for key in named if key in keys)


make_ready(globals())
