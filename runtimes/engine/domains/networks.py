"""Whose network a container is in: its own, its pod's, or that of another container. Pure but for what it is given.

Containers in one network share its ports, so a port of one may be answered by another. Such a network is the service's
own only where all containers in it are: else a route to its port could lead to what is somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from runtimes.engine.answers import Inspected, Row
from runtimes.engine.pods import Membership
from runtimes.errors import Missing

JOINED = "container:"
"""What the network mode of a container in another one's network begins with, before its id; so it is in a pod."""
Inspect = Callable[[str], Inspected]


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A container, and the one whose network it is in: itself, its pod's; None where others may be in it, too."""

    container: Inspected
    holder: Inspected | None


def nets(
    own: Mapping[str, Inspected], everything: Iterable[Row], pods: Mapping[str, Membership], inspected: Inspect
) -> dict[str, Net]:
    """Give the network of each of a service's containers, by their names."""
    inside, ids = _inside(everything, pods), {each.id for each in own.values()}
    read = cache(inspected)

    def holder(container: Inspected) -> Inspected | None:
        whose = joined(container) or container.id
        users = inside.get(whose, set()) | (set() if _is_infra(whose, pods) else {whose})
        if container.id not in users or not users <= ids:
            return None
        return container if whose == container.id else held_by(container, read)

    return {name: Net(container=each, holder=holder(each)) for name, each in own.items()}


def held_by(container: Inspected, inspected: Inspect) -> Inspected | None:
    """Read the container whose network one is in, often itself; None when it went away meanwhile."""
    whose = joined(container)
    try:
        return inspected(whose) if whose else container
    except Missing:
        return None


def joined(container: Inspected) -> str:
    """Give the id of the other container whose network it is in, "" for none."""
    mode = container.host_config.network_mode
    return mode.removeprefix(JOINED) if mode.startswith(JOINED) else ""


def _inside(everything: Iterable[Row], pods: Mapping[str, Membership]) -> dict[str, set[str]]:
    """Give by a container's id who else is in its network: Docker's list says so, and Podman's list of pods."""
    found: dict[str, set[str]] = {}
    for row in everything:
        mode = row.network_mode
        if mode.startswith(JOINED):
            found.setdefault(mode.removeprefix(JOINED), set()).add(row.id)
    infra = {each.pod: key for key, each in pods.items() if each.infra}
    for key, each in pods.items():
        if not each.infra and each.pod in infra:
            found.setdefault(infra[each.pod], set()).add(key)
    return found


def _is_infra(container: str, pods: Mapping[str, Membership]) -> bool:
    return container in pods and pods[container].infra
