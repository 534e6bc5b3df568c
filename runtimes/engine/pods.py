"""Which pod a container is in. Docker has no pods; Podman does, and its Docker-compatible API does not show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Membership:
    """The name of the pod that a container is in; `infra` marks the one that only holds the pod's namespaces."""

    pod: str
    infra: bool = False


Pods = Callable[[], Mapping[str, Membership]]
"""Reads the memberships by container id; raises `runtimes.errors`."""


def no_pods() -> Mapping[str, Membership]:
    return {}
