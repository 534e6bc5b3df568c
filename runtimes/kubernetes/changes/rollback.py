"""Drafts going back to a revision, exactly as `kubectl rollout undo` does: the template of then, a new number.

A Deployment takes the annotations of the ReplicaSet over as well, so that the reason of then stands there again.
Source: k8s.io/kubectl pkg/polymorphichelpers/rollback.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runtimes.changes import Rollback
from runtimes.errors import Conflict, Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.media import JSON_PATCH, STRATEGIC
from runtimes.kubernetes.api.spoiled import known_as, name_of
from runtimes.kubernetes.changes.diffing import LAST_APPLIED
from runtimes.kubernetes.changes.draft import Asked, Call, Draft, changed, command, patch
from runtimes.kubernetes.changes.found import Found, Obj, part
from runtimes.kubernetes.changes.rollouts import by_hand, pods_of, rolls
from runtimes.kubernetes.changes.scaling import replicas_of
from runtimes.kubernetes.objects.workloads import ControllerRevision, DeployedObject
from runtimes.kubernetes.workloads.around import revision_in
from runtimes.planning import Difference

HASH = "pod-template-hash"
"""The label by which ReplicaSets tell their pods apart; it is no part of a Deployment's template."""
REVISION = "deployment.kubernetes.io/revision"
STAYING = frozenset(
    {
        LAST_APPLIED,
        REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)
"""Annotations that kubectl leaves as they are on the Deployment (`annotationsToSkip`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A revision that can be gone back to. `data` is what a ControllerRevision keeps, a patch by itself."""

    number: int
    template: Obj
    annotations: Mapping[str, Any]
    data: Obj


def rollback(asked: Asked, change: Rollback) -> Draft:
    """Draft going back. Raise Missing for a revision that is not kept, Conflict while the rollout is paused."""
    found = asked.found
    past = chosen(found, history(asked), change.revision)
    if found.spec.get("paused"):
        raise Conflict(f"{found.words} is paused and cannot go back.", hint="Resume its rollout first.")
    same = plain(past.template) == plain(found.template)
    template = plain(past.template)
    after = found.document | {"spec": found.spec | {"template": template}}
    call = _deployment(found, past, template) if found.kind == "Deployment" else _patched(found, past)
    return Draft(
        calls=(call,),
        summary=f"Go back to revision {past.number} of {found.words}",
        command=command(found, "rollout", "undo", found.target, f"--to-revision={past.number}"),
        sentence=f"{found.words} goes back to revision {past.number}.",
        differences=tuple(_differences(found.template, template)),
        diffed=after,
        warnings=(*by_hand(found), *_held_up(found)),
        hits=pods_of(found) if rolls(found) else (),
        already=f"{found.words} has the template of revision {past.number} already." if same else "",
        lasting=rolls(found),
    )


def chosen(found: Found, known: list[Past], number: int) -> Past:
    """Give the revision of this number, with 0 the one before the latest. Raise Missing."""
    ordered = sorted(known, key=lambda each: each.number)
    if number == 0:
        if len(ordered) < 2:
            hint = "There has been no other template, or the others are no longer kept (revisionHistoryLimit)."
            raise Missing(f"{found.words} has no revision before this one.", hint=hint)
        return ordered[-2]
    for each in ordered:
        if each.number == number:
            return each
    kept = ", ".join(str(each.number) for each in ordered) or "none"
    raise Missing(f"{found.words} has no revision {number}.", hint=f"There are: {kept}.")


def history(asked: Asked) -> list[Past]:
    """Read the revisions of a workload. Raise RuntimeProblem."""
    found = asked.found
    is_set = found.kind == "Deployment"
    resource, read = ("replicasets", _of_set) if is_set else ("controllerrevisions", _of_revision)
    shape: type[DeployedObject | ControllerRevision] = DeployedObject if is_set else ControllerRevision
    query = {"labelSelector": selector_text(part(found.spec, "selector")) or None}
    path = paths.collection(found.namespace, resource)
    listed: list[Obj] = asked.client.listed(path, dict, what="revisions", query=query)
    for each in listed:
        known_as(each, shape, what=f"revision {name_of(each)}")
    return [past for each in listed if _belongs(each, found) for past in read(each)]


def plain(template: Obj) -> Obj:
    """Give a template without the label that the cluster adds to it."""
    metadata = part(template, "metadata")
    labels = {key: value for key, value in part(metadata, "labels").items() if key != HASH}
    left = {key: value for key, value in template.items() if key != "$patch"}
    return left | {"metadata": metadata | {"labels": labels}}


def selector_text(selector: Obj) -> str:
    """Write a workload's selector as the API takes it in a query."""
    parts = [f"{key}={value}" for key, value in part(selector, "matchLabels").items()]
    for each in selector.get("matchExpressions") or ():
        values = ",".join(each.get("values") or ())
        written = {
            "In": f"{each['key']} in ({values})",
            "NotIn": f"{each['key']} notin ({values})",
            "Exists": each["key"],
            "DoesNotExist": f"!{each['key']}",
        }
        parts.append(written[each["operator"]])
    return ",".join(parts)


def _belongs(document: Obj, found: Found) -> bool:
    owners = part(document, "metadata").get("ownerReferences") or ()
    return any(each.get("controller") and each.get("uid") == found.metadata.get("uid") for each in owners)


def _of_set(document: Obj) -> Iterator[Past]:
    marks = part(document, "metadata", "annotations")
    if number := revision_in(str(marks.get(REVISION, ""))):
        yield Past(number=number, template=part(document, "spec", "template"), annotations=marks, data={})


def _of_revision(document: Obj) -> Iterator[Past]:
    data = part(document, "data")
    yield Past(
        number=int(document.get("revision") or 0),
        template=part(data, "spec", "template"),
        annotations=part(document, "metadata", "annotations"),
        data=data,
    )


def _deployment(found: Found, past: Past, template: Obj) -> Call:
    marks = {key: value for key, value in found.annotations.items() if key in STAYING}
    marks |= {key: value for key, value in past.annotations.items() if key not in STAYING}
    steps = [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "add", "path": "/metadata/annotations", "value": marks},
    ]
    return patch(found, steps, media=JSON_PATCH)


def _patched(found: Found, past: Past) -> Call:
    return patch(found, past.data, media=STRATEGIC)


def _held_up(found: Found) -> Iterator[str]:
    """Warn of what Kubernetes calls forced rollback: an ordered StatefulSet waits for its broken pod for ever."""
    ready, wanted = part(found.document, "status").get("readyReplicas") or 0, replicas_of(found)
    if found.kind == "StatefulSet" and found.spec.get("podManagementPolicy") != "Parallel" and ready < wanted:
        yield "A pod that never became ready is not replaced by this: delete it after going back."


def _differences(before: Obj, after: Obj) -> Iterator[Difference]:
    """Give the images that change; the rest is in the diff."""
    old, new = ({each["name"]: each.get("image") for each in _containers(side)} for side in (before, after))
    for name in dict.fromkeys((*old, *new)):
        yield from changed(f"image of {name}", old.get(name), new.get(name))


def _containers(template: Obj) -> list[Obj]:
    spec = part(template, "spec")
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
