"""What Podman's own API answers, as far as a page needs it. Source: docs.podman.io, "Reference" (libpod API v4, v5)."""

from __future__ import annotations

import msgspec

from runtimes.structs import make_ready


class _Pascal(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    pass


class LoggedRun(_Pascal, frozen=True):
    exit_code: int = 0
    output: str = ""
    end: str = ""


class Health(_Pascal, frozen=True):
    """`status` is starting, healthy or unhealthy; "" where there is no check."""

    status: str = ""
    failing_streak: int = 0
    log: list[LoggedRun] | None = None


class State(_Pascal, frozen=True):
    running: bool = False
    started_at: str = ""
    health: Health | None = None
    healthcheck: Health | None = None
    """What Podman before 4.0 called it."""


class Check(_Pascal, frozen=True):
    """Times are in nanoseconds."""

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    retries: int = 0


class Secret(_Pascal, frozen=True):
    name: str = ""


class Config(_Pascal, frozen=True):
    healthcheck: Check | None = None
    healthcheck_on_failure_action: str = ""
    secrets: list[Secret] | None = None
    create_command: list[str] | None = None


class Inspected(_Pascal, frozen=True):
    """A container of GET /libpod/containers/{id}/json."""

    id: str
    name: str = ""
    state: State = State()
    config: Config = Config()


class PodMember(_Pascal, frozen=True):
    id: str = ""
    names: str = ""
    status: str = ""


class Pod(_Pascal, frozen=True):
    """A pod of GET /libpod/pods/json."""

    id: str
    name: str = ""
    status: str = ""
    infra_id: str = ""
    containers: list[PodMember] | None = None


class SecretSpec(_Pascal, frozen=True):
    name: str = ""


class KnownSecret(_Pascal, frozen=True):
    """A secret of GET /libpod/secrets/json, which gives no values."""

    spec: SecretSpec = SecretSpec()


make_ready(globals())
