"""Says which change is drafted by what, and for which kinds of workload. A new change is one more row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtimes.changes import (
    VERBS,
    Change,
    Pause,
    RemoveAutoscaler,
    Restart,
    Resume,
    Rollback,
    RunNow,
    SetAutoscaler,
    SetImage,
    SetManifest,
    SetReplicas,
    SetResources,
    SetStrategy,
    Suspend,
)
from runtimes.errors import Unsupported
from runtimes.kubernetes.changes import (
    autoscaler,
    autoscaling,
    images,
    manifests,
    resources,
    rollback,
    rollouts,
    running,
    scaling,
    strategy,
)
from runtimes.kubernetes.changes.draft import Drafting
from runtimes.kubernetes.changes.found import Found
from runtimes.kubernetes.workloads.summary import KINDS

ROLLED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
"""Kinds that replace their pods when the template changes."""
SCALED = manifests.SCALED
TEMPLATED = ROLLED | {"ReplicaSet", "CronJob"}
"""Kinds whose template can be changed."""
FIXED = "The template of a Job cannot be changed."
ENDING = frozenset({"Job", "CronJob"})


@dataclass(frozen=True, slots=True)
class Row:
    """How a change is drafted, for which kinds, and a sentence on why not for the others."""

    draft: Drafting
    kinds: frozenset[str]
    sentence: str


DRAFTS: Mapping[type[Change], Row] = {
    SetReplicas: Row(scaling.set_replicas, SCALED, "It has no number of replicas."),
    SetAutoscaler: Row(autoscaling.set_autoscaler, SCALED, "It has no number of replicas."),
    RemoveAutoscaler: Row(autoscaler.remove_autoscaler, SCALED, "It has no number of replicas."),
    SetImage: Row(images.set_image, TEMPLATED, FIXED),
    SetResources: Row(resources.set_resources, TEMPLATED, FIXED),
    SetStrategy: Row(strategy.set_strategy, ROLLED, "It does not replace its pods by itself."),
    Restart: Row(rollouts.restart, ROLLED, "It does not replace its pods by itself."),
    Pause: Row(rollouts.pause, frozenset({"Deployment"}), "Only the rollout of a Deployment can be paused."),
    Resume: Row(rollouts.resume, frozenset({"Deployment"}), "Only the rollout of a Deployment can be paused."),
    Rollback: Row(rollback.rollback, ROLLED, "It keeps no revisions."),
    Suspend: Row(running.suspend, ENDING, "It runs all the time."),
    RunNow: Row(running.run_now, frozenset({"CronJob"}), "It has no schedule."),
    SetManifest: Row(manifests.set_manifest, frozenset(KINDS.values()), "It is no workload."),
}


def drafting(change: type[Change], found: Found) -> Drafting:
    """Give what drafts a change of a workload. Raise Unsupported where its kind does not know it."""
    row = DRAFTS.get(change)
    if row is None:
        raise Unsupported("Kubernetes does not know this change.")
    if found.kind not in row.kinds:
        able = ", ".join(sorted(row.kinds))
        raise Unsupported(f"{found.words} cannot be changed like this. {row.sentence}", hint=f"It is for: {able}.")
    return row.draft


def verbs(kind: str = "") -> frozenset[str]:
    """Give the names of the changes that a kind of workload knows, or of all there are."""
    return frozenset(VERBS[change] for change, row in DRAFTS.items() if not kind or kind in row.kinds)
