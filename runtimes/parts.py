"""What stands beside an instance on its page. Part of `runtimes.base`, which is where to import it from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port that an instance serves, and where it is published ("" when it is not)."""

    container_port: int
    protocol: str = "tcp"
    published: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Something mounted into a container. `kind`: volume, bind, tmpfs, configmap, secret, claim, …"""

    kind: str
    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that a container is in: `addresses` of both families, `aliases` by which others there find it."""

    name: str
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One run of a health check; `printed` may hold a secret, None where it is not shown."""

    at: datetime | None
    exit_code: int
    printed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable. `value` is None where it comes from elsewhere (`source`: `secret db/password`)."""

    container: str
    name: str
    value: str | None
    source: str = ""
