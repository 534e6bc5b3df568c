"""What is said of images and of their cleanup. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from runtimes.engine.images.reading import Disk, Image, bare
from runtimes.engine.problems import Kind
from runtimes.engine.updates.pulling import bytes_in_words
from runtimes.planning import Difference, Plan

SHORT = 12
"""Digits of an id that people are shown."""
HOST_WIDE = "Images are the host's, not this service's: those of other services and other people go as well."
PULLED_AGAIN = "One that is wanted again later is pulled or built again, if whoever had it still has it."
SHARED = "Layers that an image shares with one that stays are not freed: how much it is, is known afterwards."


def short(identity: str) -> str:
    """Give an id as people know it."""
    return bare(identity)[:SHORT]


def title(image: Image) -> str:
    """Name an image."""
    return ", ".join(image.names) or f"{short(image.id)}, without a name"


def plan_of(images: Sequence[Image], disk: Disk, *, really: Kind, wanted: str = "") -> Plan:
    """Give the plan of a cleanup: each image with what it takes, and the bytes between which it frees room."""
    least, most = freed(images, disk)
    room = bytes_in_words(most) if least == most else f"{bytes_in_words(least)} to {bytes_in_words(most)}"
    count = f"{len(images)} unused image{'s' * (len(images) != 1)}"
    names = " ".join(each for image in images for each in (image.names or (short(image.id),)))
    return Plan(
        target="images" if not wanted else f"image {wanted}",
        summary=f"Delete {count}" if images else "Delete unused images",
        command=f"{really} rmi {names}" if images else "",
        differences=(Difference(what="room on the host", before="", after=f"{room} free again"),) if images else (),
        warnings=(HOST_WIDE, PULLED_AGAIN, *((SHARED,) if least != most else ())) if images else (),
        hits=tuple(f"{title(each)} ({bytes_in_words(each.size)})" for each in images),
        revision=revision_of(images),
        unchanged=not images,
    )


def freed(images: Sequence[Image], disk: Disk) -> tuple[int, int]:
    """Give the least and the most that deleting images frees, in bytes."""
    shared = {bare(each.id): max(0, each.shared_size) for each in disk.images or ()}
    least = sum(max(0, each.size - shared.get(bare(each.id), 0)) for each in images)
    return least, sum(each.size for each in images)


def revision_of(images: Sequence[Image]) -> str:
    """Name a set of images."""
    told = " ".join(sorted(f"{each.id} {' '.join(sorted(each.names))}" for each in images))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def ended(deleted: int, stayed: int, room_bytes: int | None) -> str:
    """Say what a cleanup has done; `room_bytes` is None where the engine does not tell."""
    said = f"{deleted} image{'s were' if deleted != 1 else ' was'} deleted"
    room = "" if room_bytes is None else f", {bytes_in_words(max(0, room_bytes))} are free again"
    kept = f" {stayed} stayed: a container has them by now." if stayed > 1 else ""
    kept = " One stayed: a container has it by now." if stayed == 1 else kept
    return f"{said}{room}.{kept}"
