"""Pulls an image and tells how far each layer is.

Source: Docker Engine API 1.41, "Create an image": one JSON object a line, `id` a layer, `status` in words, with
`progressDetail` in bytes; an error comes as a line as well, after the answer has begun with 200.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from runtimes.engine.api import Api, Download
from runtimes.errors import DETAIL_MAX_CHARS, Denied, Missing, RuntimeProblem, Unavailable
from runtimes.planning import Step
from runtimes.reference import reference
from runtimes.structs import make_ready

QUIET_MAX_S = 120.0
"""How long a registry may be silent in the middle of a pull."""
LINE_MAX_BYTES = 64 * 1024
LAYERS_MAX = 60
LATEST = "latest"
DONE = ("Pull complete", "Already exists", "Download complete")
WRONG_LOGIN = ("unauthorized", "authentication required", "denied", "no basic auth credentials")
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
    """Pulls images at one engine."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def pull(self, image: str, tell: Told) -> None:
        """Pull an image; `tell` gets a sentence and the layers whenever something is new, and may raise to end it.

        Raise Denied for a login that the registry does not take, Missing for an image that it has not.
        """
        wanted = reference(image)
        params = {"fromImage": wanted.name, "tag": wanted.digest or wanted.tag or LATEST}
        body = self._api.begin("/images/create", params, quiet_s=QUIET_MAX_S, headers={})
        layers: dict[str, Step] = {}
        try:
            for line in lines(body):
                if line.error:
                    raise refused(image, line.error)
                if line.id and line.id != params["tag"] and (line.id in layers or len(layers) < LAYERS_MAX):
                    layers[line.id] = layer(line, layers.get(line.id))
                tell(f"Pulling {image}: {line.status}.", tuple(layers.values()))
        finally:
            body.close()


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
    done = line.status in DONE
    total = detail.total or (before.total if before else None)
    return Step(
        name=f"Layer {line.id}",
        state="done" if done else "running",
        detail=line.status,
        done=total if done else detail.current,
        total=total,
    )


def refused(image: str, said: str) -> RuntimeProblem:
    """Turn what a registry said into a problem."""
    words, lower = " ".join(said.split())[:DETAIL_MAX_CHARS], said.lower()
    sentence = f"{image} was not pulled: {words.rstrip('.')}."
    if any(each in lower for each in WRONG_LOGIN):
        return Denied(sentence, hint="Check the name; for a private registry, log in on the engine's host and pull it.")
    if "not found" in lower or "manifest unknown" in lower:
        return Missing(sentence, hint="Check its name and its tag.")
    return Unavailable(sentence, hint="Check that the engine's host reaches the registry.")


def _line(data: bytes) -> Line:
    try:
        return msgspec.json.decode(data, type=Line)
    except ValueError as error:
        raise _unreadable() from error


def _unreadable() -> RuntimeProblem:
    return Unavailable("The engine's words about the pull cannot be read.", hint="Try again.")


make_ready(globals())
