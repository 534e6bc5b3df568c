"""Image registries: which one an image comes from, and how somebody signs in there. Pure.

A login belongs to one registry and is sent to that one only, so hosts are compared in one spelling: lower case, without
scheme, path and the port of HTTPS, and Docker Hub under one name whatever it is called. Source of what a name without a
host means: https://github.com/distribution/reference (normalize.go); of Docker Hub's other names: docker-credential
helpers keep its login under https://index.docker.io/v1/.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from runtimes.errors import Invalid
from runtimes.reference import reference

DOCKER_HUB = "docker.io"
DOCKER_HUB_ADDRESS = "https://index.docker.io/v1/"
HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
TYPED_HUB_NAMES = HUB_NAMES | {"hub.docker.com", "www.docker.io", "registry.docker.io"}
HTTPS_PORT = ":443"
HOST_MAX_CHARS = 255
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[a-f0-9:]+\])(?::\d{1,5})?"
)
PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How one signs in to a registry; `secret` is a password or an access token."""

    user: str
    secret: str = field(repr=False)


Logins = Callable[[str], Login | None]
"""Gives the login for a registry, by its host as `registry_of` gives it; None where there is none."""


def no_logins(_: str) -> None:
    """Know no login for any registry."""


def registry_of(image: str) -> str:
    """Give the registry that an image comes from, as host or host:port. Raise Invalid for what is no image."""
    first, slash, _ = reference(image).name.partition("/")
    has_host = any(sign in first for sign in ".:[") or first == "localhost" or first != first.lower()
    return _one_spelling(first, HUB_NAMES) if slash and has_host else DOCKER_HUB


def typed_registry(text: str) -> str:
    """Give a registry as somebody typed it: a host, a host with a port, or an address that begins with https://.

    Raise Invalid for anything else, also for a host with a path: a login is for a whole registry.
    """
    bare = text.strip()
    scheme, separator, rest = bare.partition("://")
    if separator and scheme.lower() != "https":
        raise Invalid("A password is sent to a registry over HTTPS only.", hint="Write the registry's host alone.")
    host, _, path = (rest if separator else bare).partition("/")
    found = _one_spelling(host, TYPED_HUB_NAMES)
    if path.strip("/") and found != DOCKER_HUB:
        hint = f"Write {host[:80]} alone: the login is for all of its images."
        raise Invalid("A registry is a host, without the name of an image.", hint=hint)
    port = found.rpartition(":")[2] if not found.endswith("]") and ":" in found else "1"
    if len(found) > HOST_MAX_CHARS or not _HOST.fullmatch(found) or not 0 < int(port) <= PORT_MAX:
        hint = "Like registry.example.com, registry.example.com:5000, or docker.io."
        raise Invalid("This is no registry.", hint=hint)
    return found


def _one_spelling(host: str, hub: frozenset[str]) -> str:
    found = host.lower().removesuffix(HTTPS_PORT)
    return DOCKER_HUB if found in hub else found
