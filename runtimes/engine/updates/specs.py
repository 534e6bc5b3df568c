"""A container's spec: what its engine said of it and of its image, packed so that it can be made again later. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from runtimes.engine.updates.raw import Raw, id_of, part
from runtimes.engine.updates.readable import settings_of
from runtimes.errors import Conflict
from runtimes.updates import Spec

PARTS = ("Id", "Name", "Image", "Config", "HostConfig", "Mounts", "CreateCommand")
"""What of an inspection makes a container; the rest is how it stands."""
ASKED = ("IPAMConfig", "Links", "DriverOpts", "GwPriority", "Aliases", "NetworkID")


def spec_of(container: Raw, image: Raw) -> Spec:
    """Give the spec of a container that runs this image."""
    kept: dict[str, Any] = {key: container[key] for key in PARTS if key in container}
    networks = part(container, "NetworkSettings", "Networks")
    asked = {name: {key: (each or {}).get(key) for key in ASKED} for name, each in networks.items()}
    kept["NetworkSettings"] = {"Networks": asked}
    its_image = {"Id": image.get("Id"), "Config": image.get("Config"), "RepoDigests": image.get("RepoDigests")}
    return Spec(
        container=id_of(container),
        image=str(part(container, "Config").get("Image") or ""),
        image_id=str(container.get("Image") or ""),
        data=msgspec.json.encode({"container": kept, "image": its_image}),
        settings=settings_of(kept, its_image),
    )


def opened(spec: Spec) -> tuple[Raw, Raw]:
    """Give the container and the image that a spec was made of. Raise Conflict for one that cannot be read."""
    try:
        found: dict[str, Any] = msgspec.json.decode(spec.data, type=dict[str, Any])
        return found["container"], found["image"]
    except (ValueError, KeyError) as problem:
        hint = "Go back to another revision, or redeploy."
        raise Conflict("What was kept of this revision cannot be read.", hint=hint) from problem


def settings_in(spec: Spec) -> dict[str, str]:
    """Give the settings of a spec in words, also of one that was kept without them."""
    return settings_of(*opened(spec))
