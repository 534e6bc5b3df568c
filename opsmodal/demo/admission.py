"""Admission: what a namespace's LimitRanges add to pods and what its ResourceQuotas refuse.

Source of the words: k8s.io/kubernetes plugin/pkg/admission/{limitranger,resourcequota}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from opsmodal.demo import problems
from opsmodal.demo.defaults import qos_class
from opsmodal.demo.documents import Obj, dig, name_of, namespace_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.quantities import amount
from opsmodal.demo.storage import Storage

QUOTAS = stored("resourcequotas")
LIMITS = stored("limitranges")
COUNTED: Mapping[str, str] = {
    "pods": "pods",
    "services": "services",
    "configmaps": "configmaps",
    "secrets": "secrets",
    "persistentvolumeclaims": "persistentvolumeclaims",
}


def _sum(part: str, resource: str) -> Callable[[Obj], Decimal]:
    def measure(pod: Obj) -> Decimal:
        containers = dig(pod, "spec", "containers") or ()
        return sum((amount(dig(c, "resources", part, resource)) for c in containers), Decimal(0))

    return measure


MEASURES: Mapping[str, Callable[[Obj], Decimal]] = {
    "pods": lambda _: Decimal(1),
    "count/pods": lambda _: Decimal(1),
    "cpu": _sum("requests", "cpu"),
    "memory": _sum("requests", "memory"),
    "requests.cpu": _sum("requests", "cpu"),
    "requests.memory": _sum("requests", "memory"),
    "limits.cpu": _sum("limits", "cpu"),
    "limits.memory": _sum("limits", "memory"),
}


def admit(storage: Storage, kind: Kind, document: Obj) -> None:
    """Let LimitRanges fill in a new object and ask every quota; raise a Forbidden Problem when one is exceeded."""
    if kind is PODS:
        _fill_limits(storage, document)
        document["status"]["qosClass"] = qos_class(document["spec"])
    for quota in storage.records(QUOTAS, namespace_of(document))[1] if kind.namespaced else ():
        _ask(storage, kind, document, quota.document)


def _fill_limits(storage: Storage, pod: Obj) -> None:
    for limits in storage.records(LIMITS, namespace_of(pod))[1]:
        for item in dig(limits.document, "spec", "limits") or ():
            if item.get("type") != "Container":
                continue
            for container in pod["spec"]["containers"]:
                resources = container.setdefault("resources", {})
                for part, default in (("limits", "default"), ("requests", "defaultRequest")):
                    if item.get(default):
                        resources[part] = item[default] | (resources.get(part) or {})


def _ask(storage: Storage, kind: Kind, document: Obj, quota: Obj) -> None:
    hard: Mapping[str, str] = dig(quota, "spec", "hard") or {}
    wanted = demand(kind, document, hard)
    if not wanted:
        return
    used = usage(storage, namespace_of(document), hard)
    over = [name for name, more in sorted(wanted.items()) if used.get(name, Decimal(0)) + more > amount(hard[name])]
    if over:
        words = (
            "requested: " + ",".join(f"{name}={plain(wanted[name])}" for name in over),
            "used: " + ",".join(f"{name}={plain(used.get(name, Decimal(0)))}" for name in over),
            "limited: " + ",".join(f"{name}={hard[name]}" for name in over),
        )
        why = f"exceeded quota: {name_of(quota)}, {', '.join(words)}"
        raise problems.forbidden(kind.plural, kind.group, name_of(document), why)


def demand(kind: Kind, document: Obj, hard: Mapping[str, str]) -> dict[str, Decimal]:
    """Give how much of each limited resource an object takes."""
    if kind is PODS:
        return {name: MEASURES[name](document) for name in hard if name in MEASURES}
    return {name: Decimal(1) for name in hard if name in (COUNTED.get(kind.plural), f"count/{kind.resource}")}


def usage(storage: Storage, namespace: str, hard: Mapping[str, str]) -> dict[str, Decimal]:
    """Give how much of each limited resource a namespace uses."""
    used = dict.fromkeys(hard, Decimal(0))
    if any(name in MEASURES for name in hard):
        for record in storage.records(PODS, namespace)[1]:
            if dig(record.document, "status", "phase") in ("Succeeded", "Failed"):
                continue
            for name in filter(MEASURES.__contains__, hard):
                used[name] += MEASURES[name](record.document)
    for name in hard:
        plural = name.removeprefix("count/").partition(".")[0]
        if name not in MEASURES and plural in COUNTED:
            used[name] = Decimal(storage.count(stored(plural), namespace))
    return used


def plain(number: Decimal) -> str:
    """Write an amount as quantities are shown: `500m`, `2`, `1Gi`."""
    if number != number.to_integral_value():
        return f"{int(number * 1000)}m"
    whole = int(number)
    for suffix, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if whole and whole % size == 0:
            return f"{whole // size}{suffix}"
    return str(whole)
