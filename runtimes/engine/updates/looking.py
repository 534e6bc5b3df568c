"""Asks an engine for containers and images as they are, and does the single steps of an update. One request each.

Every step names a container by its full id: a name may be another container's by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from runtimes.engine.api import Api, escaped
from runtimes.engine.problems import Kind
from runtimes.engine.updates.podman import as_asked
from runtimes.engine.updates.raw import Raw, id_of, items, part
from runtimes.engine.updates.spec import Request
from runtimes.errors import Conflict, Missing, RuntimeProblem

STOP_GRACE_S = 10
"""How long both engines wait for a container to stop before they kill it, where nothing else is set."""
STOP_MAX_S = 600.0
CREATE_S = 120.0
START_S = 120.0
"""A container with large volumes or a new image may take long to be made ready on a slow disk."""


class Looking:
    """The containers and images of one engine, without any wall: who calls holds them against the scope."""

    def __init__(self, api: Api, *, really: Kind) -> None:
        self._api = api
        self.really = really

    def ping(self) -> None:
        """Ask whether the engine is there."""
        self._api.ping()

    def container(self, wanted: str) -> dict[str, Any]:
        """Read a container as one would ask for it, on Podman with its pod and the command that made it. Raise Missing.

        It keeps that command (`CreateCommand`) for what its own program made.
        """
        found: dict[str, Any] = self._api.get(f"/containers/{escaped(wanted)}/json", dict[str, Any])
        if self.really == "docker":
            return found
        shown: dict[str, Any] = self._api.get(f"/libpod/containers/{escaped(wanted)}/json", dict[str, Any])
        command = tuple(map(str, items(part(shown, "Config"), "CreateCommand")))
        return {**as_asked(found, command), "Pod": shown.get("Pod"), "CreateCommand": command}

    def found(self, wanted: str) -> dict[str, Any] | None:
        """Read a container; None where there is none."""
        try:
            return self.container(wanted)
        except Missing:
            return None

    def image(self, wanted: str) -> dict[str, Any]:
        """Read an image by its reference or id. Raise Missing."""
        found: dict[str, Any] = self._api.get(f"/images/{in_path(wanted)}/json", dict[str, Any])
        return found

    def image_if_there(self, wanted: str) -> dict[str, Any] | None:
        """Read an image; None where there is none of that name, or the name is none."""
        try:
            return self.image(wanted)
        except RuntimeProblem:
            return None

    def version(self) -> tuple[int, int]:
        """Ask for the version of the engine's program: (4, 3) of 4.3.1."""
        said = str(self._api.get("/version", dict[str, Any]).get("Version") or "")
        numbers = [int(word) for word in said.split(".")[:2] if word.isdigit()]
        return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)

    def everything(self) -> list[Raw]:
        """Read every container of the engine, as far as needed to see who hangs on whom."""
        rows: list[dict[str, Any]] = self._api.get("/containers/json", list[dict[str, Any]], {"all": 1})
        return [each for row in rows if (each := self.found(id_of(row))) is not None]

    def check_health(self, container: str) -> None:
        """Have Podman run a health check, which nothing else does without systemd. What it says is in the state."""
        self._api.get(f"/libpod/containers/{escaped(container)}/healthcheck", dict[str, Any])

    def make(self, name: str, request: Request) -> str:
        """Make a container and join its networks; give its id. What was made of it stays when a network refuses."""
        path = f"/containers/create?{urlencode({'name': name})}"
        made: dict[str, Any] = self._api.make(path, dict[str, Any], request.body, timeout_s=CREATE_S)
        container = id_of(made)
        for network, endpoint in request.joins.items():
            joined: Mapping[str, Any] = {"Container": container, "EndpointConfig": endpoint}
            self._api.send(f"/networks/{escaped(network)}/connect", joined)
        return container

    def stop(self, container: str) -> None:
        """Stop a container as it wants to be stopped, and wait for that."""
        grace_s = part(self.container(container), "Config").get("StopTimeout") or STOP_GRACE_S
        wait_s = min(float(grace_s) + self._api.timeout_s, STOP_MAX_S)
        self._api.post(f"/containers/{escaped(container)}/stop", timeout_s=wait_s)

    def start(self, container: str) -> None:
        """Start a container. Raise Conflict with what the engine says where it cannot."""
        self._api.post(f"/containers/{escaped(container)}/start", timeout_s=START_S)

    def rename(self, container: str, name: str) -> None:
        """Give a container another name. Raise Conflict where that is taken."""
        self._api.post(f"/containers/{escaped(container)}/rename", {"name": name})

    def remove(self, container: str) -> None:
        """Remove a container, running or not, and none of its volumes; one that is gone already is fine."""
        try:
            self._api.remove(f"/containers/{escaped(container)}", {"force": "true"}, timeout_s=START_S)
        except Missing:
            return
        except Conflict:  # "removal is already in progress"
            if self.found(container) is not None:
                raise

    def set_policy(self, container: str, name: str, retries: int = 0) -> None:
        """Set a restart policy. Podman before 5.1 cannot: its containers are started by nobody after a restart."""
        policy = {"Name": name, "MaximumRetryCount": retries}
        try:
            self._api.make(f"/containers/{escaped(container)}/update", dict[str, Any], {"RestartPolicy": policy})
        except RuntimeProblem:
            if self.really == "docker":
                raise


def in_path(image: str) -> str:
    """Write a reference into a path: its slashes are part of it, and nothing else may be."""
    return "/".join(map(escaped, image.split("/")))
