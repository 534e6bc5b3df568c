"""One object in the versions in which it is served: autoscaling/v1 beside v2, events.k8s.io beside core events.

Storage keeps one version of each; a read of another gets a translated copy, a write is translated back. Custom kinds
with several versions change their apiVersion only (conversion strategy None). Source: k8s.io/kubernetes
pkg/apis/{autoscaling,events}/v1/conversion.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opsmodal.demo.documents import Obj, copied, decode, dig, encode
from opsmodal.demo.kinds import Kind
from opsmodal.demo.storage import Record

MARK = "autoscaling.alpha.kubernetes.io/"
Translate = Callable[[Obj], Obj]
EVENT_FIELDS: Mapping[str, str] = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""Fields of a core event and what events.k8s.io calls them."""


def _newer_event(event: Obj) -> Obj:
    return {EVENT_FIELDS.get(name, name): value for name, value in event.items()}


def _older_event(event: Obj) -> Obj:
    names = {newer: older for older, newer in EVENT_FIELDS.items()}
    return {names.get(name, name): value for name, value in event.items()}


def _is_cpu(metric: Obj) -> bool:
    return bool(metric.get("type") == "Resource" and dig(metric, "resource", "name") == "cpu")


def _percent(metrics: list[Obj], *path: str) -> int | None:
    found = (dig(metric, "resource", *path) for metric in metrics if _is_cpu(metric))
    return next((percent for percent in found if percent is not None), None)


def _marked(document: Obj, name: str, value: object) -> None:
    if value:
        document["metadata"].setdefault("annotations", {})[MARK + name] = encode(value).decode()


def _older_metric(metric: Obj) -> Obj:
    """Give a measured metric in the words of v1."""
    resource = metric.get("resource") or {}
    values = {f"current{name[0].upper()}{name[1:]}": value for name, value in resource.get("current", {}).items()}
    return {"type": metric["type"], "resource": {"name": resource.get("name")} | values}


def _newer_metric(metric: Obj) -> Obj:
    resource = dict(metric.get("resource") or {})
    name = resource.pop("name", None)
    values = {f"{key[7].lower()}{key[8:]}": value for key, value in resource.items()}
    return {"type": metric["type"], "resource": {"name": name, "current": values}}


def _older_autoscaler(scaler: Obj) -> Obj:
    result = copied(scaler)
    spec, status = result.setdefault("spec", {}), result.get("status") or {}
    metrics, current = spec.pop("metrics", None) or [], status.pop("currentMetrics", None) or []
    target = _percent(metrics, "target", "averageUtilization")
    if target is not None:
        spec["targetCPUUtilizationPercentage"] = target
    used = _percent(current, "current", "averageUtilization")
    if used is not None:
        status["currentCPUUtilizationPercentage"] = used
    _marked(result, "conditions", status.pop("conditions", None))
    _marked(result, "current-metrics", list(map(_older_metric, current)))
    _marked(result, "metrics", [metric for metric in metrics if not _is_cpu(metric)])
    _marked(result, "behavior", spec.pop("behavior", None))
    result["status"] = {"currentReplicas": 0, "desiredReplicas": 0} | status
    return result


def _newer_autoscaler(scaler: Obj) -> Obj:
    result = copied(scaler)
    spec, marks = result.get("spec") or {}, dig(result, "metadata", "annotations") or {}
    metrics = decode(marks.pop(MARK + "metrics", "[]"))
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    spec |= {"metrics": metrics} if metrics else {}
    if behavior := marks.pop(MARK + "behavior", None):
        spec["behavior"] = decode(behavior)
    status = result.get("status") or {}
    status.pop("currentCPUUtilizationPercentage", None)
    if text := marks.pop(MARK + "conditions", None):
        status["conditions"] = decode(text)
    if text := marks.pop(MARK + "current-metrics", None):
        status["currentMetrics"] = list(map(_newer_metric, decode(text)))
    if "annotations" in (result.get("metadata") or {}) and not marks:
        del result["metadata"]["annotations"]
    return result


def _same(document: Obj) -> Obj:
    return document


TRANSLATIONS: Mapping[tuple[str, str], tuple[Translate, Translate]] = {
    ("autoscaling", "v1"): (_older_autoscaler, _newer_autoscaler),
    ("events.k8s.io", "v1"): (_newer_event, _older_event),
}
"""From what is kept, and back to it."""


def served(kind: Kind, document: Obj) -> Obj:
    """Give a kept object as `kind` shows it."""
    if kind.stored_as is None:
        return document
    translate = TRANSLATIONS.get((kind.group, kind.version), (_same, _same))[0]
    return translate(document) | {"apiVersion": kind.api_version}


def kept(kind: Kind, document: Obj) -> Obj:
    """Give an object of `kind` as it is kept."""
    if kind.stored_as is None:
        return document
    translate = TRANSLATIONS.get((kind.group, kind.version), (_same, _same))[1]
    return translate(document) | {"apiVersion": kind.stored.api_version}


def served_record(kind: Kind, record: Record) -> Record:
    """Give a record as `kind` shows it; the record itself where nothing changes."""
    return record if kind.stored_as is None else Record(served(kind, record.document))
