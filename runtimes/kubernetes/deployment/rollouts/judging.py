"""Says how far a rollout is: through, going on, held, or stuck with a pod and a reason. Pure.

The order of the questions is that of `kubectl rollout status` (k8s.io/kubectl pkg/polymorphichelpers/rollout_status.go)
with one more: a pod of the new revision that fails by itself does not get better by waiting for a deadline, which
StatefulSets and DaemonSets have none of anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from runtimes.base import Explanation
from runtimes.causes.words import counted, quoted
from runtimes.kubernetes.deployment.conditions import find
from runtimes.kubernetes.deployment.rollouts import look as words
from runtimes.kubernetes.deployment.rollouts.counts import counts, wanted_of_job
from runtimes.kubernetes.deployment.rollouts.look import ROLLED, Look
from runtimes.kubernetes.deployment.rollouts.pods import failing_old, members, parts, stuck, waiting
from runtimes.kubernetes.deployment.rollouts.steps import steps
from runtimes.kubernetes.deployment.strategies import DEFAULT, strategy
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.workloads.around import Around
from runtimes.planning import Progress

State = Literal["running", "done", "failed", "paused"]
NAMES_MAX = 3
"""Pods that are named where a person has to delete them one by one."""


def progress(
    known: DeployedObject,
    kind: str,
    around: Around,
    *,
    generation: int = 0,
    explained: Mapping[str, Explanation] | None = None,
    refused: str = "",
) -> Progress:
    """Say how far the rollout of at least this generation is.

    `explained` says why pods are not ready, by their names; `refused` why pods cannot be made, where events tell it.
    """
    if kind == "Job":
        return _of_job(known)
    if kind == "CronJob":
        return Progress(state="done", sentence="A CronJob has no pods of its own to wait for.")
    found = members(known, kind, around)
    look = Look(
        known=known,
        kind=kind,
        around=around,
        counts=counts(known, kind),
        parts=parts(known, kind, around, found),
        members=found,
        explained=explained or {},
        refused=refused or words.refusal(known, kind, around),
    )
    # A lower generation than one that was seen is that of another object, made anew under the same name.
    aim = generation if known.metadata.generation >= generation else 0
    if known.status.observed_generation < max(known.metadata.generation, aim):
        return _told(look, "running", "The cluster has not taken up the change yet.")
    return _held(look) or _stuck(look) or _going_on(look) or _told(look, "done", words.through(look))


def _told(look: Look, state: State, sentence: str, hint: str = "") -> Progress:
    made = steps(look.parts, look.members, look.explained)
    return Progress(state=state, sentence=sentence, hint=hint, steps=made)


def _held(look: Look) -> Progress | None:
    """Say that a rollout waits for a person."""
    if look.known.spec.paused:
        sentence = f"The rollout is paused. {words.ready(look.counts)}"
        return _told(look, "paused", sentence, "Resume it to bring out what has changed since.")
    old = [each.name for each in look.members if not each.new and not each.leaving]
    if strategy(look.known, look.kind) == "OnDelete" and old:
        run = "still runs" if len(old) == 1 else "still run"
        sentence = f"{counted(len(old), 'pod')} {run} the old revision: with OnDelete a person replaces them."
        names = ", ".join(old[:NAMES_MAX]) + (" …" if len(old) > NAMES_MAX else "")
        return _told(look, "paused", sentence, f"Delete them one by one when it suits: {names}.")
    return None


def _stuck(look: Look) -> Progress | None:
    """Say that it does not go on by itself, with the pod that tells why."""
    if look.refused and min(look.counts.total, look.counts.updated) < look.counts.desired:
        said = quoted(look.refused, max_chars=words.MESSAGE_MAX_CHARS).rstrip(".")
        return _told(look, "failed", f"New pods cannot be made: {said}.", words.refused_hint(look))
    broken = stuck(look.members) or (waiting(look.members) if look.late else ())
    if broken:
        return _told(look, "failed", words.blamed(look, broken), words.hint(look, broken[0]))
    if look.late:
        deadline_s = look.known.spec.progress_deadline_seconds
        limit = f" of {deadline_s} s" if deadline_s is not None else ""
        sentence = f"The rollout is stuck: nothing has moved on within its deadline{limit}. {words.ready(look.counts)}"
        return _told(look, "failed", sentence, words.way_back(look))
    if look.ordered and look.counts.updated < look.aim and (left := failing_old(look.members)):
        sentence = f"{words.blamed(look, left)} It is of the old revision, and the StatefulSet waits for it."
        return _told(look, "failed", sentence, f"Delete pod {left[0].name}: it comes back with the new revision.")
    return None


def _going_on(look: Look) -> Progress | None:
    """Ask what `kubectl rollout status` asks; None when it is through."""
    found, status = look.counts, look.known.status
    if found.updated < look.aim and _rolls(look):
        sentence = f"{found.updated} of {look.aim} pods are of the new revision. {words.ready(found)}"
        return _told(look, "running", sentence)
    if ending := _ending(look):
        return _told(look, "running", f"{ending} {words.ready(found)}")
    there = found.ready if look.kind == "StatefulSet" else found.available
    if there < found.desired:
        word = "ready" if look.kind == "StatefulSet" else "available"
        return _told(
            look, "running", f"{there} of {counted(found.desired, 'pod')} {'is' if there == 1 else 'are'} {word}."
        )
    if look.kind == "StatefulSet" and not look.partition and status.update_revision != status.current_revision:
        return _told(look, "running", f"The last pods take over the new revision. {words.ready(found)}")
    return None


def _ending(look: Look) -> str:
    """Say how many pods have yet to end; a DaemonSet's status tells nothing of those."""
    found = look.counts
    old = found.total - found.updated if look.kind == "Deployment" and found.updated <= found.desired else 0
    surplus = found.total - found.desired if look.kind != "DaemonSet" else 0
    if old > 0:
        return f"{counted(old, 'pod')} of the old revision {'has' if old == 1 else 'have'} yet to end."
    return f"{counted(surplus, 'pod')} too many {'has' if surplus == 1 else 'have'} yet to end." if surplus > 0 else ""


def _rolls(look: Look) -> bool:
    return look.kind == "Deployment" or (look.kind in ROLLED and strategy(look.known, look.kind) == DEFAULT)


def _of_job(known: DeployedObject) -> Progress:
    status = known.status
    done = f"{status.succeeded} of {counted(wanted_of_job(known), 'pod')} done"
    if find(status.conditions, "Complete") is not None:
        return Progress(state="done", sentence=f"The Job has done its work: {done}.")
    failed = find(status.conditions, "Failed")
    if failed is not None:
        said = quoted(failed.message or failed.reason).rstrip(".") or "its pods did not succeed"
        hint = "Look at the logs of its pods. A Job that has failed is not tried again: create it anew."
        return Progress(state="failed", sentence=f"The Job has failed: {said}.", hint=hint)
    if known.spec.suspend:
        hint = "Resume it to run its pods."
        return Progress(state="paused", sentence=f"The Job is suspended: {done}.", hint=hint)
    more = f", {status.failed} failed" if status.failed else ""
    return Progress(state="running", sentence=f"The Job runs: {done}{more}.")
