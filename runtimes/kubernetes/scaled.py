"""Says what autoscalers own in a namespace: whoever sets a replica count there has to know it as it is just now."""

from __future__ import annotations

import msgspec

from runtimes.base import Scope
from runtimes.commands import Scaled
from runtimes.errors import Denied
from runtimes.kubernetes import paths
from runtimes.kubernetes.client import ONLY_METADATA, Client
from runtimes.kubernetes.models import OnlyMetadata
from runtimes.structs import make_ready


class _Target(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    scale_target_ref: _Target = _Target()


class _Autoscaler(msgspec.Struct, frozen=True):
    spec: _Spec = _Spec()


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
        raise Denied(sentence, hint=hint, detail=denied.detail) from denied
    owners = {}
    for each in sets:
        owner = each.metadata.controller
        if owner is not None:
            owners[f"replicaset/{each.metadata.name}"] = f"{owner.kind.lower()}/{owner.name}"
    targets = (each.spec.scale_target_ref for each in found)
    return Scaled(autoscaled=frozenset(f"{each.kind.lower()}/{each.name}" for each in targets), owners=owners)


make_ready(globals())
