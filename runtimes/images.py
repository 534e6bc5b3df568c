"""The Images facet: which images the host of an engine has, which tags have moved, and the room that unused ones take.

Images are the host's, and no service's own: what one shows of others is how many there are, and a cleanup is planned
with every image that it takes. It refuses to take an image that any container has, running or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from runtimes.planning import Plan, Progress

if TYPE_CHECKING:
    from runtimes.base import Scope

Telling = Callable[[Progress], None]
"""Told how far something is, again and again; raises what is to end it (see `opsmodal.tasks`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostImage:
    """One image that a service runs, or that has the name of one. `used_by` names the containers of the service.

    `others` counts the containers of others that have it. `size_bytes` counts layers that it shares with others, too.
    """

    id: str
    names: tuple[str, ...]
    size_bytes: int
    made_at: datetime | None
    used_by: tuple[str, ...]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedTag:
    """A tag that means another image on this host now than the one that a container runs; both by their ids."""

    container: str
    image: str
    runs: str
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTag:
    """What a registry says of the tag that a container runs. `moved`: another digest than the host has."""

    container: str
    image: str
    state: Literal["same", "moved", "unknown"]
    sentence: str
    hint: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostImages:
    """The images of a service's host. `others` counts those that are none of the service's.

    `unused` counts all that no container has, and `unused_bytes` is the most that deleting them could free.
    """

    images: tuple[HostImage, ...]
    moved: tuple[MovedTag, ...]
    others: int
    unused: int
    unused_bytes: int
    as_of: datetime


class Images(Protocol):
    """Look after the images of a host. All methods raise only `runtimes.errors`."""

    def list(self, scope: Scope) -> HostImages:
        """List the images that belong to a service, and count the others."""
        ...

    def tags(self, scope: Scope) -> tuple[RegistryTag, ...]:
        """Ask the registries what the tags of a service's containers mean there. One that does not answer is said."""
        ...

    def plan_cleanup(self, scope: Scope, image: str = "") -> Plan:
        """Say which images a cleanup would delete, and how much that frees: all unused ones, or the one `image`.

        Raise Missing for an image that is not there, Conflict for one that a container has.
        """
        ...

    def clean(self, scope: Scope, tell: Telling, *, image: str = "", revision: str = "") -> None:
        """Delete them. Raise what `plan_cleanup` raises, Stale where others are unused than at `revision`.

        One that a container has by then stays; the last thing told says so. Raise what `tell` raises.
        """
        ...
