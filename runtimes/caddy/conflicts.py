"""Who has a host, or a host and path, already: of others only that it is taken is told. Pure.

Of two routes of one server for the same host and path the first answers, and the second never. A host that only others
have is not taken by the way either: the longer path wins, and a new /login would be taken from what answers there.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.caddy.config import Entry, Known, Server
from runtimes.caddy.placing import catchers, covers, shadows
from runtimes.caddy.routes import Route
from runtimes.errors import Conflict

HINT = "Take another host or path."


def demand_free(route: Route, known: Known, server: Server, *, itself: Entry | None, shared: bool) -> tuple[str, ...]:
    """Raise Conflict for a host and path that is taken, or a host that is others'; give warnings otherwise."""
    others = [each for each in known.entries() if itself is None or _place(each) != _place(itself)]
    for entry in others:
        if entry.server == server.name and route.key in _keys(entry):
            whose = "by another route of this service" if _is_own(entry, route) else "in Caddy's configuration"
            raise Conflict(f"{route.words} is taken {whose}.", hint=HINT, field="host")
    return (*_shared(route, others, itself, shared=shared), *_warnings(route, server, others))


def _shared(route: Route, others: list[Entry], itself: Entry | None, *, shared: bool) -> Iterator[str]:
    holding = [each for each in others if route.host in (*each.hosts, *each.inner_hosts)]
    own = any(_is_own(each, route) for each in holding) or (itself is not None and route.host in itself.hosts)
    if not holding or all(_is_own(each, route) for each in holding):
        return
    told = f"{route.path} is taken from what answers there"
    if not own and not shared:
        sentence = f"{route.host} is the host of routes that are not this service's."
        hint = f"The longer path wins, so {told}: ask whose it is, then confirm that the host is shared."
        raise Conflict(sentence, hint=hint, field="shared_host")
    yield f"{route.host} has routes that are not this service's, too: {told}."


def _warnings(route: Route, server: Server, others: list[Entry]) -> Iterator[str]:
    elsewhere = {each.server for each in others if each.server != server.name and route.key in _keys(each)}
    for name in sorted(elsewhere):
        yield f"Server {name} has {route.words} as well: which one answers is a matter of the port."
    here = [each for each in others if each.server == server.name]
    if shadows(route, here):
        yield f"A route for more than {route.words} stands before it and answers first: look at Caddy's configuration."
    elif catchers(route, here):
        yield f"So far {route.host} is answered by a route for many hosts; this one is put before it."
    if any(covers(route.host, host) for each in here for host in each.hosts):
        yield f"Names under {route.host} that have a route of their own keep it."


def _keys(entry: Entry) -> set[tuple[str, str, bool]]:
    return {(host, path.lower(), kind == "Exact") for host in entry.hosts for path, kind in entry.paths}


def _is_own(entry: Entry, route: Route) -> bool:
    return entry.mark is not None and entry.mark.service == route.service


def _place(entry: Entry) -> tuple[str, int]:
    return entry.server, entry.index
