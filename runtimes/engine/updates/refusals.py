"""What cannot be replaced without harm, in a sentence each. Pure.

A container that systemd or swarm looks after is theirs. One that others hang on (by its network, its volumes, a legacy
link) would leave them hanging on the one that is put aside.
"""

from __future__ import annotations

from collections.abc import Sequence

from runtimes.engine.aside import KEPT
from runtimes.engine.managers import SWARM_SERVICE_LABEL, SWARM_TASK_LABELS, UNIT_LABEL
from runtimes.engine.scope import first_label
from runtimes.engine.updates.following import is_named, uses
from runtimes.engine.updates.podman import unshown
from runtimes.engine.updates.raw import Raw, id_of, items, labels_of, name_of, part
from runtimes.errors import Conflict

BUSY = ("paused", "removing", "dead")


def check(container: Raw, *, others: Sequence[Raw]) -> None:
    """Raise Conflict, with what to do instead, where replacing a container would lose something.

    `others` are all containers of the engine.
    """
    name, labels = name_of(container), labels_of(container)
    host = part(container, "HostConfig")
    if unit := labels.get(UNIT_LABEL):
        raise Conflict(
            f"{name} belongs to the systemd unit {unit}, which makes it again by itself.",
            hint="Change the image in that unit on the host, and restart the unit.",
        )
    if task := first_label(labels, SWARM_TASK_LABELS):
        raise Conflict(
            f"{name} is the swarm task {task}: swarm replaces it by itself.",
            hint=f"Update its service on a swarm manager: {labels.get(SWARM_SERVICE_LABEL, 'docker service update')}.",
        )
    if pod := container.get("Pod"):
        raise Conflict(
            f"{name} belongs to the pod {pod}, and Podman cannot make it there again by the API that is used here.",
            hint="Make the pod again on the host, with podman play kube or what made it.",
        )
    if host.get("AutoRemove"):
        raise Conflict(
            f"{name} is removed as soon as it stops (--rm): it could not be put back.",
            hint="Make it without --rm, or replace it by hand.",
        )
    if (state := str(part(container, "State").get("Status"))) in BUSY:
        raise Conflict(f"{name} is {state}.", hint="Let it go on or remove it on the host first, then try again.")
    if hanging := dependents(container, others):
        raise Conflict(
            f"{', '.join(hanging)} would lose {name}: they use its network, its volumes or a link to it.",
            hint="Redeploy the whole service, which replaces them one after another, or use what made them.",
        )
    if lost := unshown(items(container, "CreateCommand")):
        raise Conflict(
            f"{name} was made with {', '.join(lost)}, which Podman's API does not tell and so cannot be kept.",
            hint="Make it again on the host with podman run and the same options.",
        )


def dependents(container: Raw, others: Sequence[Raw]) -> tuple[str, ...]:
    """Name the containers that use a part of this one by its name or id; those that an update put aside do not."""
    rest = [other for other in others if id_of(other) != id_of(container) and not _is_aside(other)]
    return tuple(sorted(name_of(other) for other in rest if any(is_named(word, container) for word in uses(other))))


def _is_aside(container: Raw) -> bool:
    return bool(KEPT.fullmatch(name_of(container))) and not part(container, "State").get("Running")
