"""The wall between services on one engine: which containers are a service's own. Pure, and the only place that knows.

Every list, read and action goes through `owns`, on what the engine itself said of the container. A filter sent to the
engine only saves time. What this module refuses to do: treat an empty scope as "everything".
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from runtimes.base import Scope
from runtimes.errors import Invalid, Missing

PROJECT_LABELS = ("com.docker.compose.project", "io.podman.compose.project")
"""What docker compose and podman-compose write on each container (the latter writes both since 1.0.6)."""
SERVICE_LABELS = ("com.docker.compose.service", "io.podman.compose.service")

SHOWN_NAMES = 5
SHOWN_CHARS = 100
"""How much of what a person typed, and how many candidates, a sentence repeats."""


class Named(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def first_label(labels: Mapping[str, str], keys: Iterable[str]) -> str:
    """Give the value of the first label that is there and not empty, else ""."""
    return next((labels[key] for key in keys if labels.get(key)), "")


def key(scope: Scope) -> Hashable:
    """Give what tells one scope from another, whatever service it is called by."""
    return scope.project, scope.containers, tuple(sorted(scope.labels.items()))


def owns(scope: Scope, *, name: str, labels: Mapping[str, str]) -> bool:
    """Say whether a container with this name and these labels is the service's own.

    Where a scope names several of project, containers and labels, all must hold: each only narrows.
    """
    if not (scope.project or scope.containers or scope.labels):
        return False
    if scope.project and first_label(labels, PROJECT_LABELS) != scope.project:
        return False
    if scope.containers and name not in scope.containers:
        return False
    return all(labels.get(key) == value for key, value in scope.labels.items())


def engine_filters(scope: Scope) -> Sequence[Mapping[str, Sequence[str]]]:
    """Give the filters of GET /containers/json whose answers together hold all that the scope may own.

    Several only for a project, whose label has two names that an engine cannot be asked for with "or". None at all
    for an empty scope. The name filter is a regular expression on both engines.
    """
    labels = [f"{key}={value}" for key, value in scope.labels.items()]
    common: dict[str, Sequence[str]] = {}
    if scope.containers:
        common["name"] = [f"^/?{re.escape(name)}$" for name in scope.containers]
    if scope.project:
        return [{**common, "label": [*labels, f"{key}={scope.project}"]} for key in PROJECT_LABELS]
    if labels:
        common["label"] = labels
    return [common] if common else []


def pick(containers: Sequence[N], wanted: str, *, service: str) -> N:
    """Find the one container that `wanted` names: by id, by name, else by a unique prefix of either.

    Raise Missing, with the same words for one that does not exist and one that is another service's; Invalid for the
    beginning of several.
    """
    # A container may be called by the id of another one: the id means that other one, as for the engine itself.
    exact = [each for each in containers if wanted == each.id] or [each for each in containers if wanted == each.name]
    if exact:
        return exact[0]
    starting = [each for each in containers if wanted and (each.id.startswith(wanted) or each.name.startswith(wanted))]
    if len(starting) == 1:
        return starting[0]
    if starting:
        raise several(wanted, [each.name for each in starting])
    raise missing(wanted, service=service)


def missing(wanted: str, *, service: str) -> Missing:
    return Missing(
        f'The service {service} has no container "{wanted[:SHOWN_CHARS]}".',
        hint="It may have been removed or replaced since the list was read. Look at the list again.",
    )


def several(wanted: str, names: Sequence[str]) -> Invalid:
    shown = ", ".join(sorted(names)[:SHOWN_NAMES]) + (" …" if len(names) > SHOWN_NAMES else "")
    return Invalid(
        f'"{wanted[:SHOWN_CHARS]}" is the start of {len(names)} containers: {shown}.',
        hint="Write more of the name or id.",
    )
