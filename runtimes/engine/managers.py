"""What looks after a container besides the engine, and so would fight a change behind its back. Pure.

Labels are data: they are shown and compared, never run; in a command that a person may copy they are quoted.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from runtimes.engine.scope import PROJECT_LABELS, first_label
from runtimes.errors import Conflict

UNIT_LABEL = "PODMAN_SYSTEMD_UNIT"
"""What podman-generate-systemd(1) and quadlets write on a container: the unit that started it."""
SWARM_TASK_LABEL = "com.docker.swarm.task.name"
SWARM_SERVICE_LABEL = "com.docker.swarm.service.name"


def managed_by(labels: Mapping[str, str], *, pod: str) -> str:
    """Name the manager in words: the one that would act first when the container ends."""
    if unit := labels.get(UNIT_LABEL):
        return f"systemd unit {unit}"
    if task := labels.get(SWARM_TASK_LABEL):
        return f"swarm task {task}"
    if project := first_label(labels, PROJECT_LABELS):
        return f"compose project {project}"
    return f"pod {pod}" if pod else ""


def check_restart(labels: Mapping[str, str], *, name: str) -> None:
    """Raise Conflict, with what to do instead, when a restart by the engine would fight the container's manager."""
    if unit := labels.get(UNIT_LABEL):
        raise Conflict(
            f"{name} belongs to the systemd unit {unit}: systemd would take a restart by the engine for a failure.",
            hint=f"Restart it on the host: systemctl restart {shlex.quote(unit)} (with --user for a rootless engine). "
            "Restarting a unit from this page comes in a later release.",
        )
    if task := labels.get(SWARM_TASK_LABEL):
        service = labels.get(SWARM_SERVICE_LABEL, "")
        raise Conflict(
            f"{name} is the swarm task {task}: swarm would replace it instead of restarting it.",
            hint=f"Restart the service on a swarm manager: docker service update --force {shlex.quote(service)}",
        )
