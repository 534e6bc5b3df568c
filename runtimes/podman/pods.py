"""Reads which container is in which pod, through podman-py: the Docker-compatible API knows no pods.

The client's low level is used, because its models ask once more for each container. It has no TLS of its own, so the
runtime's certificates are handed to the requests session that it is.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

import msgspec

from runtimes.engine import problems
from runtimes.engine.api import UNREADABLE, whole
from runtimes.engine.opening import Dialled, PodSource
from runtimes.engine.pods import Membership
from runtimes.structs import make_ready

LIBPOD_VERSION = "4.0.0"
"""The oldest libpod API of the Podman versions that are supported; newer ones answer it too."""


class Listed(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A container of GET /libpod/containers/json with `pod=true`."""

    id: str
    pod: str = ""
    pod_name: str = ""
    is_infra: bool = False


_DECODER = msgspec.json.Decoder(list[Listed])


def pod_source(dialled: Dialled) -> PodSource:
    """Make what reads the pods of a Podman engine."""
    from podman.api.client import APIClient
    from podman.errors import APIError, PodmanError

    from runtimes.engine.heads import TCPAdapter
    from runtimes.engine.unix import SocketAdapter

    files = dialled.files
    client = APIClient(base_url=dialled.address, version=LIBPOD_VERSION, timeout=dialled.timeout_s)
    adapter = SocketAdapter(dialled.path, kept=1) if dialled.path else TCPAdapter(tls_name=dialled.tls_name)
    client.mount("http://", adapter)
    client.mount("https://", adapter)
    client.headers.update(dialled.headers)
    client.trust_env = False  # no proxy and no .netrc from the environment: the engine is never behind one
    client.cert = files.pair if files else None
    client.max_redirects = 0  # the library follows them, to whatever host the answer names
    verify = files.ca if files else None
    asked = {"all": "true", "pod": "true"}

    def read() -> Mapping[str, Membership]:
        deadline = time.monotonic() + dialled.timeout_s
        try:
            answer = problems.once_more(
                lambda: client.get("/containers/json", params=asked, verify=verify, stream=True)
            )
        except (APIError, PodmanError, OSError) as error:
            raise problems.failed(error, place=dialled.place, timeout_s=dialled.timeout_s) from error
        with contextlib.closing(answer):
            body = whole(answer, place=dialled.place, timeout_s=dialled.timeout_s, deadline=deadline)
        if answer.status_code >= 300:
            raise problems.refused(answer.status_code, body, place=dialled.place)
        return memberships(body, place=dialled.place)

    return PodSource(read, client.close)


def memberships(answer: bytes, *, place: problems.Place) -> dict[str, Membership]:
    """Read the pods out of a list of containers. Raise Unavailable for an answer that is none."""
    try:
        listed = _DECODER.decode(answer)
    except UNREADABLE as error:
        raise problems.not_an_engine(place) from error
    return {each.id: Membership(each.pod_name or each.pod[:12], each.is_infra) for each in listed if each.pod}


make_ready(globals())
