"""What a service's domains stand on: its containers, where Caddy runs, and what Caddy has been told. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtimes.base import Scope
from runtimes.caddy.address import AdminAddress
from runtimes.caddy.admin import Admin
from runtimes.caddy.config import Known, known
from runtimes.caddy.routes import Route
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.containers import Containers
from runtimes.engine.domains import upstreams
from runtimes.engine.domains.networks import Net, held_by, nets
from runtimes.engine.pods import Pods
from runtimes.errors import Invalid, Missing, RuntimeProblem

PROXYS_OWN = "Caddy runs in {}: a route to itself goes round in circles, or opens its admin API to everybody."
ADMINS = "{} is the admin API of Caddy: whoever reaches it owns the proxy."


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What was read for one service. `proxy` is the container that Caddy runs in, None on the host itself.

    `nets` says by a container's name whose network it is in, `elsewhere` which addresses other containers have.
    """

    containers: Mapping[str, Inspected]
    nets: Mapping[str, Net]
    elsewhere: frozenset[str]
    known: Known = field(repr=False)
    admin: AdminAddress
    proxy: Inspected | None
    rootless: bool

    def address(self, container: str, port: str) -> str:
        """Give where Caddy finds a port of a container. Raise Missing for one of another service, Conflict, Invalid."""
        net = self.nets.get(container)
        if net is None:
            raise Missing(f"There is no container {container} in this service.", hint="Choose one that there is.")
        if self.proxy is not None and net.holder is not None and net.holder.id == self.proxy.id:
            raise Invalid(PROXYS_OWN.format(container), hint="Choose another container.", field="target")
        dial = upstreams.address(net, port, proxy=self.proxy, rootless=self.rootless)
        host, _, number = dial.rpartition(":")
        if self.admin.is_at(host, int(number)):
            raise Invalid(
                ADMINS.format(dial), hint="Publish the container's port under another number.", field="target"
            )
        return dial

    def now(self, route: Route) -> tuple[str, str]:
        """Give where a route's container is now, and why that is not known; one of them is ""."""
        try:
            return self.address(route.container, route.port), ""
        except RuntimeProblem as problem:
            return "", problem.sentence

    def reached(self, dial: str) -> str:
        """Name the service's container that an address leads to; "" for none."""
        return next((name for name, net in self.nets.items() if upstreams.is_reached(net, dial)), "")


class Surroundings:
    """Reads what stands around the domains of a service. Safe to use from several threads."""

    def __init__(self, containers: Containers, pods: Pods, admin: Admin, *, rootless: bool) -> None:
        self._containers = containers
        self._pods = pods
        self._admin = admin
        self._rootless = rootless

    def read(self, scope: Scope) -> Around:
        """Read everything as it is now. Raise Lacking when Caddy does not answer, what the engine says otherwise."""
        own = {each.own_name: each for each in self._containers.all(scope)}
        told = self._admin.read()
        everything = self._containers.everything()
        found = nets(own, everything, self._pods(), self._containers.inspected)
        mine = {each.id for net in found.values() for each in (net.container, net.holder) if each}
        return Around(
            containers=own,
            nets=found,
            elsewhere=frozenset(upstreams.held(row for row in everything if row.id not in mine)),
            known=known(told.root, told.etag),
            admin=self._admin.address,
            proxy=self._proxy(everything),
            rootless=self._rootless,
        )

    def _proxy(self, everything: list[Row]) -> Inspected | None:
        """Find the container that publishes the admin port: Caddy runs in it, behind a network of its own."""
        there = next((row.id for row in everything if self._publishes(row)), "")
        try:
            return held_by(self._containers.inspected(there), self._containers.inspected) if there else None
        except Missing:
            return None

    def _publishes(self, row: Row) -> bool:
        admin = self._admin.address
        return any(each.type == "tcp" and admin.is_at(each.ip, each.public_port) for each in row.ports or ())
