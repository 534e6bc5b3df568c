"""One severity for a pod's state, with a few words on it, and when time alone may change that. Pure.

It follows the product's own table: what runs but is not ready, or restarts again and again, is never "ok".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from runtimes.base import RESTART_LOOP_COUNT, RESTART_LOOP_WINDOW, Severity
from runtimes.kubernetes.objects.held import HeldPod, Terminated
from runtimes.kubernetes.pods.status import STARTING, all_statuses, condition, condition_is
from runtimes.structs import make_ready

NOT_READY_GRACE = timedelta(minutes=5)
"""How long a running pod may be not ready before that is an error."""

MOMENT = timedelta(milliseconds=1)
"""So much later than a limit it is passed."""


class Judged(Struct, frozen=True, kw_only=True, gc=False):
    """A severity, and a few words on why it is not ok."""

    severity: Severity
    reason: str = ""


_NEUTRAL, _OK = Judged(severity=Severity.NEUTRAL), Judged(severity=Severity.OK)


def judged(pod: HeldPod, word: str, *, now: datetime, recent_restarts: int = 0) -> Judged:
    """Judge a pod whose printed word is `word`. `recent_restarts` were seen within RESTART_LOOP_WINDOW."""
    if known := _over(pod, word, now):
        return known
    if trouble := _trouble(pod):
        return Judged(severity=Severity.ERROR, reason=trouble)
    restarts = max(recent_restarts, proven_restarts(pod, now))
    if restarts >= RESTART_LOOP_COUNT:
        minutes = RESTART_LOOP_WINDOW.total_seconds() / 60
        return Judged(severity=Severity.ERROR, reason=f"restarted {restarts} times within {minutes:.0f} minutes")
    if pod.status.phase == "Pending":
        return Judged(severity=Severity.PROGRESS, reason=_pending_words(pod))
    return _running_judged(pod, now) if pod.status.phase == "Running" else _NEUTRAL


def _over(pod: HeldPod, word: str, now: datetime) -> Judged | None:
    """Judge a pod that is on its way out or has ended."""
    if pod.metadata.deletion_timestamp is not None or word == "Unknown":
        return Judged(severity=Severity.NEUTRAL, reason=_deleting(pod, now))
    if pod.status.phase == "Succeeded":
        return _NEUTRAL
    if pod.status.phase == "Failed":
        return Judged(severity=Severity.ERROR, reason=pod.status.message or _exit_words(pod))
    return None


def proven_restarts(pod: HeldPod, now: datetime) -> int:
    """Count the restarts of one container that this one look at the pod proves to lie within RESTART_LOOP_WINDOW."""
    began = [status for status in all_statuses(pod) if status.restart_count or status.last_state.terminated is not None]
    if not began:
        return 0
    started = pod.status.start_time or pod.metadata.creation_timestamp
    if started is not None and now - started <= RESTART_LOOP_WINDOW:
        return max(status.restart_count for status in began)
    ends = (status.last_state.terminated for status in began)
    return int(any(end and end.finished_at and now - end.finished_at <= RESTART_LOOP_WINDOW for end in ends))


def turns_at(pod: HeldPod, now: datetime) -> datetime | None:
    """Say when time alone may next change what `judged` says of a pod; None for never."""
    return min((moment + MOMENT for moment in _moments(pod) if moment >= now), default=None)


def _moments(pod: HeldPod) -> Iterator[datetime]:
    if pod.metadata.deletion_timestamp is not None:
        yield pod.metadata.deletion_timestamp
    for status in all_statuses(pod):
        if status.restart_count and (started := pod.status.start_time or pod.metadata.creation_timestamp):
            yield started + RESTART_LOOP_WINDOW
        if (ended := status.last_state.terminated) and ended.finished_at:
            yield ended.finished_at + RESTART_LOOP_WINDOW
    if pod.status.phase == "Running" and not condition_is(pod, "Ready") and (since := unready_since(pod)):
        yield since + NOT_READY_GRACE


def unready_since(pod: HeldPod) -> datetime | None:
    """Say since when a running pod has not been ready: since it lost that, or since it started without it."""
    ready = condition(pod, "Ready")
    lost = ready.last_transition_time if ready is not None else None
    statuses = pod.status.container_statuses or ()
    starts = [s.state.running.started_at for s in statuses if s.state.running and s.state.running.started_at]
    restarted = any(status.restart_count for status in statuses)
    # Ready is False from the pod's first second, also while an image takes ten minutes to be pulled: that time is
    # not counted. After a restart the start tells nothing: a failing probe restarts the container for ever.
    if starts and lost is not None and not restarted:
        return max(lost, min(starts))
    return lost or (min(starts) if starts else pod.status.start_time)


def _running_judged(pod: HeldPod, now: datetime) -> Judged:
    if condition_is(pod, "Ready") or _only_waits_for_the_rest(pod):
        return _OK
    names = [s.name for s in pod.status.container_statuses or () if s.state.running is not None and not s.ready]
    reason = f"not ready: {', '.join(names)}" if names else _condition_words(pod, "Ready")
    since = unready_since(pod)
    late = since is not None and now - since > NOT_READY_GRACE
    return Judged(severity=Severity.ERROR if late else Severity.PROGRESS, reason=reason)


def _only_waits_for_the_rest(pod: HeldPod) -> bool:
    """Say whether the pod is not ready only because some containers ended well and are not meant to come back."""
    if pod.spec.restart_policy == "Always":
        return False
    running = [s for s in pod.status.container_statuses or () if s.state.running is not None]
    ended = [s.state.terminated for s in pod.status.container_statuses or () if s.state.terminated is not None]
    well = all(end.exit_code == 0 for end in ended)
    return bool(running) and bool(ended) and well and all(status.ready for status in running)


def _trouble(pod: HeldPod) -> str:
    """Name the first container that waits for a bad reason or ended badly, in a few words."""
    for status in all_statuses(pod):
        waiting, ended = status.state.waiting, status.state.terminated
        if waiting is not None and waiting.reason not in STARTING:
            return waiting.message or f"{status.name}: {waiting.reason}"
        if ended is not None and (ended.exit_code != 0 or ended.signal or ended.reason not in {"", "Completed"}):
            return _exit_phrase(status.name, ended)
    return ""


def _exit_phrase(name: str, ended: Terminated) -> str:
    if ended.reason in {"", "Error", "Completed"}:
        return f"{name} ended with exit code {ended.exit_code}"
    return f"{name}: {ended.reason}, exit code {ended.exit_code}"


def _exit_words(pod: HeldPod) -> str:
    bad = [s for s in all_statuses(pod) if s.state.terminated is not None and s.state.terminated.exit_code != 0]
    return _exit_phrase(bad[0].name, bad[0].state.terminated) if bad and bad[0].state.terminated else ""


def _pending_words(pod: HeldPod) -> str:
    if gates := [gate.name for gate in pod.spec.scheduling_gates or ()]:
        return f"held back by {', '.join(gates)}"
    return _condition_words(pod, "PodScheduled") or pod.status.message


def _condition_words(pod: HeldPod, kind: str) -> str:
    found = condition(pod, kind)
    return (found.message or found.reason) if found is not None and found.status != "True" else ""


def _deleting(pod: HeldPod, now: datetime) -> str:
    since = pod.metadata.deletion_timestamp
    if since is None or now <= since:
        return ""
    held = f", held by {', '.join(pod.metadata.finalizers)}" if pod.metadata.finalizers else ""
    return f"should have been gone since {since:%Y-%m-%d %H:%M} UTC{held}"


make_ready(globals())
