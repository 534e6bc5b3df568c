"""Refuse objects that a real API server would refuse, in its words, as far as people and this page run into it.

Source: k8s.io/kubernetes pkg/apis/{core,apps}/validation. Pure: it reads documents and gives what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsmodal.demo import quotas
from opsmodal.demo.definitions import checks as definitions
from opsmodal.demo.documents import Obj, dig, encode
from opsmodal.demo.problems import Cause, bad_request
from opsmodal.demo.quantities import amount
from opsmodal.demo.selectors import of_object

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
POD_CHANGE_WORDS = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
NAME_MAX_CHARS = 253
CRON_FIELDS = 5
NODE_PORTS = (30_000, 32_767)
FREE_NAMES = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
"""RBAC names may hold any path segment, such as `system:node`."""

QUANTITY_WORDS = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


class Unreadable(Exception):
    """A value that is not of its type: the whole object is refused before it is judged."""


Check = Callable[[Obj], Iterator[Cause]]


def required(field: str, words: str = "") -> Cause:
    """Say that a field is missing."""
    return Cause("FieldValueRequired", field, "Required value" + (f": {words}" if words else ""))


def wrong(field: str, value: Any, words: str) -> Cause:
    """Say that a field's value is not allowed."""
    return Cause("FieldValueInvalid", field, f"Invalid value: {_shown(value)}: {words}")


def _shown(value: Any) -> str:
    return encode(value).decode()


def _name(document: Obj, plural: str) -> Iterator[Cause]:
    name = dig(document, "metadata", "name")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif plural not in FREE_NAMES and (len(name) > NAME_MAX_CHARS or not SUBDOMAIN.match(name)):
        yield wrong("metadata.name", name, SUBDOMAIN_WORDS)


def _resources(path: str, container: Obj) -> Iterator[Cause]:
    resources = container.get("resources") or {}
    for part in ("limits", "requests"):
        for quantity in (resources.get(part) or {}).values():
            try:
                amount(quantity)
            except ValueError:
                raise Unreadable(QUANTITY_WORDS) from None
    limits = resources.get("limits") or {}
    for name, request in (resources.get("requests") or {}).items():
        if name in limits and amount(request) > amount(limits[name]):
            words = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong(f"{path}.resources.requests", str(request), words)


def _containers(spec: Obj, path: str) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    seen: set[str] = set()
    for part in ("initContainers", "containers"):
        for place, container in enumerate(spec.get(part) or ()):
            at = f"{path}.{part}[{place}]"
            name = container.get("name")
            if not name:
                yield required(f"{at}.name")
            elif name in seen:
                yield Cause("FieldValueDuplicate", f"{at}.name", f"Duplicate value: {_shown(name)}")
            seen.add(name or "")
            if not container.get("image"):
                yield required(f"{at}.image")
            yield from _resources(at, container)


def _pod(document: Obj) -> Iterator[Cause]:
    yield from _containers(document.get("spec") or {}, "spec")


