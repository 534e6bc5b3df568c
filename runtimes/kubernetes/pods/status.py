"""The word for a pod's state as kubectl prints it, and one severity for it. Pure.

Written from what kubectl's printer does (the STATUS, READY and RESTARTS columns of `kubectl get pods`), because people
compare our page with their terminal. The severity follows the product's own table: what runs but is not ready, or
restarts again and again, is never "ok".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from runtimes.base import RESTART_LOOP_COUNT, RESTART_LOOP_WINDOW, Severity
from runtimes.kubernetes.objects.held import Condition, HeldContainerStatus, HeldPod, State, Terminated
from runtimes.structs import make_ready

NOT_READY_GRACE = timedelta(minutes=5)
"""How long a running pod may be not ready before that is an error."""

STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons to wait that are no trouble; every other one (ImagePullBackOff, CreateContainerConfigError, …) is."""
TERMINAL = frozenset({"Succeeded", "Failed"})

MOMENT = timedelta(milliseconds=1)
"""So much later than a limit it is passed."""

_NONE: frozenset[str] = frozenset()


class Printed(Struct, frozen=True, kw_only=True, gc=False):
    """What `kubectl get pods` prints of a pod."""

    word: str
    ready_containers: int
    total_containers: int
    restarts: int


def printed(pod: HeldPod) -> Printed:
    """Give the STATUS, READY and RESTARTS columns of a pod."""
    init = _initialising(pod)
    word, ready, restarts = init.word or _phase_word(pod), init.ready, init.restarts
    if not init.word or condition_is(pod, "Initialized"):
        main = _running(pod, word)
        word, ready, restarts = main.word, ready + main.ready, init.sidecar_restarts + main.restarts
    total = len(pod.spec.containers) + len(sidecars(pod))
    return Printed(word=_leaving(pod, word), ready_containers=ready, total_containers=total, restarts=restarts)


class _Part(Struct, frozen=True, kw_only=True, gc=False):
    word: str = ""
    ready: int = 0
    restarts: int = 0
    sidecar_restarts: int = 0


def sidecars(pod: HeldPod) -> frozenset[str]:
    """Name the init containers that keep running beside the others (restartPolicy Always)."""
    if not pod.spec.init_containers:
        return _NONE
    return frozenset(spec.name for spec in pod.spec.init_containers if spec.restart_policy == "Always")


def condition(pod: HeldPod, kind: str) -> Condition | None:
    """Give a condition of the pod by its type."""
    for known in pod.status.conditions or ():
        if known.type == kind:
            return known
    return None


def condition_is(pod: HeldPod, kind: str) -> bool:
    """Say whether a condition is True."""
    found = condition(pod, kind)
    return found is not None and found.status == "True"


def _phase_word(pod: HeldPod) -> str:
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        return "SchedulingGated"
    return pod.status.reason or pod.status.phase


def _initialising(pod: HeldPod) -> _Part:
    """Look at init containers in order, up to the first that holds the pod back: its word is "Init:…"."""
    if not pod.status.init_container_statuses:
        return _Part()
    beside, ready, restarts, sidecar_restarts = sidecars(pod), 0, 0, 0
    for index, status in enumerate(pod.status.init_container_statuses):
        restarts += status.restart_count
        sidecar_restarts += status.restart_count if status.name in beside else 0
        ended = status.state.terminated
        if ended is not None and ended.exit_code == 0:
            continue
        if status.name in beside and status.started:
            ready += status.ready
            continue
        word = _init_word(status.state, index, len(pod.spec.init_containers or ()))
        return _Part(word=word, ready=ready, restarts=restarts, sidecar_restarts=sidecar_restarts)
    return _Part(ready=ready, restarts=restarts, sidecar_restarts=sidecar_restarts)


def _init_word(state: State, index: int, count: int) -> str:
    if state.terminated is not None:
        return f"Init:{_ended_word(state.terminated)}"
    if state.waiting is not None and state.waiting.reason not in {"", "PodInitializing"}:
        return f"Init:{state.waiting.reason}"
    return f"Init:{index}/{count}"


def _ended_word(ended: Terminated) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"


def _running(pod: HeldPod, word: str) -> _Part:
    """Look at the containers from last to first: the first of them that is in trouble has the word."""
    ready, restarts = 0, 0
    for status in reversed(pod.status.container_statuses or ()):
        restarts += status.restart_count
        if status.state.waiting is not None and status.state.waiting.reason:
            word = status.state.waiting.reason
        elif status.state.terminated is not None:
            word = _ended_word(status.state.terminated)
        elif status.ready and status.state.running is not None:
            ready += 1
    if word == "Completed" and ready:
        word = "Running" if condition_is(pod, "Ready") else "NotReady"
    return _Part(word=word, ready=ready, restarts=restarts)


def _leaving(pod: HeldPod, word: str) -> str:
    if pod.metadata.deletion_timestamp is None:
        return word
    if pod.status.reason == "NodeLost":
        return "Unknown"
    return word if pod.status.phase in TERMINAL else "Terminating"


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


def all_statuses(pod: HeldPod) -> tuple[HeldContainerStatus, ...]:
    """Give the states of init containers, then of the others."""
    return (pod.status.init_container_statuses or ()) + (pod.status.container_statuses or ())


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
