"""What a configuration says, as far as routes of hosts are concerned: servers, routes, who makes certificates. Pure.

What is not understood is passed over here and stays in the configuration. Source: https://caddyserver.com/docs/json/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtimes.caddy.marks import SERVER, Mark, policy_service, read
from runtimes.caddy.steps import Document, at

HTTP_PORT, HTTPS_PORT = 80, 443
SERVERS = ("apps", "http", "servers")
POLICIES = ("apps", "tls", "automation", "policies")
PORT = re.compile(r":([0-9]{1,5})$")
INTERNAL_NAMES = re.compile(r"(?:.*\.)?(?:localhost|local|internal|home\.arpa)")
"""Names for which Caddy makes certificates itself, since nobody else would."""
DEPTH_MAX = 6
"""How deep routes within routes are looked into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One route of a server. `mark` is None for one that opsmodal did not make; hosts () means every host.

    `inner_hosts` are those that only routes within it name: Caddyfiles write a site for every host like that.
    """

    server: str
    index: int
    raw: Document = field(repr=False)
    mark: Mark | None = None
    hosts: tuple[str, ...] = ()
    inner_hosts: tuple[str, ...] = ()
    paths: tuple[tuple[str, str], ...] = ()
    dials: tuple[str, ...] = ()
    terminal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server: `secure` where Caddy gives its hosts TLS by itself; `fixed` is why it takes no route of ours."""

    name: str
    listen: tuple[str, ...]
    port: int
    secure: bool
    own: bool
    fixed: str
    entries: tuple[Entry, ...]

    @property
    def words(self) -> str:
        """Say where it listens: `listens on :443`."""
        return f"listens on {', '.join(self.listen)}" if self.listen else "listens nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How certificates of some names are made; subjects () means all others. `service` made it, "" for nobody here."""

    index: int
    subjects: tuple[str, ...]
    internal: bool
    service: str
    raw: Document = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A configuration as it was read: `root` is the whole of it."""

    root: Document = field(repr=False)
    etag: str
    http_port: int
    https_port: int
    servers: Mapping[str, Server]
    policies: tuple[Policy, ...]

    def entries(self) -> Iterator[Entry]:
        """Give the routes of all servers."""
        for server in self.servers.values():
            yield from server.entries

    def policy_of(self, host: str) -> Policy | None:
        """Give what holds for a host: an entry that names it, or a wildcard of it, before one that names none."""
        named = (each for each in self.policies if any(holds(subject, host) for subject in each.subjects))
        return next(named, None) or next((each for each in self.policies if not each.subjects), None)

    def tls_of(self, server: Server, host: str) -> str:
        """Say how a host of a server has TLS: "automatic", "internal" or "none"."""
        if not server.secure:
            return "none"
        policy = self.policy_of(host)
        internal = policy.internal if policy else bool(INTERNAL_NAMES.fullmatch(host))
        return "internal" if internal else "automatic"


def spelled(host: str) -> str:
    """Give a host as DNS has it, so that one host has one spelling: small letters, ASCII, no dot at the end."""
    plain = host.lower().rstrip(".")
    if plain.isascii():
        return plain
    try:
        return plain.encode("idna").decode()
    except UnicodeError:
        return plain


def holds(pattern: str, host: str) -> bool:
    """Tell whether a host is one of a pattern, in which each label `*` stands for one of any name."""
    labels, others = pattern.split("."), host.split(".")
    return len(labels) == len(others) and all(each in ("*", other) for each, other in zip(labels, others, strict=True))


def known(root: Document, etag: str) -> Known:
    """Read a configuration."""
    http = _map(at(root, SERVERS[:-1]))
    http_port, https_port = _port(http.get("http_port"), HTTP_PORT), _port(http.get("https_port"), HTTPS_PORT)
    found = {name: _server(name, _map(raw), http_port) for name, raw in _map(http.get("servers")).items()}
    policies = tuple(_policy(index, _map(raw)) for index, raw in enumerate(_list(at(root, POLICIES))))
    return Known(root=root, etag=etag, http_port=http_port, https_port=https_port, servers=found, policies=policies)


def _server(name: str, raw: Document, http_port: int) -> Server:
    listen = tuple(_texts(raw.get("listen")))
    ports = [int(match[1]) for each in listen if (match := PORT.search(each))]
    automatic = _map(raw.get("automatic_https"))
    by_hand = bool(raw.get("tls_connection_policies")) and bool(automatic.get("disable"))
    secure = any(port != http_port for port in ports) and not automatic.get("disable")
    fixed = ""
    if not ports:
        fixed = f"{name} listens on no port."
    elif by_hand or automatic.get("disable_certificates"):
        fixed = f"{name} has its certificates set by hand."
    entries = tuple(_entry(name, index, _map(each)) for index, each in enumerate(_list(raw.get("routes"))))
    return Server(
        name=name,
        listen=listen,
        port=ports[0] if ports else 0,
        secure=secure,
        own=str(raw.get("@id", "")).startswith(f"{SERVER}~"),
        fixed=fixed,
        entries=entries,
    )


def _entry(server: str, index: int, raw: Document) -> Entry:
    sets = [_map(each) for each in _list(raw.get("match"))]
    hosts = _hosts(sets)
    if any("host" not in each for each in sets):
        hosts = ()  # sets are alternatives: one without a host is for every host
    return Entry(
        server=server,
        index=index,
        raw=raw,
        mark=read(raw.get("@id")),
        hosts=hosts,
        inner_hosts=tuple(dict.fromkeys(_inner_hosts(raw))),
        paths=_paths(sets),
        dials=tuple(_dials(raw)),
        terminal=bool(raw.get("terminal")),
    )


def _hosts(sets: list[Document]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(spelled(host) for each in sets for host in _texts(each.get("host"))))


def _inner_hosts(raw: Any, depth: int = DEPTH_MAX) -> Iterator[str]:
    if depth == 0:
        return
    for handler in (_map(each) for each in _list(_map(raw).get("handle"))):
        for inner in (_map(each) for each in _list(handler.get("routes"))):
            yield from _hosts([_map(each) for each in _list(inner.get("match"))])
            yield from _inner_hosts(inner, depth - 1)


def _paths(sets: list[Document]) -> tuple[tuple[str, str], ...]:
    """Give (path, how it is matched) of a route: `/shop` with `/shop/*` is a prefix."""
    if not sets or any("path" not in each for each in sets):
        return (("/", "Prefix"),)
    told = [path for each in sets for path in _texts(each.get("path"))]
    found = []
    for path in told:
        if path in ("*", "/*"):
            found.append(("/", "Prefix"))
        elif path.endswith("*"):
            found.append((path.rstrip("*").rstrip("/") or "/", "Prefix"))
        elif f"{path}/*" not in told:
            found.append((path, "Exact"))
    return tuple(dict.fromkeys(found))


def _dials(raw: Any, depth: int = DEPTH_MAX) -> Iterator[str]:
    """Give where a route leads, also through routes within it."""
    if depth == 0:
        return
    for handler in (_map(each) for each in _list(_map(raw).get("handle"))):
        for upstream in _list(handler.get("upstreams")):
            if isinstance(dial := _map(upstream).get("dial"), str):
                yield dial
        for inner in _list(handler.get("routes")):
            yield from _dials(inner, depth - 1)


def _policy(index: int, raw: Document) -> Policy:
    issuers = [_map(each).get("module") for each in _list(raw.get("issuers"))]
    return Policy(
        index=index,
        subjects=tuple(spelled(each) for each in _texts(raw.get("subjects"))),
        internal=bool(issuers) and all(each == "internal" for each in issuers),
        service=policy_service(raw.get("@id")),
        raw=raw,
    )


def _map(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> Iterator[str]:
    return (each for each in _list(value) if isinstance(each, str))


def _port(value: Any, usual: int) -> int:
    return value if isinstance(value, int) and 0 < value < 65536 else int(value) if isinstance(value, float) else usual
