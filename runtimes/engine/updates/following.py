"""Containers that use a part of another one: in which order they are replaced, and how they follow one that was. Pure.

A container names those whose network, namespaces or volumes it shares by their ids, which are others after an update.
The one that was replaced is known by its name (`web-before-1f2e3d4c`) and leads to the one that has taken its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from runtimes.engine.aside import KEPT
from runtimes.engine.scope import PROJECT_LABELS, SERVICE_LABELS, first_label
from runtimes.engine.updates.raw import Raw, id_of, items, labels_of, name_of, part
from runtimes.errors import Conflict

DEPENDS_ON = "com.docker.compose.depends_on"
"""What docker compose writes: "db:service_healthy:false,cache:service_started:true"."""
SHARING = ("NetworkMode", "IpcMode", "PidMode")
CONTAINER = "container:"
Find = Callable[[str], Raw | None]
"""Reads a container by its id or name; None where there is none."""


def uses(container: Raw) -> tuple[str, ...]:
    """Name what a container uses of others, by their ids or names as they stand there."""
    host = part(container, "HostConfig")
    volumes = [str(each).partition(":")[0] for each in items(host, "VolumesFrom")]
    links = [str(each).partition(":")[0].removeprefix("/") for each in items(host, "Links")]
    return (*shared(container), *volumes, *links)


def shared(container: Raw) -> tuple[str, ...]:
    """Name those whose namespaces a container lives in: without them it does not start."""
    host = part(container, "HostConfig")
    modes = (str(host.get(key) or "") for key in SHARING)
    return tuple(mode.removeprefix(CONTAINER) for mode in modes if mode.startswith(CONTAINER))


def is_named(word: str, container: Raw) -> bool:
    """Tell whether a word is the name or the beginning of the id of a container."""
    return bool(word) and (word == name_of(container) or id_of(container).startswith(word))


def ordered(containers: Sequence[Raw]) -> tuple[Raw, ...]:
    """Put those first that others depend on; by name where nothing else says. Raise Conflict for a circle."""
    by_name = {name_of(each): each for each in sorted(containers, key=name_of)}
    sorter = TopologicalSorter({name: sorted(_before(each, containers)) for name, each in by_name.items()})
    try:
        return tuple(by_name[name] for name in sorter.static_order())
    except CycleError as circle:
        said = " → ".join(circle.args[1])
        hint = "Redeploy them one by one, or mend depends_on in the compose file and make them again with it."
        raise Conflict(f"They depend on each other in a circle: {said}.", hint=hint) from circle


def followed(container: Raw, find: Find) -> Raw:
    """Give a container with what it uses of one that was replaced leading to the one that took its place."""
    host = part(container, "HostConfig")
    now: dict[str, Any] = {}
    for key in SHARING:
        mode = str(host.get(key) or "")
        if mode.startswith(CONTAINER):
            now[key] = f"{CONTAINER}{_successor(mode.removeprefix(CONTAINER), find)}"
    if volumes := [str(each) for each in items(host, "VolumesFrom")]:
        split = [each.partition(":") for each in volumes]
        now["VolumesFrom"] = [f"{_successor(word, find)}{colon}{mode}" for word, colon, mode in split]
    if links := [str(each) for each in items(host, "Links")]:
        now["Links"] = [_link(each, find) for each in links]
    return {**container, "HostConfig": {**host, **now}} if now else container


def is_stranded(container: Raw, find: Find) -> bool:
    """Tell whether a container lives in the namespaces of one that was replaced, and so cannot be started again."""
    return shared(followed(container, find)) != shared(container)


def _before(container: Raw, others: Sequence[Raw]) -> set[str]:
    """Name those of others that a container depends on, by its compose file or by what it uses."""
    labels = labels_of(container)
    project = first_label(labels, PROJECT_LABELS)
    services = {each.partition(":")[0] for each in labels.get(DEPENDS_ON, "").split(",")} - {""}
    rest = [each for each in others if id_of(each) != id_of(container)]
    by_file = {name_of(each) for each in rest if _service(labels_of(each), project) in services}
    return by_file | {name_of(each) for each in rest if any(is_named(word, each) for word in uses(container))}


def _service(labels: Mapping[str, str], project: str) -> str:
    return first_label(labels, SERVICE_LABELS) if first_label(labels, PROJECT_LABELS) == project else ""


def _successor(word: str, find: Find) -> str:
    now = _taken_over(find(word), find)
    return id_of(now) if now is not None else word


def _link(link: str, find: Find) -> str:
    """Follow a legacy link, which the engine itself leads to the new name of the one that was put aside."""
    other, colon, alias = link.removeprefix("/").partition(":")
    now = _taken_over(find(other), find)
    return f"/{name_of(now) if now is not None else other}{colon}{alias}"


def _taken_over(found: Raw | None, find: Find) -> Raw | None:
    """Give the container that has the name of one that an update put aside, of the same project."""
    if found is None or part(found, "State").get("Running") or not (kept := KEPT.fullmatch(name_of(found))):
        return None
    now = find(kept["name"])
    is_ours = now is not None and _project(now) == _project(found)
    return now if is_ours else None


def _project(container: Raw) -> str:
    return first_label(labels_of(container), PROJECT_LABELS)
