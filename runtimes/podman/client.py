"""Asks Podman's own API, through podman-py: what the Docker-compatible one does not show.

The client's low level is used, because its models ask once more for each container. It has no TLS of its own, so the
runtime's certificates are handed to the requests session that it is.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from runtimes.engine import problems
from runtimes.engine.answers import Version
from runtimes.engine.api import UNREADABLE, whole
from runtimes.engine.opening import Dialled

T = TypeVar("T")

OLDEST = (4, 0, 0)
"""The oldest libpod API of the Podman versions that are supported; newer ones answer it too, unless they say no."""
PODMAN_COMPONENT = "Podman Engine"


class LibpodClient:
    """Podman's own API at one socket. Raises only `runtimes.errors`."""

    def __init__(self, dialled: Dialled, *, version: str) -> None:
        from podman.api.client import APIClient

        from runtimes.engine.heads import TCPAdapter
        from runtimes.engine.unix import SocketAdapter

        files = dialled.files
        client = APIClient(base_url=dialled.address, version=version, timeout=dialled.timeout_s)
        adapter = SocketAdapter(dialled.path, kept=1) if dialled.path else TCPAdapter(tls_name=dialled.tls_name)
        client.mount("http://", adapter)
        client.mount("https://", adapter)
        client.headers.update(dialled.headers)
        client.trust_env = False  # no proxy and no .netrc from the environment: the engine is never behind one
        client.cert = files.pair if files else None
        client.max_redirects = 0  # the library follows them, to whatever host the answer names
        self._client = client
        self._verify = files.ca if files else None
        self._dialled = dialled

    @property
    def timeout_s(self) -> float:
        """How long a question may take."""
        return self._dialled.timeout_s

    def get(self, path: str, into: type[T], params: Mapping[str, str] | None = None) -> T:
        """Read a path, once more when a kept connection turns out dead."""
        return self.decoded(self._body(path, params or {}, self.timeout_s, again=True), into)

    def act(self, path: str, into: type[T], *, timeout_s: float) -> T:
        """Ask once for something that a GET does."""
        return self.decoded(self._body(path, {}, timeout_s), into)

    def decoded(self, body: bytes, into: type[T]) -> T:
        """Read an answer. Raise Unavailable for one that is none."""
        try:
            return msgspec.json.decode(body, type=into, strict=False)
        except UNREADABLE as error:
            raise problems.not_an_engine(self._dialled.place) from error

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _body(self, path: str, params: Mapping[str, str], timeout_s: float, *, again: bool = False) -> bytes:
        from podman.errors import APIError, PodmanError

        place, deadline = self._dialled.place, time.monotonic() + timeout_s

        def asked() -> Any:
            return self._client.get(path, params=params, verify=self._verify, stream=True, timeout=timeout_s)

        try:
            answer = problems.once_more(asked) if again else asked()
        except (APIError, PodmanError, OSError) as error:
            raise problems.failed(error, place=place, timeout_s=timeout_s) from error
        with contextlib.closing(answer):
            body = whole(answer, place=place, timeout_s=timeout_s, deadline=deadline)
        if answer.status_code >= 300:
            raise problems.refused(answer.status_code, body, place=place)
        return body


def agreed_libpod(version: Version) -> str:
    """Choose the version of Podman's own API: the oldest that both speak, whose answers hold all that is read here."""
    details = next((each.details or {} for each in version.components or () if each.name == PODMAN_COMPONENT), {})
    return ".".join(map(str, max(OLDEST, _numbers(details.get("MinAPIVersion", "")))))


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    is_one = len(parts) == len(OLDEST) and all(part.isdecimal() and len(part) < 6 for part in parts)
    return tuple(map(int, parts)) if is_one else ()
