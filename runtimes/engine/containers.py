"""Reads a service's containers from the engine, through the wall of `scope`: nothing else ever leaves this module.

An id that a person sends is looked up among the service's own containers, and what the engine then says of it is held
against the scope once more, so that a name that was given to another container in between reaches nothing.
"""

from __future__ import annotations

import msgspec

from runtimes.base import Scope
from runtimes.engine import scope as wall
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.api import Api, escaped
from runtimes.engine.kept import aside_filters, owns_aside
from runtimes.engine.pool import Pool
from runtimes.errors import Missing


class Containers:
    """The containers of one engine, as one service or discovery may see them."""

    def __init__(self, api: Api, pool: Pool) -> None:
        self._api = api
        self._pool = pool

    def everything(self) -> list[Row]:
        """List every container of the engine: for discovery and for finding who holds a port, never for a page."""
        return self._listed({})

    def listed(self, scope: Scope) -> list[Row]:
        """List the service's containers, running or not."""
        found = {row.id: row for filters in wall.engine_filters(scope) for row in self._listed(filters)}
        return [row for row in found.values() if wall.owns(scope, name=row.name, labels=row.labels or {})]

    def all(self, scope: Scope) -> list[Inspected]:
        """Read everything about each of the service's containers."""
        read = self._pool.each(lambda row: self.inspected(row.id), self.listed(scope))
        return [each for each in read if wall.owns(scope, name=each.own_name, labels=each.labels)]

    def one(self, scope: Scope, wanted: str) -> Inspected:
        """Read everything about the one container that `wanted` names. Raise Missing when it is not the service's."""
        row = wall.pick(self.listed(scope), wanted, service=scope.service)
        try:
            container = self.inspected(row.id)
        except Missing:
            container = None
        # The id of one that is gone may be the name of another container: an engine would give that one.
        if container is None or container.id != row.id:
            raise wall.missing(wanted, service=scope.service)
        if not wall.owns(scope, name=container.own_name, labels=container.labels):
            raise wall.missing(wanted, service=scope.service)
        return container

    def aside(self, scope: Scope) -> list[Row]:
        """List what updates of the service's containers have put aside."""
        found = {row.id: row for filters in aside_filters(scope) for row in self._listed(filters)}
        return [
            row for row in found.values() if owns_aside(scope, name=row.name, state=row.state, labels=row.labels or {})
        ]

    def one_aside(self, scope: Scope, wanted: str) -> Inspected:
        """Read everything about one container that was put aside. Raise Missing when it was not the service's."""
        row = wall.pick(self.aside(scope), wanted, service=scope.service)
        try:
            found = self.inspected(row.id)
        except Missing:
            found = None
        if found is None or not owns_aside(scope, name=found.own_name, state=found.state.status, labels=found.labels):
            raise wall.missing(wanted, service=scope.service)
        return found

    def _listed(self, filters: object) -> list[Row]:
        encoded = msgspec.json.encode(filters).decode()
        return self._api.get("/containers/json", list[Row], {"all": 1, "filters": encoded})

    def inspected(self, container: str, *, timeout_s: float | None = None) -> Inspected:
        """Read everything about a container of any service: for the live collection, never for a page."""
        return self._api.get(f"/containers/{escaped(container)}/json", Inspected, timeout_s=timeout_s)
