"""Pulls an image, signed in to its registry where a login is stored for that, and tells how far each layer is.

The login goes along with this one request; the engine keeps none of it. Podman is asked in the same way: its own path
(/libpod/images/pull) takes the same header, and tells neither layers nor bytes.

Source: Docker Engine API 1.41, "Create an image": one JSON object a line, `id` a layer, `status` in words, with
`progressDetail` in bytes; an error comes as a line as well, after the answer has begun with 200.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import msgspec

from runtimes.engine.api import Api, Download
from runtimes.engine.updates.pullproblems import Asked, failed_pull
from runtimes.errors import RuntimeProblem, Unavailable
from runtimes.planning import Progress, Step
from runtimes.reference import reference
from runtimes.registries import DOCKER_HUB, DOCKER_HUB_ADDRESS, Login, Logins, no_logins, registry_of
from runtimes.structs import make_ready

QUIET_MAX_S = 120.0
"""How long a registry may be silent in the middle of a pull."""
LINE_MAX_BYTES = 64 * 1024
LAYERS_MAX = 60
LATEST = "latest"
DONE = ("Pull complete", "Already exists", "Download complete")
AUTH = "X-Registry-Auth"
UNITS = ("B", "kB", "MB", "GB")
STEP = 1000
Told = Callable[[str, tuple[Step, ...]], None]


class Detail(msgspec.Struct, frozen=True):
    current: int | None = None
    total: int | None = None


class Line(msgspec.Struct, frozen=True):
    """One line of what an engine says during a pull; Podman says only the id and `status`."""

    id: str = ""
    status: str = ""
    detail: Detail | None = msgspec.field(default=None, name="progressDetail")
    error: str = ""


class Pulling:
    """Pulls images at one engine, for one update. `logins` are asked anew for each pull."""

    def __init__(self, api: Api, logins: Logins = no_logins) -> None:
        self._api = api
        self._logins = logins
        self._hint = ""

    def pull(self, image: str, tell: Told) -> None:
        """Pull an image; `tell` gets a sentence and the layers whenever something is new, and may raise to end it.

        Raise Denied for a login that is missing or that the registry does not take, Missing for an image that it has
        not, Conflict where the host has no room, and Unavailable for a registry that cannot be reached or trusted.
        """
        try:
            self._pull(image, tell)
        except RuntimeProblem as problem:
            self._hint = problem.hint
            raise

    def hinted(self, progress: Progress) -> Progress:
        """Give how far an update is; where it failed because a pull did, with what helps against that."""
        return replace(progress, hint=self._hint) if self._hint and progress.state == "failed" else progress

    def _pull(self, image: str, tell: Told) -> None:
        wanted = reference(image)
        host = registry_of(image)
        asked = Asked(image, self._logins(host))
        params = {"fromImage": wanted.name, "tag": wanted.digest or wanted.tag or LATEST}
        layers: dict[str, Step] = {}
        body = self._begun(asked, params)
        try:
            for line in lines(body):
                if line.error:
                    raise failed_pull(asked, line.error)
                if line.id and line.id != params["tag"] and (line.id in layers or len(layers) < LAYERS_MAX):
                    layers[line.id] = layer(line, layers.get(line.id))
                tell(f"Pulling {image}: {line.status}.", tuple(layers.values()))
        finally:
            body.close()

    def _begun(self, asked: Asked, params: Mapping[str, str]) -> Download:
        headers = authorised(asked.login, asked.host) if asked.login else {}
        try:
            return self._api.begin("/images/create", params, quiet_s=QUIET_MAX_S, headers=headers)
        except RuntimeProblem as problem:
            if not problem.detail:  # nothing that was answered: the engine itself is not there
                raise
            raise failed_pull(asked, problem.detail) from problem


def authorised(login: Login, host: str) -> dict[str, str]:
    """Give the header that signs in. Source: Docker Engine API, "Authentication"."""
    address = DOCKER_HUB_ADDRESS if host == DOCKER_HUB else host
    said = {"username": login.user, "password": login.secret, "serveraddress": address}
    return {AUTH: base64.urlsafe_b64encode(msgspec.json.encode(said)).decode("ascii")}


def lines(body: Download) -> Iterator[Line]:
    """Read the lines of a pull. Raise Unavailable for what is none."""
    held = b""
    for data in body:
        held += data
        *whole, held = held.split(b"\n")
        yield from (_line(each) for each in whole if each.strip())
        if len(held) > LINE_MAX_BYTES:
            raise _unreadable()
    if held.strip():
        yield _line(held)


def layer(line: Line, before: Step | None) -> Step:
    """Give a layer as it stands after a line."""
    detail = line.detail or Detail()
    total = detail.total or (before.total if before else None)
    done = total if line.status in DONE else detail.current
    return Step(
        name=f"Layer {line.id}",
        state="done" if line.status in DONE else "running",
        detail=f"{line.status}{_how_far(done, total)}",
        done=done,
        total=total,
    )


def _how_far(done: int | None, total: int | None) -> str:
    """Write bytes as both engines do: in powers of 1000."""
    if not total:
        return ""
    if done is None or done >= total:
        return f", {bytes_in_words(total)}"
    return f", {done * 100 // total} % of {bytes_in_words(total)}"


def bytes_in_words(count: int) -> str:
    """Write a number of bytes in the largest unit that it fills."""
    number, unit = float(count), UNITS[0]
    for unit in UNITS:
        if number < STEP or unit == UNITS[-1]:
            break
        number /= STEP
    return f"{number:.{0 if unit == UNITS[0] else 1}f} {unit}"


def _line(data: bytes) -> Line:
    try:
        return msgspec.json.decode(data, type=Line)
    except ValueError as error:
        raise _unreadable() from error


def _unreadable() -> RuntimeProblem:
    return Unavailable("The engine's words about the pull cannot be read.", hint="Try again.")


make_ready(globals())
