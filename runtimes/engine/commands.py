"""The Commands tab of an engine: whose containers there are, and where a command that was let through runs.

What a command may be is judged elsewhere; here is held only what no mistake there may break: a command for a container
reaches the service's own containers and no other.
"""

from __future__ import annotations

from runtimes.base import Scope
from runtimes.commands import Command, Kinds, Scaled, Started
from runtimes.commands import Containers as Named
from runtimes.engine.answers import Inspected
from runtimes.engine.client import Client
from runtimes.engine.containers import Containers
from runtimes.engine.inside import Inside
from runtimes.engine.onhost import OnHost
from runtimes.engine.problems import Kind
from runtimes.engine.scope import owns


class Commands:
    """Run commands of one engine. Safe to use from several threads."""

    def __init__(self, kind: Kind, *, containers: Containers, inside: Inside, on_host: OnHost, client: Client) -> None:
        self.program: str = kind
        self._containers = containers
        self._inside = inside
        self._on_host = on_host
        self._client = client

    @property
    def hosts(self) -> bool:
        """Whether the connection leads to the engine's host."""
        return self._on_host.there

    def missing(self) -> str:
        """Say in a sentence what to install for the engine's own program to run; "" when it is there."""
        return self._client.missing()

    def containers(self, scope: Scope) -> Named:
        """Name every container of the engine, running or not: the service's own, and all others."""
        own: dict[str, str] = {}
        other: dict[str, str] = {}
        for row in self._containers.everything():
            (own if owns(scope, name=row.name, labels=row.labels or {}) else other)[row.name] = row.id
        return Named(own=own, other=other)

    def kinds(self) -> Kinds:
        """Give nothing: an engine has no kinds that could be added."""
        return Kinds()

    def scaled(self, scope: Scope) -> Scaled:  # noqa: ARG002  (every runtime is asked for a scope's)
        """Give nothing: an engine scales nothing by itself."""
        return Scaled()

    def tokens(self, scope: Scope) -> frozenset[str]:  # noqa: ARG002  (every runtime is asked for a scope's)
        """Give nothing: an engine has no accounts."""
        return frozenset()

    def run(self, scope: Scope, command: Command) -> Started:
        """Begin to run; see `runtimes.commands.Commands.run`."""
        if command.where == "container":
            return self._inside.run(self._own(scope, command.container), command)
        if command.where == "host":
            return self._on_host.run(command)
        return self._client.run(command)

    def close(self) -> None:
        """End what runs. May be called twice."""
        self._inside.close()
        self._client.close()

    def _own(self, scope: Scope, wanted: str) -> Inspected:
        return self._containers.one(scope, wanted)
