"""ResourceQuotas: what objects take of each limited resource, what a namespace uses, and what goes beyond.

Source of rules and words: https://kubernetes.io/docs/concepts/policy/resource-quotas/ and k8s.io/kubernetes
plugin/pkg/admission/resourcequota, pkg/quota/v1/evaluator/core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from opsmodal.demo.documents import Obj, dig, encode
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.limits import shown
from opsmodal.demo.problems import Cause
from opsmodal.demo.quantities import amount
from opsmodal.demo.storage import Storage

QUOTAS = stored("resourcequotas")
SERVICES, CLAIMS = stored("services"), stored("persistentvolumeclaims")
COUNTED = (
    *("pods", "services", "configmaps", "secrets", "persistentvolumeclaims", "replicationcontrollers"),
    "resourcequotas",
)
"""Core kinds that can be counted by their plain name."""
COMPUTE = ("cpu", "memory", "ephemeral-storage")
COMPUTED = {
    **{name: ("requests", name) for name in COMPUTE},
    **{f"{part}.{name}": (part, name) for part in ("requests", "limits") for name in COMPUTE},
}
ENDED = ("Succeeded", "Failed")
NODE_PORTS, BALANCERS, STORAGE = "services.nodeports", "services.loadbalancers", "requests.storage"
STANDARD = (*COUNTED, *COMPUTED, NODE_PORTS, BALANCERS, STORAGE)
Usage = dict[str, Decimal]


def _of_pod(pod: Obj, name: str) -> Decimal:
    part, resource = COMPUTED[name]
    parts = {
        group: [amount(dig(c, "resources", part, resource)) for c in dig(pod, "spec", group) or ()]
        for group in ("containers", "initContainers")
    }
    return max(sum(parts["containers"], Decimal(0)), max(parts["initContainers"], default=Decimal(0)))


def _of_service(service: Obj, name: str) -> Decimal:
    type_ = dig(service, "spec", "type")
    if name == BALANCERS:
        return Decimal(type_ == "LoadBalancer")
    return Decimal(len(dig(service, "spec", "ports") or ()) if type_ in ("NodePort", "LoadBalancer") else 0)


def takes(kind: Kind, document: Obj, name: str) -> Decimal | None:
    """Give how much of one limited resource an object takes, None when that does not concern its kind."""
    if name == f"count/{kind.resource}" or (not kind.group and name == kind.plural and name in COUNTED):
        return Decimal(1)
    if kind is PODS and name in COMPUTED:
        return _of_pod(document, name)
    if kind is SERVICES and name in (NODE_PORTS, BALANCERS):
        return _of_service(document, name)
    if kind is CLAIMS and name == STORAGE:
        return amount(dig(document, "spec", "resources", "requests", "storage"))
    return None


SCOPES: Mapping[str, Callable[[Obj], bool]] = {
    "Terminating": lambda pod: dig(pod, "spec", "activeDeadlineSeconds") is not None,
    "NotTerminating": lambda pod: dig(pod, "spec", "activeDeadlineSeconds") is None,
    "BestEffort": lambda pod: dig(pod, "status", "qosClass") == "BestEffort",
    "NotBestEffort": lambda pod: dig(pod, "status", "qosClass") != "BestEffort",
}


def concerns(quota: Obj, kind: Kind, document: Obj) -> bool:
    """Tell whether an object is in the scopes of a quota: those without scopes hold for everything."""
    scopes = dig(quota, "spec", "scopes") or ()
    return not scopes or (kind is PODS and all(SCOPES[scope](document) for scope in scopes if scope in SCOPES))


def demand(quota: Obj, kind: Kind, document: Obj) -> Usage:
    """Give what an object takes of what a quota limits."""
    if not concerns(quota, kind, document):
        return {}
    found = {name: takes(kind, document, name) for name in dig(quota, "spec", "hard") or {}}
    return {name: number for name, number in found.items() if number is not None}


def used(storage: Storage, quota: Obj, namespace: str, kinds: tuple[Kind, ...]) -> Usage:
    """Give what a namespace uses of what a quota limits."""
    hard = dig(quota, "spec", "hard") or {}
    total = dict.fromkeys(hard, Decimal(0))
    for kind in kinds:
        if not any(_is_about(name, kind) for name in hard):
            continue
        for record in storage.records(kind, namespace)[1]:
            if kind is PODS and dig(record.document, "status", "phase") in ENDED:
                continue
            for name, number in demand(quota, kind, record.document).items():
                total[name] += number
    return total


def _is_about(name: str, kind: Kind) -> bool:
    if kind is PODS and name in COMPUTED:
        return True
    special = {SERVICES: (NODE_PORTS, BALANCERS), CLAIMS: (STORAGE,)}.get(kind, ())
    return name in (f"count/{kind.resource}", *special) or (not kind.group and name == kind.plural)


def unspecified(quota: Obj, pod: Obj) -> str:
    """Say which containers leave out what a quota limits, "" when none does."""
    words = []
    for name in sorted(dig(quota, "spec", "hard") or {}):
        if name not in COMPUTED:
            continue
        part, resource = COMPUTED[name]
        containers = [*(dig(pod, "spec", "containers") or ()), *(dig(pod, "spec", "initContainers") or ())]
        without = [c["name"] for c in containers if dig(c, "resources", part, resource) is None]
        if without:
            words.append(f"{name} for: {','.join(sorted(without))}")
    return "; ".join(words)


def exceeded(quota: Obj, wanted: Usage, present: Usage) -> str:
    """Say what goes beyond a quota, "" when nothing does. What takes nothing is never too much."""
    hard = quota["spec"]["hard"]
    over = [
        name
        for name, more in sorted(wanted.items())
        if more and present.get(name, Decimal(0)) + more > amount(hard[name])
    ]
    if not over:
        return ""
    parts = (
        "requested: " + ",".join(f"{name}={shown(wanted[name])}" for name in over),
        "used: " + ",".join(f"{name}={shown(present.get(name, Decimal(0)))}" for name in over),
        "limited: " + ",".join(f"{name}={hard[name]}" for name in over),
    )
    return ", ".join(parts)


def check(quota: Obj) -> Iterator[Cause]:
    """Give what is wrong with a ResourceQuota."""
    for name in dig(quota, "spec", "hard") or {}:
        if "/" not in name and name not in STANDARD:
            for words in (
                "must be a standard resource type or fully qualified",
                "must be a standard resource for quota",
            ):
                at = f"spec.hard[{name}]"
                yield Cause("FieldValueInvalid", at, f"Invalid value: {encode(name).decode()}: {words}")
