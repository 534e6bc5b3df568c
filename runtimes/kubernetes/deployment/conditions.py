"""Says in words what the conditions of a workload mean. Pure.

The reasons are those of the controllers (k8s.io/kubernetes pkg/controller/deployment/util/deployment_util.go, pkg/
controller/job/job_controller.go); one that is not known here is quoted as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from runtimes.causes.words import named, quoted
from runtimes.kubernetes.objects.held import Condition
from runtimes.kubernetes.objects.workloads import DeployedObject

MESSAGE_MAX_CHARS = 400

WORDS = {
    ("Available", "MinimumReplicasAvailable"): "As many pods are available as the strategy demands.",
    ("Available", "MinimumReplicasUnavailable"): "Fewer pods are available than the strategy demands.",
    ("Progressing", "NewReplicaSetAvailable"): "The last rollout is complete.",
    ("Progressing", "NewReplicaSetCreated"): "The rollout has begun: the new ReplicaSet is created.",
    ("Progressing", "FoundNewReplicaSet"): "The rollout has begun with a ReplicaSet that was there before.",
    ("Progressing", "ReplicaSetUpdated"): "The rollout is in progress.",
    ("Progressing", "DeploymentPaused"): "The rollout is paused.",
    ("Progressing", "DeploymentResumed"): "The rollout was resumed.",
    ("Complete", "CompletionsReached"): "All the work is done.",
    ("Suspended", "JobSuspended"): "It is suspended: none of its pods run.",
    ("Suspended", "JobResumed"): "It was suspended, and has been resumed.",
    ("Failed", "BackoffLimitExceeded"): "It has failed: its pods failed more often than its back-off limit allows.",
    ("Failed", "DeadlineExceeded"): "It has failed: it took longer than its deadline allows.",
    ("Failed", "PodFailurePolicy"): "It has failed: a pod ended in a way that its failure policy does not allow.",
}
LATE = "ProgressDeadlineExceeded"
MARKS = {
    "Complete": "All the work is done.",
    "Failed": "It has failed.",
    "Suspended": "It is suspended: none of its pods run.",
    "FailureTarget": "It is failing: its last pods are being ended.",
    "SuccessCriteriaMet": "Enough of the work is done: its last pods are being ended.",
}
"""Conditions of a Job that mean the same whatever their reason is."""
ENDINGS = frozenset(MARKS)
"""Conditions that say nothing while they are not True."""


def conditions(known: DeployedObject) -> tuple[tuple[str, str], ...]:
    """Give the conditions as (type, sentence)."""
    told = [each for each in known.status.conditions or () if each.status == "True" or each.type not in ENDINGS]
    return tuple((each.type, _sentence(each, known.spec.progress_deadline_seconds)) for each in told)


def find(found: Iterable[Condition] | None, kind: str, *, status: str = "True") -> Condition | None:
    """Give the condition of a type, where it has this status."""
    return next((each for each in found or () if each.type == kind and each.status == status), None)


def _sentence(known: Condition, deadline_s: int | None) -> str:
    if known.reason == LATE:
        limit = f" of {deadline_s} s" if deadline_s is not None else ""
        return f"The rollout is stuck: nothing has moved on within its deadline{limit}."
    if known.type == "ReplicaFailure" and known.status == "True":
        return f"Pods cannot be created: {_quoted(known.message or known.reason)}"
    if words := WORDS.get((known.type, known.reason)):
        return words
    if words := MARKS.get(known.type):
        return f"{words} The cluster says: {_quoted(known.message or known.reason)}" if known.message else words
    return _unknown(known)


def _unknown(known: Condition) -> str:
    reason = f" ({named(known.reason)})" if known.reason else ""
    said = f": {_quoted(known.message)}" if known.message else "."
    return f"{named(known.type)} is {named(known.status).lower()}{reason}{said}"


def _quoted(message: str) -> str:
    return f"{quoted(message, max_chars=MESSAGE_MAX_CHARS).rstrip('.')}."
