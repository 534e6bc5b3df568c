"""LimitRanges: what they add to pods that say nothing, and what they refuse. Pure.

Source of rules and words: k8s.io/kubernetes plugin/pkg/admission/limitranger and pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from opsmodal.demo.documents import Obj, annotations_of, dig
from opsmodal.demo.quantities import amount

MARK = "kubernetes.io/limit-ranger"
Amounts = Mapping[str, str]


def fill(limits: Obj) -> None:
    """Fill in what a new LimitRange leaves out: defaults follow from the bounds."""
    for item in dig(limits, "spec", "limits") or ():
        if item.get("type") == "Container":
            default = (item.get("max") or {}) | (item.get("default") or {})
            request = (item.get("min") or {}) | default | (item.get("defaultRequest") or {})
            item |= {name: value for name, value in (("default", default), ("defaultRequest", request)) if value}


def add(limits: Obj, pod: Obj) -> None:
    """Give the containers of a new pod the requests and limits that they leave out, and say so on the pod."""
    words: list[str] = []
    for item in dig(limits, "spec", "limits") or ():
        if item.get("type") != "Container":
            continue
        for part in ("containers", "initContainers"):
            for container in pod["spec"].get(part) or ():
                words += _added(item, container, "init container" if part == "initContainers" else "container")
    if words:
        marks = annotations_of(pod) | {MARK: "LimitRanger plugin set: " + "; ".join(words)}
        pod["metadata"]["annotations"] = marks


def _added(item: Obj, container: Obj, what: str) -> Iterator[str]:
    resources = container.setdefault("resources", {})
    for part, default, word in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
        missing = {k: v for k, v in (item.get(default) or {}).items() if k not in (resources.get(part) or {})}
        if missing:
            resources[part] = (resources.get(part) or {}) | missing
            yield f"{', '.join(sorted(missing))} {word} for {what} {container['name']}"


def judge_pod(limits: Obj, pod: Obj) -> Iterator[str]:
    """Give what of a pod is out of bounds."""
    containers = dig(pod, "spec", "containers") or []
    for item in dig(limits, "spec", "limits") or ():
        if item.get("type") == "Container":
            for container in containers:
                resources = container.get("resources") or {}
                yield from _judge(item, resources.get("requests") or {}, resources.get("limits") or {})
        elif item.get("type") == "Pod":
            yield from _judge(item, _sum(containers, "requests"), _sum(containers, "limits"))


def judge_claim(limits: Obj, claim: Obj) -> Iterator[str]:
    """Give what of a PersistentVolumeClaim is out of bounds."""
    asked = dig(claim, "spec", "resources", "requests") or {}
    for item in dig(limits, "spec", "limits") or ():
        if item.get("type") == "PersistentVolumeClaim":
            yield from _judge({"type": item["type"], "min": item.get("min")}, asked, {})
            for name, most in (item.get("max") or {}).items():
                if name in asked and amount(asked[name]) > amount(most):
                    yield f"maximum {name} usage per {item['type']} is {most}, but request is {asked[name]}"


def _sum(containers: list[Obj], part: str) -> Amounts:
    found: dict[str, str] = {}
    for container in containers:
        for name, value in (dig(container, "resources", part) or {}).items():
            found[name] = str(value) if name not in found else shown(amount(found[name]) + amount(value))
    return found


def _judge(item: Obj, requests: Amounts, limits: Amounts) -> Iterator[str]:
    type_ = item["type"]
    for name, least in sorted((item.get("min") or {}).items()):
        head = f"minimum {name} usage per {type_} is {least}"
        if name not in requests:
            yield f"{head}. No request is specified"
        elif amount(requests[name]) < amount(least):
            yield f"{head}, but request is {requests[name]}"
        elif name in limits and amount(limits[name]) < amount(least):
            yield f"{head}, but limit is {limits[name]}"
    for name, most in sorted((item.get("max") or {}).items()):
        head = f"maximum {name} usage per {type_} is {most}"
        if name not in limits:
            yield f"{head}. No limit is specified"
        elif amount(limits[name]) > amount(most):
            yield f"{head}, but limit is {limits[name]}"
        elif name in requests and amount(requests[name]) > amount(most):
            yield f"{head}, but request is {requests[name]}"
    for name, most in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        head = f"{name} max limit to request ratio per {type_} is {most}"
        asked, limit = amount(requests.get(name)), amount(limits.get(name))
        if not asked or not limit:
            missing = "request" if not asked else "limit"
            yield f"{head}, but no {missing} is specified or {missing} is 0"
        elif limit / asked > amount(most):
            yield f"{head}, but provided ratio is {float(limit / asked):f}"


def shown(number: Decimal) -> str:
    """Write an amount as quantities are shown: `500m`, `2`, `1Gi`."""
    if number != number.to_integral_value():
        return f"{int(number * 1000)}m"
    whole = int(number)
    for suffix, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if whole and whole % size == 0:
            return f"{whole // size}{suffix}"
    return str(whole)
