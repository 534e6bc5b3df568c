"""Lines that read a pod's output, and lines that run something inside one."""

from __future__ import annotations

from dataclasses import replace

from opsmodal.guard.kubectl.kinds import WITH_PODS, kind_of
from opsmodal.guard.kubectl.objects import Object, name_of, one_object
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.kubectl.saying import LOGS, Line, viewed
from opsmodal.guard.verdict import Verdict

_HAVE_PODS = WITH_PODS | {"pods", "jobs", "services", "cronjobs"}


def logs(line: Line) -> Verdict:
    """Judge logs: a pod or `TYPE/NAME`, with a container behind it if any, or a selector."""
    if not line.words and not line.has("selector"):
        raise Refused("kubectl-arguments", "No pod is named.", "Type kubectl logs POD, or -l SELECTOR.")
    if len(line.words) > 2:
        raise Refused("kubectl-arguments", "logs reads one pod, and one container of it.")
    found = (of_pods(line.words[0], line),) if line.words else (Object(kind_of("pods", line.world)),)
    for container in line.words[1:]:
        name_of(container)
    return replace(
        viewed(line, found, long=True), rule="kubectl-logs", reason="This reads logs of the own namespace.", needs=LOGS
    )


def execute(line: Line) -> Verdict:
    """Judge exec: exactly one pod in front of `--`, a command behind it."""
    read = line.read
    if read.dashes is None:
        raise Refused("kubectl-dashes", "Nothing parts the pod from the command.")
    if len(read.positionals) != 1 or not read.behind:
        raise Refused("kubectl-dashes", "exec wants one pod in front of -- and a command behind it.")
    found = of_pods(read.positionals[0].text, line)
    return replace(
        viewed(line, (found,)),
        rule="kubectl-exec",
        reason="This runs in a pod of the own namespace.",
        changes=True,
        pod=found.name if found.sort.plural == "pods" else found.key,
        pod_container=read.last("container") or "",
    )


def of_pods(word: str, line: Line) -> Object:
    """Resolve a pod, or something that has pods. Raise Refused."""
    if "/" not in word:
        return Object(kind_of("pods", line.world), name_of(word))
    found = one_object(word, line.world)
    if found.sort.custom or found.sort.plural not in _HAVE_PODS:
        raise Refused("kubectl-kind-here", f"{found.sort.plural} have no pods.", "Name a pod, or deployment/NAME.")
    return found
