"""What a container that does not run needs and its engine has no longer: its image, its volumes.

Engines say so only when somebody starts it, and Podman 4.3 writes nothing of that down: so the engine is asked for
each, and its answer is the evidence. A folder of the host that is mounted cannot be asked for through an engine's API.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from runtimes.causes.facts import Absent
from runtimes.engine.answers import Inspected
from runtimes.engine.api import Api, escaped
from runtimes.errors import Missing, RuntimeProblem

VOLUMES_MAX = 20
"""Volumes of one container that are asked for, each with a request."""


def volumes(container: Inspected) -> tuple[tuple[str, str], ...]:
    """Give the (name, folder on the host) pairs of the volumes that a container mounts."""
    return tuple((each.name, each.source) for each in container.mounts or () if each.type == "volume" and each.name)


def absent(api: Api, container: Inspected) -> tuple[Absent, ...]:
    """Ask the engine for what a container needs; give what it does not have. What it does not answer is left out."""
    return tuple(_absent(api, container))


def _absent(api: Api, container: Inspected) -> Iterator[Absent]:
    if container.image and (said := _refusal(api, f"/images/{escaped(container.image)}/json")):
        yield Absent(kind="image", name=container.config.image, said=said)
    for name, _ in volumes(container)[:VOLUMES_MAX]:
        if said := _refusal(api, f"/volumes/{escaped(name)}"):
            yield Absent(kind="volume", name=name, said=said)


def _refusal(api: Api, path: str) -> str:
    """Give the engine's words for not having what is at a path; "" where it is there, or no answer came."""
    try:
        api.get(path, msgspec.Raw)
    except Missing as problem:
        return problem.detail or "no such thing"
    except RuntimeProblem:  # an explanation without it is better than none
        return ""
    return ""
