"""The printed row of a pod: the STATUS word that people know, readiness and restarts.

Source: k8s.io/kubernetes pkg/printers/internalversion/printers.go, printPod.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opsmodal.demo.clock import parsed
from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.tables.ages import duration
from opsmodal.demo.tables.columns import NONE, age, layout, name


def _is_sidecar(container: Obj) -> bool:
    return container.get("restartPolicy") == "Always"


def _ended(terminated: Obj, prefix: str = "") -> str:
    if terminated.get("reason"):
        return prefix + str(terminated["reason"])
    if terminated.get("signal"):
        return f"{prefix}Signal:{terminated['signal']}"
    return f"{prefix}ExitCode:{terminated['exitCode']}"


def _init_word(pod: Obj) -> str:
    """Give the word of the first init container that is not done, "" when all are."""
    containers = dig(pod, "spec", "initContainers") or []
    specs = {container["name"]: container for container in containers}
    for place, status in enumerate(dig(pod, "status", "initContainerStatuses") or ()):
        terminated, waiting = dig(status, "state", "terminated"), dig(status, "state", "waiting")
        if terminated and terminated["exitCode"] == 0:
            continue
        if _is_sidecar(specs.get(status["name"], {})) and status.get("started"):
            continue
        if terminated:
            return _ended(terminated, "Init:")
        if waiting and waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{place}/{len(containers)}"
    return ""


def _container_word(pod: Obj, word: str) -> str:
    running = False
    for status in reversed(dig(pod, "status", "containerStatuses") or ()):
        waiting, terminated = dig(status, "state", "waiting"), dig(status, "state", "terminated")
        if waiting and waiting.get("reason"):
            word = waiting["reason"]
        elif terminated:
            word = _ended(terminated)
        elif status.get("ready") and dig(status, "state", "running") is not None:
            running = True
    if word == "Completed" and running:
        ready = {item["type"]: item["status"] for item in dig(pod, "status", "conditions") or ()}.get("Ready")
        return "Running" if ready == "True" else "NotReady"
    return word


def status_word(pod: Obj) -> str:
    """Give the word that `kubectl get pods` shows under STATUS."""
    word = str(dig(pod, "status", "reason") or dig(pod, "status", "phase") or "Unknown")
    for condition in dig(pod, "status", "conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            word = "SchedulingGated"
    init = _init_word(pod)
    word = init or _container_word(pod, word)
    if dig(pod, "metadata", "deletionTimestamp"):
        return "Unknown" if dig(pod, "status", "reason") == "NodeLost" else "Terminating"
    return word


def _restarts(pod: Obj, now: datetime) -> str:
    statuses = dig(pod, "status", "containerStatuses") or []
    if _init_word(pod):
        statuses = dig(pod, "status", "initContainerStatuses") or []
    count = sum(status.get("restartCount", 0) for status in statuses)
    ends = [dig(status, "lastState", "terminated", "finishedAt") for status in statuses]
    last = max((parsed(end) for end in ends if end), default=None)
    if count and last:
        return f"{count} ({duration((now - last).total_seconds())} ago)"
    return str(count)


def _gates(pod: Obj) -> str:
    gates = dig(pod, "spec", "readinessGates") or []
    if not gates:
        return NONE
    states = {item["type"]: item["status"] for item in dig(pod, "status", "conditions") or ()}
    return f"{sum(states.get(gate['conditionType']) == 'True' for gate in gates)}/{len(gates)}"


def cells(pod: Obj, now: datetime) -> list[Any]:
    """Give the row of a pod."""
    statuses = dig(pod, "status", "containerStatuses") or []
    sidecars = [c["name"] for c in dig(pod, "spec", "initContainers") or () if _is_sidecar(c)]
    total = len(dig(pod, "spec", "containers") or ()) + len(sidecars)
    ready = sum(bool(status.get("ready")) and "running" in status.get("state", {}) for status in statuses)
    ready += sum(s["name"] in sidecars and s["ready"] for s in dig(pod, "status", "initContainerStatuses") or ())
    return [
        name(pod),
        f"{ready}/{total}",
        status_word(pod),
        _restarts(pod, now),
        age(pod, now),
        dig(pod, "status", "podIP") or NONE,
        dig(pod, "spec", "nodeName") or NONE,
        dig(pod, "status", "nominatedNodeName") or NONE,
        _gates(pod),
    ]


LAYOUT = layout("Name|Ready|Status|Restarts|Age", "IP|Node|Nominated Node|Readiness Gates", cells)
