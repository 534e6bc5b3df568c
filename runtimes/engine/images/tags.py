"""Names of images as engines write them, in one spelling. Pure.

Docker shortens what comes from Docker Hub ("web:1"), Podman writes it out ("docker.io/library/web:1"), and both put
`latest` where no tag is. Source: https://github.com/distribution/reference (normalize.go).
"""

from __future__ import annotations

from runtimes.errors import Invalid
from runtimes.reference import Reference, reference
from runtimes.registries import DOCKER_HUB, registry_of

LATEST = "latest"
LIBRARY = "library/"
NONE = "<none>"
"""What engines write for an image without a name."""
ID = "sha256:"
LOCAL = "localhost"
"""The registry in the names of images that Podman has made itself."""


def known(text: str) -> Reference | None:
    """Read a name; None for what is none, as the id of an image."""
    if NONE in text or text.startswith(ID):
        return None
    try:
        return reference(text)
    except Invalid:
        return None


def repository(text: str) -> str:
    """Give the repository that an image is from, with its registry; "" for what has none."""
    found = known(text)
    if found is None:
        return ""
    host = registry_of(text)
    first, slash, rest = found.name.partition("/")
    has_host = bool(slash) and (host != DOCKER_HUB or any(sign in first for sign in ".:"))
    path = rest if has_host else found.name
    if host == DOCKER_HUB and "/" not in path:
        path = f"{LIBRARY}{path}"
    return f"{host}/{path}"


def tagged(text: str) -> str:
    """Give the repository and tag of a name in one spelling; "" for what names one image for ever, by its digest."""
    found = known(text)
    if found is None or found.digest:
        return ""
    return f"{repository(text)}:{found.tag or LATEST}"


def is_named(text: str, wanted: str) -> bool:
    """Tell whether a name of an image is what somebody wrote; Podman's own images may be written without their host."""
    spelled = tagged(wanted) or wanted
    return text == wanted or tagged(text) == spelled or tagged(text.removeprefix(f"{LOCAL}/")) == spelled


def digest_in(digests: tuple[str, ...], image: str) -> str:
    """Give the digest by which a host has an image, out of "name@digest"; "" where it did not come from there."""
    wanted = repository(image)
    found = (each.rpartition("@") for each in digests)
    return next((digest for name, at, digest in found if at and repository(name) == wanted), "")
