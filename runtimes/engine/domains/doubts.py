"""What is to be known before a route is written: sentences that stand in its plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.caddy.config import INTERNAL_NAMES
from runtimes.caddy.routes import Route
from runtimes.caddy.servers import Chosen
from runtimes.engine.domains import upstreams
from runtimes.engine.domains.surroundings import Around

REPAIRED = "after the container was replaced, it is to be repaired, and until then leads to whoever got the address."
KEPT = "Caddy keeps this over a restart where it is run with --resume, as its caddy-api.service does."


def doubts(around: Around, chosen: Chosen, route: Route, *, is_new: bool) -> Iterator[str]:
    """Give what may not be as expected."""
    server, tls = chosen.server, route.proxying.tls
    if chosen.raw is not None:
        yield f"Caddy has no server for it: one named {server.name} is made, which {server.words}."
    if tls == "automatic":
        yield from _certificate(route)
    elif tls == "internal":
        yield "The certificate is Caddy's own: browsers trust it only where its authority is installed."
    if _is_shared(around, route) and (is_new or around.known.tls_of(server, route.host) != tls != "none"):
        yield f"How {route.host} gets its certificate holds for all its paths."
    yield from _container(around, route)
    if is_new:
        yield KEPT


def _certificate(route: Route) -> Iterator[str]:
    if route.host.startswith("*."):
        yield "A public certificate for a wildcard needs a DNS challenge, which is set up in Caddy's own configuration."
    elif not INTERNAL_NAMES.fullmatch(route.host):
        yield (
            f"Caddy gets a public certificate when DNS leads {route.host} to this host and its ports 80 and 443 are "
            "reached from the Internet."
        )


def _is_shared(around: Around, route: Route) -> bool:
    return any(route.host in each.hosts and each.mark != route.mark for each in around.known.entries())


def _container(around: Around, route: Route) -> Iterator[str]:
    net = around.nets.get(route.container)
    if net is None:
        return
    if not net.container.state.running:
        yield f"{route.container} is not running: until it is, Caddy answers 502."
    if around.proxy is not None or not upstreams.is_published(net, route.port):
        why = (
            "Caddy runs in a container" if around.proxy else f"Port {route.port} of {route.container} is not published"
        )
        yield f"{why}, so the route leads to the container's own address: {REPAIRED}"
