"""Drafts what is done to Jobs and CronJobs: suspend and resume them, and run a CronJob at once as kubectl does.

Source: k8s.io/kubectl pkg/cmd/create/create_job.go (`createJobFromCronJob`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from runtimes.changes import RunNow, Suspend
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.changes.draft import Asked, Call, Draft, changed, command, patch, patch_command
from runtimes.kubernetes.changes.found import Found, Obj, part
from runtimes.planning import Difference

INSTANTIATE = "cronjob.kubernetes.io/instantiate"
"""The annotation of a Job that no schedule has made."""
ALPHABET, SUFFIX_CHARS = "bcdfghjklmnpqrstvwxz2456789", 5
"""As the API server makes names (apimachinery pkg/util/rand): no vowels, so no words."""
STEM_MAX_CHARS = 63 - len("-manual-") - SUFFIX_CHARS
"""A Job's name becomes a label of its pods, which has 63 characters."""


def suspend(asked: Asked, change: Suspend) -> Draft:
    """Draft suspending or resuming."""
    found, wanted = asked.found, change.suspended
    before = bool(found.spec.get("suspend"))
    body = {"spec": {"suspend": wanted}}
    does, done = ("Suspend", "was suspended") if wanted else ("Resume", "goes on")
    return Draft(
        calls=(patch(found, body),),
        summary=f"{does} {found.words}",
        command=patch_command(found, body),
        sentence=f"{found.words} {done}.",
        differences=changed("suspended", "yes" if before else "no", "yes" if wanted else "no"),
        warnings=_warnings(found, wanted),
        hits=_stopped(found) if wanted and not before else (),
        already="" if wanted != before else f"{found.words} is {'suspended already' if before else 'not suspended'}.",
    )


def run_now(asked: Asked, _: RunNow, *, suffix: Callable[[], str] | None = None) -> Draft:
    """Draft a Job out of a CronJob."""
    found = asked.found
    name = f"{found.name[:STEM_MAX_CHARS].rstrip('-.')}-manual-{(suffix or _suffix)()}"
    what = f"Job {name}"
    return Draft(
        calls=(
            Call(method="POST", path=paths.collection(found.namespace, "jobs"), what=what, body=job_of(found, name)),
        ),
        summary=f"Run {found.words} now",
        command=command(found, "create", "job", name, f"--from={found.target}"),
        sentence=f"The job {name} was created from {found.words}.",
        differences=(Difference(what="job", before="", after=name),),
        warnings=_beside(found),
        made=f"job/{name}",
        lasting=True,
    )


def job_of(found: Found, name: str) -> Obj:
    """Give the Job that a CronJob describes, owned by it."""
    template = part(found.spec, "jobTemplate")
    # no blockOwnerDeletion: setting it needs the right on cronjobs/finalizers, which nobody has
    owner = {
        "apiVersion": found.document.get("apiVersion") or "batch/v1",
        "kind": found.kind,
        "name": found.name,
        "uid": found.metadata.get("uid"),
        "controller": True,
    }
    metadata: Obj = {"name": name, "namespace": found.namespace, "ownerReferences": [owner]}
    metadata["annotations"] = {INSTANTIATE: "manual", **part(template, "metadata", "annotations")}
    if labels := part(template, "metadata", "labels"):
        metadata["labels"] = labels
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": part(template, "spec")}


def _suffix() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(SUFFIX_CHARS))


def _warnings(found: Found, wanted: bool) -> tuple[str, ...]:
    if not wanted:
        if found.kind == "CronJob" and not found.spec.get("startingDeadlineSeconds"):
            return ("Runs that were missed meanwhile are not made up for, but the last one may start at once.",)
        return ()
    if found.kind == "CronJob":
        return ("Runs that have begun go on; no new ones are started.",)
    return ("Its pods are ended now, and started again when it is resumed.",)


def _stopped(found: Found) -> tuple[str, ...]:
    count = int(part(found.document, "status").get("active") or 0) if found.kind == "Job" else 0
    return (f"{count} {'pod' if count == 1 else 'pods'} of {found.target}",) if count else ()


def _beside(found: Found) -> tuple[str, ...]:
    active = part(found.document, "status").get("active") or ()
    said: tuple[str, ...] = ()
    if active and found.spec.get("concurrencyPolicy") in {"Forbid", "Replace"}:
        policy = found.spec["concurrencyPolicy"]
        said = (f"A run is going on, and its concurrencyPolicy is {policy}: that does not hold this one back.",)
    suspended = ("It is suspended, and stays so: only this one run is made.",) if found.spec.get("suspend") else ()
    return (*said, *suspended)
