"""A route of ours: made out of what is wanted, and read back out of what Caddy has. Pure.

What is read back is made again and compared, so that a route somebody has changed by hand is known as such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runtimes.caddy.config import Entry
from runtimes.caddy.marks import Mark, digest
from runtimes.caddy.steps import Document, at
from runtimes.domains import Headers, Proxying

URI = "{http.request.uri}"
"""Path and query as they were asked for: the one placeholder in what we write, and written by us."""
SECONDS = re.compile(r"([0-9]{1,4})s")
BARE_REDIRECT = re.compile(r"https?://[^/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a route says. `dial` is where it leads ("" for a redirect); its TLS stands elsewhere, see `policies`."""

    service: str
    server: str
    host: str
    path: str
    path_type: str
    container: str = ""
    port: str = ""
    dial: str = ""
    proxying: Proxying

    @property
    def words(self) -> str:
        """Name it for a person: `shop.example.com/cart`."""
        return f"{self.host}{self.path}"

    @property
    def key(self) -> tuple[str, str, bool]:
        """Give what no two routes of a server may share; to Caddy capital letters of a path are small ones."""
        return self.host, self.path.lower(), self.path_type == "Exact"

    @property
    def mark(self) -> Mark:
        """Give the name by which it is known in the configuration."""
        said = digest(self.service, self.server, self.host, self.path, self.path_type)
        return Mark(service=self.service, container=self.container, port=self.port, digest=said)

    @property
    def id(self) -> str:
        """Give the row's address, the same wherever the route leads."""
        return f"route.{self.mark.digest}"


def made(route: Route) -> Document:
    """Write a route as Caddy takes it."""
    match: Document = {"host": [route.host]}
    if route.path_type == "Exact":
        match["path"] = [route.path]
    elif route.path != "/":
        match["path"] = [route.path, f"{route.path}/*"]
    handler = _redirect(route.proxying) if route.proxying.redirect else _proxy(route)
    return {"@id": route.mark.text, "match": [match], "handle": [handler], "terminal": True}


def understood(entry: Entry) -> Route | None:
    """Read a route of ours back; None for one that we did not make, or that is not as we make them any more."""
    if entry.mark is None:
        return None
    if len(entry.hosts) != 1 or len(entry.paths) != 1 or len(entry.raw.get("handle") or ()) != 1:
        return None
    path, path_type = entry.paths[0]
    route = Route(
        service=entry.mark.service,
        server=entry.server,
        host=entry.hosts[0],
        path=path,
        path_type=path_type,
        container=entry.mark.container,
        port=entry.mark.port,
        dial=next(iter(entry.dials), ""),
        proxying=_options(entry.raw["handle"][0]),
    )
    return route if made(route) == entry.raw else None


def with_tls(route: Route, tls: str) -> Route:
    """Give a route with what holds for its host."""
    return replace(route, proxying=replace(route.proxying, tls=tls))


def _proxy(route: Route) -> Document:
    options = route.proxying
    handler: Document = {"handler": "reverse_proxy", "upstreams": [{"dial": route.dial}]}
    headers = {
        side: {"set": {name: [value] for name, value in given}}
        for side, given in (("request", options.request_headers), ("response", options.response_headers))
        if given
    }
    if headers:
        handler["headers"] = headers
    times = {
        name: f"{given}s"
        for name, given in (
            ("dial_timeout", options.connect_timeout_s),
            ("response_header_timeout", options.answer_timeout_s),
        )
        if given
    }
    if times:
        handler["transport"] = {"protocol": "http", **times}
    return handler


def _redirect(options: Proxying) -> Document:
    """Send visitors on: to the same path and query elsewhere, or to one address where a path is named."""
    to = f"{options.redirect}{URI}" if BARE_REDIRECT.fullmatch(options.redirect) else options.redirect
    return {"handler": "static_response", "headers": {"Location": [to]}, "status_code": options.redirect_status}


def _options(handler: Any) -> Proxying:
    to = next(iter(at(handler, ("headers", "Location")) or ()), "")
    if to:
        status = at(handler, ("status_code",))
        return Proxying(
            redirect=str(to).removesuffix(URI), redirect_status=int(status) if isinstance(status, int | float) else 0
        )
    return Proxying(
        request_headers=_headers(at(handler, ("headers", "request", "set"))),
        response_headers=_headers(at(handler, ("headers", "response", "set"))),
        connect_timeout_s=_seconds(at(handler, ("transport", "dial_timeout"))),
        answer_timeout_s=_seconds(at(handler, ("transport", "response_header_timeout"))),
    )


def _headers(given: Any) -> Headers:
    if not isinstance(given, Mapping):
        return ()
    return tuple((name, values[0]) for name, values in given.items() if isinstance(values, list) and values)


def _seconds(given: Any) -> int:
    found = SECONDS.fullmatch(given) if isinstance(given, str) else None
    return int(found[1]) if found else 0
