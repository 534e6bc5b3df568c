"""What looks after a container besides the engine, and so would fight a change behind its back. Pure.

Labels are data: they are shown and compared, never run; in a command that a person may copy they are quoted. A unit's
name goes to systemctl only when it is one, see `unit_of`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runtimes.engine.scope import PROJECT_LABELS, SERVICE_LABELS, first_label

UNIT_LABEL = "PODMAN_SYSTEMD_UNIT"
"""What podman-generate-systemd(1) and quadlets write on a container: the unit that started it."""
SWARM_TASK_LABELS = ("com.docker.swarm.task.name", "com.docker.swarm.task.id", "com.docker.swarm.task")
SWARM_SERVICE_LABEL = "com.docker.swarm.service.name"
FOLDER_LABELS = ("com.docker.compose.project.working_dir", "io.podman.compose.project.working_dir")
FILES_LABEL = "com.docker.compose.project.config_files"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
"""`docker compose run` writes True: such a container was started by hand for once and is no replica."""

UNIT = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,246}\.service")
"""The name of a service, by systemd.unit(5); one that began with a dash would be an option."""
USERS_SOCKET = re.compile(r"/run/user/(\d{1,10})/")
"""Where systemd keeps a user's sockets: such an engine's units are the user's own."""

VERBS = ("restart", "stop", "start")
_SWARM = {
    "restart": "docker service update --force {}",
    "stop": "docker service scale {}=0",
    "start": "docker service scale {}=1",
}
_WITHOUT_HOST = (
    "To do it from here, register a connection that leads to the host: one of kind ssh, or `host: local` where "
    "opsmodal runs on it."
)
_RUNS = frozenset({"running", "starting", "unhealthy", "restarting"})
_RESTS = frozenset({"exited", "created"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the way to an engine can do for its managers: `there`, whether programs run on its host.

    `user` is the number of the user whose engine it is, "" for root's.
    """

    there: bool = False
    user: str = ""

    @property
    def systemctl(self) -> tuple[str, ...]:
        """The beginning of a systemctl line on this host."""
        return ("systemctl", "--user") if self.user else ("systemctl",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Why a container is not changed from here, and what would be right."""

    sentence: str
    hint: str


def host_of(socket: str, *, there: bool) -> Host:
    """Say whose engine listens at a socket's path ("" for none)."""
    found = USERS_SOCKET.match(socket)
    return Host(there=there, user=found[1] if found else "")


def managed_by(labels: Mapping[str, str], *, pod: str) -> str:
    """Name the manager in words: the one that would act first when the container ends."""
    if unit := labels.get(UNIT_LABEL):
        return f"systemd unit {unit}"
    if task := first_label(labels, SWARM_TASK_LABELS):
        return f"swarm task {task}"
    if project := first_label(labels, PROJECT_LABELS):
        return f"compose project {project}"
    return f"pod {pod}" if pod else ""


def unit_of(labels: Mapping[str, str]) -> str:
    """Give the systemd unit that looks after a container; "" for none, and for what is no unit's name."""
    unit = labels.get(UNIT_LABEL, "")
    return unit if UNIT.fullmatch(unit) else ""


def locked(labels: Mapping[str, str], *, name: str, host: Host, verb: str = "") -> Lock | None:
    """Say why neither the engine nor its manager is asked from here to change a container; "" is any verb."""
    if unit := labels.get(UNIT_LABEL):
        return _unit_lock(unit, name=name, host=host, verb=verb)
    if task := first_label(labels, SWARM_TASK_LABELS):
        service = shlex.quote(labels.get(SWARM_SERVICE_LABEL, "") or "SERVICE")
        lines = {each: line.format(service) for each, line in _SWARM.items() if verb in ("", each)}
        each_line = "; ".join(f"to {each}: {line}" for each, line in lines.items())
        hint = f"On a swarm manager: {lines[verb]}" if verb else f"On a swarm manager, {each_line}"
        return Lock(
            sentence=f"{name} is the swarm task {task}: swarm decides where and whether it runs, and would replace it.",
            hint=hint,
        )
    return None


def through(labels: Mapping[str, str], *, host: Host) -> str:
    """Give the line by which a manager is asked for a change, with `{verb}` in it; "" where the engine is asked."""
    unit = unit_of(labels)
    return shlex.join([*host.systemctl, "{verb}", unit]).replace("'{verb}'", "{verb}") if unit and host.there else ""


def fitting(word: str, lock: Lock | None) -> tuple[str, ...]:
    """Give the verbs that make sense for a container in a state, by its word; none of one that is locked."""
    if lock is not None:
        return ()
    if word in _RUNS:
        return ("restart", "stop")
    return ("start",) if word in _RESTS else ()


def facts(labels: Mapping[str, str], *, pod: str, program: str, host: Host) -> Iterator[tuple[str, str]]:
    """Say what each manager would do to the container, as (name, sentence) pairs; `program` is docker or podman."""
    if unit := labels.get(UNIT_LABEL):
        yield "Systemd unit", _unit_fact(unit, host)
    if task := first_label(labels, SWARM_TASK_LABELS):
        service = labels.get(SWARM_SERVICE_LABEL, "")
        yield "Swarm task", f"{task} of the service {service}: read only here" if service else f"{task}: read only here"
    yield from _compose(labels, program)
    if pod:
        yield "Pod", f"{pod}: shares its network with the others in it; podman pod restart {shlex.quote(pod)} takes all"


def _unit_lock(unit: str, *, name: str, host: Host, verb: str) -> Lock | None:
    belongs = f"{name} belongs to the systemd unit {unit}"
    others = "" if verb else ", and stop or start alike"
    by_hand = f"On the host: {shlex.join([*host.systemctl, verb or 'restart', unit])}"
    if not UNIT.fullmatch(unit):
        return Lock(
            sentence=f"The label {UNIT_LABEL} of {name} says {unit[:100]!r}, which is no name of a systemd service.",
            hint=f"{by_hand}, or make the container anew with a label that is right.",
        )
    if not host.there:
        return Lock(
            sentence=f"{belongs}, and this connection runs nothing on the host: systemd would take what the engine "
            "does for a failure.",
            hint=f"{by_hand}{'' if host.user else ' (with --user for a rootless engine)'}{others}. {_WITHOUT_HOST}",
        )
    return None


def _unit_fact(unit: str, host: Host) -> str:
    line = shlex.join([*host.systemctl, unit])
    return f"{unit}: changes go through {line.replace(unit, '', 1).strip()} on the host" if host.there else unit


def _compose(labels: Mapping[str, str], program: str) -> Iterator[tuple[str, str]]:
    project = first_label(labels, PROJECT_LABELS)
    if not project:
        return
    yield "Compose project", project
    yield "Compose service", first_label(labels, SERVICE_LABELS)
    yield "Compose folder", first_label(labels, FOLDER_LABELS)
    yield "Compose files", labels.get(FILES_LABEL, "")
    up = f"{'podman-compose' if program == 'podman' else 'docker compose'} up"
    if labels.get(ONE_OFF_LABEL, "").lower() == "true":
        yield f"What {up} does", "leaves it alone: it was started for once"
    else:
        yield f"What {up} does", "starts it when it is stopped, and makes it anew when its settings in the files differ"
