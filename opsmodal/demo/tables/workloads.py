"""The printed rows of what keeps pods alive. Source: pkg/printers/internalversion/printers.go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opsmodal.demo.clock import parsed
from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.tables.ages import duration, since
from opsmodal.demo.tables.columns import NONE, age, containers_of, layout, name, selector_text

TEMPLATE = ("spec", "template", "spec")


def _number(document: Obj, *path: str) -> int:
    return dig(document, *path) or 0


def _tail(document: Obj) -> list[Any]:
    return [*containers_of(document, *TEMPLATE), selector_text(dig(document, "spec", "selector"))]


def _deployment(document: Obj, now: datetime) -> list[Any]:
    ready, desired = _number(document, "status", "readyReplicas"), _number(document, "spec", "replicas")
    updated, available = (_number(document, "status", f"{part}Replicas") for part in ("updated", "available"))
    return [name(document), f"{ready}/{desired}", updated, available, age(document, now), *_tail(document)]


def _replicaset(document: Obj, now: datetime) -> list[Any]:
    counts = [_number(document, *path) for path in (("spec", "replicas"), ("status", "replicas"))]
    ready = _number(document, "status", "readyReplicas")
    return [name(document), *counts, ready, age(document, now), *_tail(document)]


def _statefulset(document: Obj, now: datetime) -> list[Any]:
    ready, desired = _number(document, "status", "readyReplicas"), _number(document, "spec", "replicas")
    return [name(document), f"{ready}/{desired}", age(document, now), *containers_of(document, *TEMPLATE)]


def _daemonset(document: Obj, now: datetime) -> list[Any]:
    fields = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    counts = [_number(document, "status", field) for field in (*fields, "numberAvailable")]
    nodes = selector_text(dig(document, *TEMPLATE, "nodeSelector"))
    return [name(document), *counts, nodes, age(document, now), *_tail(document)]


def _job_word(document: Obj) -> str:
    states = {item["type"]: item["status"] for item in dig(document, "status", "conditions") or ()}
    for type_, word in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        if states.get(type_) == "True":
            return word
    return "Terminating" if dig(document, "metadata", "deletionTimestamp") else "Running"


def _job(document: Obj, now: datetime) -> list[Any]:
    done, wanted = _number(document, "status", "succeeded"), dig(document, "spec", "completions") or 1
    start, end = dig(document, "status", "startTime"), dig(document, "status", "completionTime")
    lasted = ""
    if start:
        lasted = duration(((parsed(end) if end else now) - parsed(start)).total_seconds())
    return [name(document), _job_word(document), f"{done}/{wanted}", lasted, age(document, now), *_tail(document)]


def _cronjob(document: Obj, now: datetime) -> list[Any]:
    last = dig(document, "status", "lastScheduleTime")
    return [
        name(document),
        dig(document, "spec", "schedule"),
        dig(document, "spec", "timeZone") or NONE,
        str(bool(dig(document, "spec", "suspend"))),
        len(dig(document, "status", "active") or ()),
        since(last, now) if last else NONE,
        age(document, now),
        *containers_of(document, "spec", "jobTemplate", *TEMPLATE),
        NONE,
    ]


def _target(document: Obj) -> str:
    current = {
        item["resource"]["name"]: item["resource"]["current"]
        for item in dig(document, "status", "currentMetrics") or ()
    }
    texts = []
    for metric in dig(document, "spec", "metrics") or ():
        resource = metric.get("resource") or {}
        now = dig(current, resource.get("name", ""), "averageUtilization")
        wanted = dig(resource, "target", "averageUtilization")
        texts.append(f"{resource.get('name')}: {'<unknown>' if now is None else f'{now}%'}/{wanted}%")
    return ", ".join(texts) or NONE


def _autoscaler(document: Obj, now: datetime) -> list[Any]:
    reference = dig(document, "spec", "scaleTargetRef") or {}
    low, high = dig(document, "spec", "minReplicas"), dig(document, "spec", "maxReplicas")
    replicas = _number(document, "status", "currentReplicas")
    subject = f"{reference.get('kind')}/{reference.get('name')}"
    return [name(document), subject, _target(document), str(low or "<unset>"), high, replicas, age(document, now)]


SELECTOR = "Containers|Images|Selector"
LAYOUTS = {
    "deployments": layout("Name|Ready|Up-to-date|Available|Age", SELECTOR, _deployment),
    "replicasets": layout("Name|Desired#|Current#|Ready#|Age", SELECTOR, _replicaset),
    "replicationcontrollers": layout("Name|Desired#|Current#|Ready#|Age", SELECTOR, _replicaset),
    "statefulsets": layout("Name|Ready|Age", "Containers|Images", _statefulset),
    "daemonsets": layout(
        "Name|Desired#|Current#|Ready#|Up-to-date#|Available#|Node Selector|Age", SELECTOR, _daemonset
    ),
    "jobs": layout("Name|Status|Completions|Duration|Age", SELECTOR, _job),
    "cronjobs": layout("Name|Schedule|Timezone|Suspend?|Active#|Last Schedule|Age", SELECTOR, _cronjob),
    "horizontalpodautoscalers": layout("Name|Reference|Targets|MinPods|MaxPods|Replicas|Age", "", _autoscaler),
}
