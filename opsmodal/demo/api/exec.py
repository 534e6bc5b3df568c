"""The sockets of pods/exec and pods/attach: channels over WebSocket, answered by an interpreter in memory.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ and k8s.io/apimachinery remotecommand (v4, v5).
No process of the machine is ever started.
"""

from __future__ import annotations

from typing import Any

from opsmodal.demo.api.requests import Answer, Request, Target
from opsmodal.demo.documents import Obj
from opsmodal.demo.problems import bad_request
from opsmodal.demo.world import World


class Exec:
    """Serve pods/exec."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request, target: Target, pod: Obj) -> Answer | None:
        """Run a command in a container, over the socket of the request."""
        _: Any = (request, target, pod)
        raise bad_request("Upgrade request required")
