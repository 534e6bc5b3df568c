"""The Debugging facet: pods that people look at a service from, beside it and for an hour.

A copy of a pod that does not come up, doing nothing; or a pod of an image with tools. Neither is part of the service,
neither is given more than its people have, and the cluster itself takes both away, also when opsmodal is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from runtimes.planning import Plan

if TYPE_CHECKING:
    from runtimes.base import Scope

LASTS_S = 3600
"""How long one is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPod:
    """Copy one container of an instance, with a sleep in place of its command; `container` "": the first one."""

    instance: str
    container: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPod:
    """Run a pod of an image, which does nothing until somebody runs something in it."""

    image: str


DebugRequest = CopyPod | NewPod
"""What somebody wants to look from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What would be made. `metadata` and `spec` are the pod's own, for a guard to judge; `body` is what is sent."""

    plan: Plan
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugPod:
    """One that is there. `name` is what it is removed by; `pod` is "" until it has been made. `state` is in words.

    `command` is a line that opens it up in the Commands tab.
    """

    name: str
    pod: str
    container: str
    image: str
    state: str
    copy_of: str = ""
    made_by: str = ""
    made_at: datetime | None = None
    ends_at: datetime | None = None
    command: str = ""


class Debugging(Protocol):
    """What can be looked at from beside a service. All methods raise only `runtimes.errors`."""

    def draft(self, scope: Scope, wanted: DebugRequest, *, person: str, reason: str = "") -> Drafted:
        """Say what would be made, as the runtime itself has checked it. `person` and `reason` are written on it.

        Raise Missing for an instance or container that is not the service's, Invalid for what is no image, and what
        the runtime would refuse it with.
        """
        ...

    def make(self, scope: Scope, drafted: Drafted) -> DebugPod:
        """Make it, once. `pod` of what is given is "" where that takes longer than a moment. Raise RuntimeProblem."""
        ...

    def list(self, scope: Scope) -> tuple[DebugPod, ...]:
        """List those of a service, newest first. Raise RuntimeProblem."""
        ...

    def remove(self, scope: Scope, name: str) -> None:
        """Take one away. Raise Missing when it is not the service's, or none that was made here."""
        ...
