"""The lines that many people need, filled with names the page knows already. Pure.

What is offered is typed into the line for somebody and judged when they run it: nothing here asks a runtime, judges a
line or runs one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opsmodal.answers import InstanceRow
from opsmodal.guard.world import Mode
from opsmodal.operations.command_answers import Offered
from runtimes.base import Severity

OFFERED_MAX = 16
"""A list that is read at a glance."""
INNER_LINES = (
    ("ps aux", "processes"),
    ("free -m", "memory"),
    ("df -h", "disks"),
    ("netstat -tlnp", "what listens"),
)
HOST_LINES = (*INNER_LINES, ("uptime", "load"))
ORDER = (Severity.ERROR, Severity.PROGRESS, Severity.OK, Severity.NEUTRAL)


def offered(
    kind: str, *, instances: Iterable[InstanceRow], container: str = "", hosts: bool = False, logs: bool = True
) -> tuple[Offered, ...]:
    """Give lines to take over, about the instances that are worst off first. `logs`: this person may read them.

    `container` is the chosen one: what is typed then runs in it and has no program before it. `hosts`: without one,
    a line may run on the host.
    """
    worst = sorted(instances, key=lambda row: (ORDER.index(row.severity), -row.restarts, row.name))
    if kind == "kubernetes":
        found = _of_kubectl(worst, logs=logs)
    elif container:
        found = [*_listed(INNER_LINES), Offered(command="cat /etc/os-release", label="which system")]
    else:
        found = [*_of_engine(kind, worst, logs=logs), *(_listed(HOST_LINES, on=" on the host") if hosts else ())]
    return tuple(found[:OFFERED_MAX])


def _of_kubectl(worst: Sequence[InstanceRow], *, logs: bool) -> list[Offered]:
    found = [
        Offered(command="kubectl get pods -o wide", label="pods and their nodes"),
        Offered(command="kubectl get events --sort-by=.lastTimestamp", label="what happened, newest last"),
    ]
    for row in worst[:1]:
        found.append(Offered(command=f"kubectl describe pod {row.name}", label="everything about one pod"))
        found += _logs_of_pod(row) if logs else []
    well = next((row for row in worst if row.severity is Severity.OK), None)
    if well is not None:
        found += [
            Offered(command=f"kubectl exec {well.name} -- {line}", label=f"{label} in a pod")
            for line, label in INNER_LINES
        ]
    found.append(Offered(command="kubectl top pods", label="CPU and memory in use"))
    found.append(Offered(command="kubectl get deployments,statefulsets,jobs", label="workloads"))
    return found


def _logs_of_pod(row: InstanceRow) -> list[Offered]:
    many = " --all-containers" if row.container_count > 1 else ""
    found = [Offered(command=f"kubectl logs {row.name}{many} --tail=100", label="its last lines")]
    if row.restarts:
        line = f"kubectl logs {row.name}{many} --previous --tail=100"
        found.append(Offered(command=line, label="its last lines before the restart"))
    line = f"kubectl logs -f {row.name}{many} --tail=20"
    return [*found, Offered(command=line, label="its lines as they come", mode=Mode.STREAMING)]


def _of_engine(program: str, worst: Sequence[InstanceRow], *, logs: bool) -> list[Offered]:
    found = [
        Offered(command=f"{program} ps -a", label="the containers of this service"),
        Offered(command=f"{program} stats --no-stream", label="CPU and memory in use"),
    ]
    for row in worst[:1]:
        found.append(Offered(command=f"{program} inspect {row.name}", label="everything about one container"))
        if logs:
            found.append(Offered(command=f"{program} logs --tail 100 {row.name}", label="its last lines"))
            line = f"{program} logs -f --tail 20 {row.name}"
            found.append(Offered(command=line, label="its lines as they come", mode=Mode.STREAMING))
    well = next((row for row in worst if row.severity is Severity.OK), None)
    if well is not None:
        found += [
            Offered(command=f"{program} exec {well.name} {line}", label=f"{label} in a container")
            for line, label in INNER_LINES
        ]
    return found


def _listed(lines: Iterable[tuple[str, str]], *, on: str = "") -> list[Offered]:
    return [Offered(command=line, label=f"{label}{on}") for line, label in lines]
