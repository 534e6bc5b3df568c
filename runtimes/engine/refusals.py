"""What an engine said when it could not start a container that was started from here.

dockerd writes most of it down with the container, but not that a mounted path is missing; Podman 4.3 writes nothing
down. It is kept until the container has run again, in the memory of the worker that asked.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from runtimes.engine.answers import Inspected

CONTAINERS_MAX = 500


class Refusals:
    """The engine's last words, by container. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def note(self, container: Inspected, said: str) -> None:
        """Take down what the engine said when it was asked to start a container, as it was read before that."""
        with self._lock:
            self._said[container.id] = (container.state.started_at, said)
            self._said.move_to_end(container.id)
            while len(self._said) > CONTAINERS_MAX:
                self._said.popitem(last=False)

    def of(self, container: Inspected) -> str:
        """Give what was said of a container that has not run since; "" where nothing was."""
        with self._lock:
            started_at, said = self._said.get(container.id, ("", ""))
        return said if not container.state.running and container.state.started_at == started_at else ""
