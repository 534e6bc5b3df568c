"""What the Commands tab shows before anything runs: limits, commands that many people need, runbooks, what ran before.

Values, and the one pure function that fills the common commands with names the page knows already. Nothing here asks a
runtime, judges a line or runs one: what it offers is typed into the line for somebody, and judged when they run it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsmodal.answers import InstanceRow
from opsmodal.listing import Page
from runtimes.base import Severity

COMMON_MAX = 12
"""Lines offered: a list that is read at a glance."""
INNER_LINES = (
    ("ps aux", "processes"),
    ("free -m", "memory"),
    ("df -h", "disks"),
    ("netstat -tlnp", "what listens"),
)
HOST_LINES = (*INNER_LINES, ("uptime", "load"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLimits:
    """How long a command may run and how much it may write. `reading_s` is for one-shots of logs and events."""

    oneshot_s: int
    reading_s: int
    streaming_s: int
    streaming_bytes: int
    streams: int
    """Streaming commands that a person may have going on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonCommand:
    """A line to take over, and what it is for in a few words. `mode` is the one it is meant for."""

    line: str
    about: str
    mode: str = "oneshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookParameter:
    """One value that a runbook asks for; the whole value must match `pattern`."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookAnswer:
    """A registered command with its parameters. `argv` holds literal words and `{name}` words."""

    name: str
    argv: tuple[str, ...]
    parameters: tuple[RunbookParameter, ...] = ()
    approved: bool = False
    """It asks for no confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RanCommand:
    """A line that somebody ran, or was refused. `state` is running, refused, failed, or the reason of its end.

    `command` is masked; `sentence` says how it ended; `kept`: its output can be read again.
    """

    id: str
    at: datetime
    command: str
    mode: str
    container: str = ""
    verdict: str = ""
    rule: str = ""
    state: str = ""
    sentence: str = ""
    exit_code: int | None = None
    duration_ms: int | None = None
    bytes: int = 0
    kept: bool = False
    audit_id: int | None = None
    """Its row in the audit log, for who may read that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsAnswer:
    """The Commands tab. `hosts`: lines without a container run on the host; `missing`: what has to be installed."""

    program: str
    kind: str
    namespace: str
    containers: tuple[str, ...]
    hosts: bool
    missing: str
    limits: CommandLimits
    common: tuple[CommonCommand, ...]
    runbooks: tuple[RunbookAnswer, ...]
    running: tuple[RanCommand, ...]
    history: Page[RanCommand]


def common_commands(
    kind: str, *, instances: Iterable[InstanceRow], container: str = "", hosts: bool = False, logs: bool = True
) -> tuple[CommonCommand, ...]:
    """Give the lines that many people need here, the instances that are worst first; `logs`: this person may read them.

    `container` is the chosen one: what is typed then runs in it and has no program before it. `hosts`: without one,
    a line may run on the host.
    """
    worst = sorted(instances, key=lambda row: (_rank(row), -row.restarts, row.name))
    if kind == "kubernetes":
        found = _of_kubectl(worst, logs=logs)
    elif container:
        found = [*_listed(INNER_LINES), CommonCommand(line="cat /etc/os-release", about="which system")]
    else:
        found = [*_of_engine(kind, worst, logs=logs), *(_listed(HOST_LINES) if hosts else ())]
    return tuple(found[:COMMON_MAX])


def _of_kubectl(worst: Sequence[InstanceRow], *, logs: bool) -> list[CommonCommand]:
    found = [
        CommonCommand(line="kubectl get pods -o wide", about="pods and their nodes"),
        CommonCommand(line="kubectl get events --sort-by=.lastTimestamp", about="what happened, newest last"),
    ]
    for row in worst[:1]:
        found.append(CommonCommand(line=f"kubectl describe pod {row.name}", about="everything about one pod"))
        found += _logs_of_pod(row) if logs else []
    well = next((row for row in worst if row.severity is Severity.OK), None)
    if well is not None:
        found += [
            CommonCommand(line=f"kubectl exec {well.name} -- {line}", about=f"{about} in a pod")
            for line, about in INNER_LINES
        ]
    found.append(CommonCommand(line="kubectl top pods", about="CPU and memory in use"))
    found.append(CommonCommand(line="kubectl get deployments,statefulsets,jobs", about="workloads"))
    return found


def _logs_of_pod(row: InstanceRow) -> list[CommonCommand]:
    many = " --all-containers" if row.container_count > 1 else ""
    found = [CommonCommand(line=f"kubectl logs {row.name}{many} --tail=100", about="its last lines")]
    if row.restarts:
        line = f"kubectl logs {row.name}{many} --previous --tail=100"
        found.append(CommonCommand(line=line, about="its last lines before the restart"))
    line = f"kubectl logs -f {row.name}{many} --tail=20"
    return [*found, CommonCommand(line=line, about="its lines as they come", mode="streaming")]


def _of_engine(program: str, worst: Sequence[InstanceRow], *, logs: bool) -> list[CommonCommand]:
    found = [
        CommonCommand(line=f"{program} ps -a", about="the containers of this service"),
        CommonCommand(line=f"{program} stats --no-stream", about="CPU and memory in use"),
    ]
    for row in worst[:1]:
        found.append(CommonCommand(line=f"{program} inspect {row.name}", about="everything about one container"))
        if logs:
            found.append(CommonCommand(line=f"{program} logs --tail 100 {row.name}", about="its last lines"))
            line = f"{program} logs -f --tail 20 {row.name}"
            found.append(CommonCommand(line=line, about="its lines as they come", mode="streaming"))
    well = next((row for row in worst if row.severity is Severity.OK), None)
    if well is not None:
        found.append(CommonCommand(line=f"{program} top {well.name}", about="processes in a container"))
    return found


def _listed(lines: Iterable[tuple[str, str]]) -> list[CommonCommand]:
    return [CommonCommand(line=line, about=about) for line, about in lines]


def _rank(row: InstanceRow) -> int:
    order = (Severity.ERROR, Severity.PROGRESS, Severity.OK, Severity.NEUTRAL)
    return order.index(row.severity)
