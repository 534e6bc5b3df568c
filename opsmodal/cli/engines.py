"""Finds the container engines of this machine for the demo, and registers the services that run on them."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

from connectors.errors import ConnectionProblem
from opsmodal.cli.wording import note
from opsmodal.errors import Rejected
from runtimes.errors import RuntimeProblem

if TYPE_CHECKING:
    from opsmodal.cli.opened import Installation
    from runtimes.base import Proposal

log = logging.getLogger(__name__)

CONNECT_S = 0.3
SERVICES_MAX = 50
"""A demo is looked at, not searched."""
JOIN_S = 5.0
NAME_MAX_CHARS = 63


def sockets() -> list[tuple[str, str, str]]:
    """List (runtime's name, kind, socket) for the engines whose sockets answer."""
    own = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    places = [
        ("docker", "docker", "/var/run/docker.sock"),
        ("podman", "podman", "/run/podman/podman.sock"),
        ("podman-rootless", "podman", f"{own}/podman/podman.sock"),
    ]
    return [place for place in places if _answers(place[2])]


class Engines:
    """The engines of this machine, from finding them to their services."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._names: list[str] = []
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def register(self) -> None:
        """Register every engine whose socket answers."""
        for name, kind, path in sockets():
            connection = {"name": "local", "kind": "direct", "priority": 10}
            entry = {"name": name, "kind": kind, "socket": path, "connections": [connection]}
            self._installation.registry.put("runtimes", entry, by="demo")
            self._names.append(name)

    def discover(self) -> None:
        """Look for services, in a thread: an engine that hangs must not keep the demo from starting."""
        if self._names:
            self._thread = threading.Thread(target=self._discover, name="demo-discovery", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the search."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def _discover(self) -> None:
        for name in self._names:
            try:
                self._register_services(name)
            except (RuntimeProblem, ConnectionProblem) as problem:
                note(f"{name}: {problem.sentence}")
            except Exception:
                log.exception("discovery failed", extra={"runtime": name})

    def _register_services(self, runtime: str) -> None:
        from connectors import Connectors
        from opsmodal.opening import CONNECTIONS, Opening

        connectors = Connectors(self._installation.settings.data_dir / CONNECTIONS)
        opened = Opening(self._installation.registry, connectors).open(runtime)
        try:
            proposals = opened.runtime.discover()
        finally:
            opened.runtime.close()
            opened.connection.close()
            connectors.close()
        for proposal in list(proposals)[:SERVICES_MAX]:
            if self._ending.is_set():
                return
            try:
                self._installation.registry.put("services", self._entry(runtime, proposal), by="demo")
            except Rejected as rejected:
                log.info("service not taken over", extra={"service": proposal.name, "why": rejected.problems})

    def _entry(self, runtime: str, proposal: Proposal) -> dict[str, Any]:
        name = re.sub(r"[^a-z0-9-]+", "-", proposal.name.lower()).strip("-")[:NAME_MAX_CHARS].strip("-")
        known = self._installation.registry.service(name)
        if known is not None and known.runtime != runtime:
            name = f"{name}-{runtime}"[-NAME_MAX_CHARS:].strip("-")
        scope = proposal.scope
        chosen = {"project": scope.project, "containers": list(scope.containers), "labels": dict(scope.labels)}
        return {"name": name, "runtime": runtime, **{key: value for key, value in chosen.items() if value}}


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_S)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True
