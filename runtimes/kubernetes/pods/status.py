"""The word for a pod's state as kubectl prints it. Pure.

Written from what kubectl's printer does (the STATUS, READY and RESTARTS columns of `kubectl get pods`), because people
compare our page with their terminal. How bad that is says `severity`.
"""

from __future__ import annotations

from msgspec import Struct

from runtimes.kubernetes.objects.held import Condition, HeldContainerStatus, HeldPod, State, Terminated
from runtimes.structs import make_ready

STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons to wait that are no trouble; every other one (ImagePullBackOff, CreateContainerConfigError, …) is."""
TERMINAL = frozenset({"Succeeded", "Failed"})

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


def all_statuses(pod: HeldPod) -> tuple[HeldContainerStatus, ...]:
    """Give the states of init containers, then of the others."""
    return (pod.status.init_container_statuses or ()) + (pod.status.container_statuses or ())


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


make_ready(globals())
