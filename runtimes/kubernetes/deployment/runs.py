"""Says how the runs of a CronJob and the pods of a Job ended, newest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from runtimes.causes.words import counted, quoted
from runtimes.deployment import Run
from runtimes.kubernetes.deployment.conditions import find
from runtimes.kubernetes.deployment.rollouts.counts import wanted_of_job
from runtimes.kubernetes.objects.held import HeldPod, Terminated
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.pods.severity import judged
from runtimes.kubernetes.pods.status import all_statuses, printed

RUNS_MAX = 20
"""A CronJob keeps 3 good runs and 1 failed one unless it is told otherwise; a Job may have thousands of pods."""
State = Literal["running", "done", "failed", "waiting"]
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def of_jobs(uid: str, jobs: Iterable[DeployedObject]) -> tuple[Run, ...]:
    """Give the runs of the CronJob with this uid out of all `jobs`."""
    mine = [each for each in jobs if (owner := each.metadata.controller) is not None and owner.uid == uid]
    return _newest([_of_job(each) for each in mine])


def of_pods(pods: Iterable[HeldPod], *, now: datetime) -> tuple[Run, ...]:
    """Give the pods of a Job."""
    return _newest([_of_pod(each, now) for each in pods])


def _newest(runs: list[Run]) -> tuple[Run, ...]:
    runs.sort(key=lambda run: (run.began_at or _LONG_AGO, run.name), reverse=True)
    return tuple(runs[:RUNS_MAX])


def _of_job(known: DeployedObject) -> Run:
    status = known.status
    done, failed = find(status.conditions, "Complete"), find(status.conditions, "Failed")
    state: State = "running"
    if done is not None or failed is not None:
        state = "failed" if failed is not None else "done"
    elif known.spec.suspend or not status.active:
        state = "waiting"
    return Run(
        name=known.metadata.name,
        state=state,
        began_at=status.start_time or known.metadata.creation_timestamp,
        ended_at=status.completion_time or (failed.last_transition_time if failed is not None else None),
        detail=_job_words(known, state, failed.message if failed is not None else ""),
    )


def _job_words(known: DeployedObject, state: State, message: str) -> str:
    if state == "failed":
        return f"{quoted(message).rstrip('.') or 'It has failed'}."
    if state == "waiting":
        return "It is suspended." if known.spec.suspend else "None of its pods has been made yet."
    failures = f", {known.status.failed} failed" if known.status.failed else ""
    return f"{known.status.succeeded} of {counted(wanted_of_job(known), 'pod')} done{failures}."


def _of_pod(pod: HeldPod, now: datetime) -> Run:
    word = printed(pod).word
    states: dict[str, State] = {"Succeeded": "done", "Failed": "failed", "Running": "running"}
    ends = [each.state.terminated for each in all_statuses(pod) if each.state.terminated is not None]
    over = pod.status.phase in {"Succeeded", "Failed"}
    return Run(
        name=pod.metadata.name,
        state=states.get(pod.status.phase, "waiting"),
        began_at=pod.status.start_time or pod.metadata.creation_timestamp,
        ended_at=_last(ends) if over else None,
        detail=_pod_words(word, judged(pod, word, now=now).reason),
    )


def _last(ends: list[Terminated]) -> datetime | None:
    return max((each.finished_at for each in ends if each.finished_at is not None), default=None)


def _pod_words(word: str, reason: str) -> str:
    return f"{word}: {quoted(reason).rstrip('.')}." if reason else f"{word}."
