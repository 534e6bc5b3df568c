"""What only Podman tells of containers, by its own API (libpod): pods, health checks and who runs them, secrets.

A service is shown what is its own: of a pod's other members only how many there are, of secrets the names of those that
its containers use, and never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from runtimes.planning import Plan

if TYPE_CHECKING:
    from runtimes.base import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """One run of a health check; `printed` is None for who may not see it."""

    at: datetime | None
    exit_code: int
    printed: str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A container's health check. `command` and what runs printed may hold what an environment may.

    `sentence` says that nothing runs the check, where that is so, and `hint` what to do; both "" otherwise.
    `on_failure` is what podman does to the container once it has failed `retries` times: "", "kill", "restart", "stop".
    """

    status: str
    command: str | None
    interval_s: float
    retries: int
    failing_streak: int
    runs: tuple[CheckRun, ...] = ()
    on_failure: str = ""
    sentence: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """A secret that a container was made with: its name, and how the container has it."""

    name: str
    given: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What Podman's own API tells of one container."""

    health: HealthCheck | None = None
    secrets: tuple[SecretUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod with containers of the service: `members` are these, `running` counts them, `others` those of nobody's or
    of other services. The container that only holds the pod's namespaces is not counted."""

    name: str
    status: str
    members: tuple[str, ...]
    running: int
    others: int = 0


class Libpod(Protocol):
    """What is asked of Podman's own API."""

    def pods(self, scope: Scope) -> Sequence[Pod]: ...

    def one(self, scope: Scope, instance: str) -> Own:
        """Read what there is of one container. Raise Missing when it is not the service's."""
        ...

    def plan_check(self, scope: Scope, instance: str) -> Plan:
        """Say what running a container's health check does. Raise Missing, and Conflict where none can be run."""
        ...

    def check(self, scope: Scope, instance: str) -> HealthCheck:
        """Run a container's health check once, and give how it is then. Raise as `plan_check` does."""
        ...
