"""Asks an engine which images its host has, and which of them containers have. One request each.

Source: Docker Engine API 1.41, "List Images", "List containers", "Get data usage information". The sizes that images
share are told by the last alone, which is slow on a large host: it is asked for a cleanup only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from runtimes.engine.api import Api, escaped
from runtimes.engine.images.tags import NONE
from runtimes.engine.updates.looking import in_path
from runtimes.structs import make_ready

DISK_S = 120.0
"""Counting what a host with hundreds of images has on its disk took Docker a minute."""
REMOVE_S = 120.0


class Image(msgspec.Struct, frozen=True, rename="pascal"):
    """One image. `shared_size` is -1 where it was not counted."""

    id: str
    repo_tags: tuple[str, ...] | None = None
    repo_digests: tuple[str, ...] | None = None
    size: int = 0
    shared_size: int = -1
    created: int = 0

    @property
    def tags(self) -> tuple[str, ...]:
        """Its names with a tag."""
        return tuple(each for each in self.repo_tags or () if NONE not in each)

    @property
    def names(self) -> tuple[str, ...]:
        """Its tags, or else its digests; none where it has no name at all."""
        return self.tags or tuple(each for each in self.repo_digests or () if NONE not in each)


class Holder(msgspec.Struct, frozen=True):
    """A container, as far as it holds an image."""

    image: str = msgspec.field(default="", name="ImageID")
    names: tuple[str, ...] | None = msgspec.field(default=None, name="Names")

    @property
    def name(self) -> str:
        """Its name."""
        return next(iter(self.names or ()), "").removeprefix("/")


class Disk(msgspec.Struct, frozen=True, rename="pascal"):
    """What images take on a disk. `layers_size` is 0 on Podman, which does not tell it."""

    layers_size: int = 0
    images: tuple[Image, ...] | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """The images of a host, and the containers of all services that hold one, by the image's id."""

    images: Sequence[Image]
    holders: Mapping[str, Sequence[str]]

    @property
    def unused(self) -> tuple[Image, ...]:
        """The images that no container has, running or not, largest first."""
        free = (each for each in self.images if not self.holders.get(bare(each.id)))
        return tuple(sorted(free, key=lambda each: (-each.size, each.id)))


class Reading:
    """Read the images of one engine, and delete single ones."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def host(self) -> Host:
        """Read images and containers."""
        return Host(self._api.get("/images/json", list[Image]), self.holders())

    def holders(self) -> dict[str, list[str]]:
        """Read which containers have which image, by its bare id."""
        found: dict[str, list[str]] = {}
        for each in self._api.get("/containers/json", list[Holder], {"all": 1}):
            found.setdefault(bare(each.image), []).append(each.name)
        return found

    def disk(self) -> Disk:
        """Count what images take on the disk."""
        return self._api.get("/system/df", Disk, {"type": "image"}, timeout_s=DISK_S)

    def untag(self, name: str) -> None:
        """Take a name from an image, and the image with the last one. Raise Conflict where a container has it."""
        self._api.remove(f"/images/{in_path(name)}", timeout_s=REMOVE_S)

    def remove(self, image: str) -> None:
        """Delete an image without names by its id. Raise Conflict where a container has it."""
        self._api.remove(f"/images/{escaped(image)}", timeout_s=REMOVE_S)


def bare(identity: str) -> str:
    """Give an id without its algorithm: engines write it in both ways."""
    return identity.removeprefix("sha256:")


make_ready(globals())
