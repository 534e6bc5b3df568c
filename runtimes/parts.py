"""What stands beside an instance on its page. Part of `runtimes.base`, which is where to import it from."""

from __future__ import annotations

from dataclasses import dataclass


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
class Variable:
    """An environment variable. `value` is None where it comes from elsewhere (`source`: `secret db/password`)."""

    container: str
    name: str
    value: str | None
    source: str = ""