def _workload(document: Obj) -> Iterator[Cause]:
    spec = document.get("spec") or {}
    if dig(spec, "replicas") is not None and spec["replicas"] < 0:
        yield wrong("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    if not spec.get("selector"):
        yield required("spec.selector")
    labels = dig(spec, "template", "metadata", "labels") or {}
    if spec.get("selector") and not of_object(spec["selector"])(labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _containers(dig(spec, "template", "spec") or {}, "spec.template.spec")


def _job(document: Obj) -> Iterator[Cause]:
    template = dig(document, "spec", "template", "spec") or {}
    yield from _containers(template, "spec.template.spec")
    if template.get("restartPolicy") == "Always":
        words = 'Unsupported value: "Always": supported values: "OnFailure", "Never"'
        yield Cause("FieldValueNotSupported", "spec.template.spec.restartPolicy", words)


def _autoscaler(document: Obj) -> Iterator[Cause]:
    spec = document.get("spec") or {}
    if (spec.get("maxReplicas") or 0) < 1:
        yield wrong("spec.maxReplicas", spec.get("maxReplicas") or 0, "must be greater than 0")
    elif spec["maxReplicas"] < spec.get("minReplicas", 1):
        yield wrong("spec.maxReplicas", spec["maxReplicas"], "must be greater than or equal to `minReplicas`")


def _service(document: Obj) -> Iterator[Cause]:
    for place, port in enumerate(dig(document, "spec", "ports") or ()):
        number = port.get("nodePort")
        if number and not NODE_PORTS[0] <= number <= NODE_PORTS[1]:
            words = "provided port is not in the valid range. The range of valid ports is {}-{}".format(*NODE_PORTS)
            yield wrong(f"spec.ports[{place}].nodePort", number, words)


def _cronjob(document: Obj) -> Iterator[Cause]:
    schedule = dig(document, "spec", "schedule") or ""
    fields = schedule.split()
    if not schedule:
        yield required("spec.schedule")
    elif not schedule.startswith("@") and len(fields) != CRON_FIELDS:
        words = f"expected exactly {CRON_FIELDS} fields, found {len(fields)}: [{schedule}]"
        yield wrong("spec.schedule", schedule, words)


CHECKS: Mapping[str, Check] = {
    "cronjobs.batch": _cronjob,
    "customresourcedefinitions.apiextensions.k8s.io": definitions.check,
    "pods": _pod,
    "services": _service,
    "resourcequotas": quotas.check,
    "deployments.apps": _workload,
    "replicasets.apps": _workload,
    "statefulsets.apps": _workload,
    "daemonsets.apps": _workload,
    "jobs.batch": _job,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
}
IMMUTABLE: Mapping[str, tuple[str, ...]] = {
    "deployments.apps": ("selector",),
    "replicasets.apps": ("selector",),
    "daemonsets.apps": ("selector",),
    "jobs.batch": ("selector", "template", "completionMode", "completions"),
}


def check(resource: str, document: Obj) -> list[Cause]:
    """Give what is wrong with a new object of `resource` (`pods`, `deployments.apps`).

    Raise a 400 Problem for a value that the API server cannot even read.
    """
    problems = list(_name(document, resource.partition(".")[0]))
    try:
        if resource in CHECKS:
            problems += CHECKS[resource](document)
    except Unreadable as unreadable:
        kind, version = document["kind"], document["apiVersion"].rpartition("/")[2]
        words = f'{kind} in version "{version}" cannot be handled as a {kind}: {unreadable}'
        raise bad_request(words) from None
    return problems


def _mutable_removed(spec: Obj) -> Obj:
    kept = {key: value for key, value in spec.items() if key not in ("activeDeadlineSeconds", "tolerations")}
    for part in ("containers", "initContainers"):
        if part in kept:
            kept[part] = [{k: v for k, v in container.items() if k != "image"} for container in kept[part]]
    return kept


STATEFUL_WORDS = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
STATEFUL_FIXED = ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")


def _is_resized_index(resource: str, field: str, old: Obj, new: Obj) -> bool:
    """Tell whether an Indexed Job is resized, which may change both numbers to the same."""
    indexed = resource == "jobs.batch" and field == "completions" and old.get("completionMode") == "Indexed"
    return indexed and new.get("completions") == new.get("parallelism")


def check_change(resource: str, before: Obj, after: Obj) -> list[Cause]:
    """Give what is wrong with changing `before` into `after`."""
    problems = check(resource, after)
    old, new = before.get("spec") or {}, after.get("spec") or {}
    if resource == "pods" and _mutable_removed(old) != _mutable_removed(new):
        problems.append(Cause("FieldValueForbidden", "spec", f"Forbidden: {POD_CHANGE_WORDS}"))
    if resource == "statefulsets.apps" and any(old.get(field) != new.get(field) for field in STATEFUL_FIXED):
        problems.append(Cause("FieldValueForbidden", "spec", f"Forbidden: {STATEFUL_WORDS}"))
    for field in IMMUTABLE.get(resource, ()):
        if old.get(field) != new.get(field) and not _is_resized_index(resource, field, old, new):
            problems.append(wrong(f"spec.{field}", new.get(field), "field is immutable"))
    if before.get("immutable") and (before.get("data"), before.get("binaryData")) != (
        after.get("data"),
        after.get("binaryData"),
    ):
        problems.append(Cause("FieldValueForbidden", "data", "Forbidden: field is immutable when `immutable` is set"))
    return problems
