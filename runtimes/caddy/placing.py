"""Where among the routes of a server a new one has to stand. Pure.

Caddy asks routes in their order. A new one stands before the first that would answer its requests and is less exact:
for every host, for a wildcard, for a shorter path of the same host. It never stands before one that is more exact, so
that a wildcard takes nothing from hosts that others have. Routes that only add something (compress, set headers, ask
who it is) and pass on stay before it, so that what they do holds for it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runtimes.caddy.config import Entry, holds
from runtimes.caddy.routes import Route

PASSING = frozenset(
    [
        "authentication",
        "encode",
        "headers",
        "log_append",
        "map",
        "metrics",
        "push",
        "request_body",
        "request_header",
        "rewrite",
        "tracing",
        "uri",
        "vars",
    ]
)
"""Handlers that hand a request on when they are done with it."""


def position(route: Route, entries: Sequence[Entry]) -> int:
    """Give the index at which a route is inserted."""
    less = (index for index, entry in enumerate(entries) if _answers(entry) and _is_any(_is_less_exact, entry, route))
    more = (index for index, entry in enumerate(entries) if _is_any(_is_more_exact, entry, route))
    return max(next(less, len(entries)), max(more, default=-1) + 1)


def shadows(route: Route, entries: Sequence[Entry]) -> bool:
    """Tell whether a route that is less exact stands before it and answers in its place."""
    before = entries[: position(route, entries)]
    return any(_answers(each) and _is_any(_is_less_exact, each, route) for each in before)


def catchers(route: Route, entries: Sequence[Entry]) -> list[Entry]:
    """Give the routes that would answer some of a route's requests without it, by a wildcard or for every host."""
    return [each for each in entries if _answers(each) and any(_covers(host, route.host) for host in _hosts(each))]


def covers(host: str, other: str) -> bool:
    """Tell whether a host with a wildcard holds another one."""
    return host != other and holds(host, other)


def _hosts(entry: Entry) -> tuple[str, ...]:
    return entry.hosts or ("",)


def _is_any(judged: Callable[[str, tuple[str, str], Route], bool], entry: Entry, route: Route) -> bool:
    return any(judged(host, path, route) for host in _hosts(entry) for path in entry.paths)


def _covers(host: str, other: str) -> bool:
    return not host or covers(host, other)


def _answers(entry: Entry) -> bool:
    handlers = [each.get("handler") if isinstance(each, dict) else "" for each in entry.raw.get("handle") or ()]
    return entry.terminal or not handlers or any(each not in PASSING for each in handlers)


def _is_less_exact(host: str, path: tuple[str, str], route: Route) -> bool:
    if _covers(host, route.host):
        return True
    return host == route.host and _weight(*path) < _weight(route.path, route.path_type)


def _is_more_exact(host: str, path: tuple[str, str], route: Route) -> bool:
    if covers(route.host, host):
        return True
    return host == route.host and _weight(*path) > _weight(route.path, route.path_type)


def _weight(path: str, path_type: str) -> tuple[int, bool]:
    return len(path.rstrip("/")), path_type == "Exact"
