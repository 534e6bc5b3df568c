"""Makes rows out of routes and the containers that they lead to, and says what is wrong with each. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runtimes.base import Domain
from runtimes.caddy.config import HTTP_PORT, HTTPS_PORT, Entry, Known, Server
from runtimes.caddy.drafts import revision
from runtimes.caddy.marks import digest
from runtimes.caddy.routes import Route, understood, with_tls
from runtimes.caddy.servers import choices as servers
from runtimes.domains import DomainChoices, DomainRow
from runtimes.engine.answers import Inspected
from runtimes.engine.domains import upstreams
from runtimes.engine.domains.surroundings import Around

BY_HAND = (
    "It was changed by hand, and is not as opsmodal makes it: change it in Caddy's own configuration, or remove it."
)
FOREIGN = "It was not made here: change it where Caddy's configuration is written."
TLS = ("automatic", "internal", "none")
OTHERS_MAX = 500


def rows(around: Around, service: str) -> Iterator[tuple[DomainRow, Entry]]:
    """Give the service's routes, and those that others made to its containers."""
    for entry in around.known.entries():
        server = around.known.servers[entry.server]
        if entry.mark is not None and entry.mark.service == service:
            route = understood(entry)
            yield (_own(entry, route, server, around) if route else _by_hand(entry, server, around)), entry
        elif entry.mark is None and any(around.reached(dial) for dial in entry.dials):
            for row in _foreign(entry, server, around):
                yield row, entry


def others(around: Around) -> tuple[str, ...]:
    """Give hosts and paths of what was not made here and leads elsewhere."""
    found = {
        f"{host}{path}"
        for entry in around.known.entries()
        if entry.mark is None and not any(around.reached(dial) for dial in entry.dials)
        for host in entry.hosts or ("*",)
        for path, _ in entry.paths
    }
    return tuple(sorted(found)[:OTHERS_MAX])


def glances(known: Known, service: str) -> Iterator[Domain]:
    """Give the service's own routes as an overview has them: without what its engine says."""
    for entry in known.entries():
        if entry.mark is not None and entry.mark.service == service:
            mark, server = entry.mark, known.servers[entry.server]
            for host in entry.hosts or ("*",):
                target = f"{mark.container}:{mark.port}" if mark.container else "a redirect"
                secure = known.tls_of(server, host) != "none"
                yield Domain(host=host, path=entry.paths[0][0], target=target, tls=secure)


def choices(around: Around) -> DomainChoices:
    """Say what a route can be made of."""
    about = servers(around.known)
    return DomainChoices(
        backends={name: upstreams.ports(net) for name, net in sorted(around.nets.items())},
        classes=tuple(about),
        kinds=("route",),
        about=about,
        tls=TLS,
        any_port=True,
    )


def _own(entry: Entry, route: Route, server: Server, around: Around) -> DomainRow:
    tls = around.known.tls_of(server, route.host)
    container = around.containers.get(route.container)
    now, _ = around.now(route) if route.container else ("", "")
    row = _plain(entry, server, around, route.host, (route.path, route.path_type))
    return replace(
        row,
        id=route.id,
        backend=route.container,
        port=route.port,
        ready=int(_is_ready(container)) if container else None,
        problems=tuple(_problems(route, around)),
        proxying=with_tls(route, tls).proxying,
        address=route.dial,
        moved=bool(now) and now != route.dial,
        revision=revision(entry.raw, tls),
    )


def _by_hand(entry: Entry, server: Server, around: Around) -> DomainRow:
    mark = entry.mark
    row = _plain(entry, server, around, next(iter(entry.hosts), "*"), entry.paths[0] if entry.paths else ("/", "Exact"))
    named = (mark.digest, mark.container, mark.port) if mark else ("", "", "")
    return replace(row, id=f"route.{named[0]}", backend=named[1], port=named[2], editable=False, fixed=BY_HAND)


def _foreign(entry: Entry, server: Server, around: Around) -> Iterator[DomainRow]:
    reached = next(each for each in entry.dials if around.reached(each))
    for host in entry.hosts or ("*",):
        for place in entry.paths:
            row = _plain(entry, server, around, host, place)
            name = around.reached(reached)
            container = around.containers.get(name)
            yield replace(
                row,
                id=f"found.{digest(entry.server, str(entry.index), host, *place)}",
                backend=name,
                port=reached.rpartition(":")[2],
                ready=int(_is_ready(container)) if container else None,
                address=reached,
                editable=False,
                fixed=FOREIGN,
            )


def _plain(entry: Entry, server: Server, around: Around, host: str, place: tuple[str, str]) -> DomainRow:
    tls = around.known.tls_of(server, host)
    usual = HTTP_PORT if tls == "none" else HTTPS_PORT
    return DomainRow(
        id="",
        kind="route",
        object=entry.mark.text if entry.mark else "",
        host=host,
        path=place[0],
        path_type=place[1],
        class_name=entry.server,
        tls=tls != "none",
        listen_port=server.port if server.port != usual else 0,
        revision=revision(entry.raw, tls),
    )


def _problems(route: Route, around: Around) -> Iterator[str]:
    if not route.container:
        return
    container, (now, why) = around.containers.get(route.container), around.now(route)
    if container is not None and not container.state.running:
        yield f"{route.container} is not running: until it is, visitors get 502."
    elif container is not None and not _is_ready(container):
        yield f"{route.container} is not healthy."
    if why and (container is None or container.state.running):
        yield why
    if now != route.dial and {route.dial, route.dial.rpartition(":")[0].strip("[]")} & around.elsewhere:
        yield f"It leads to {route.dial}, which is by now the address of a container of somebody else."
    elif not why and now != route.dial:
        yield f"It leads to {route.dial}, while {route.container} is at {now} by now."


def _is_ready(container: Inspected) -> bool:
    state = container.state
    return state.running and not state.paused and (state.health is None or state.health.status != "unhealthy")
