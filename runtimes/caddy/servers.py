"""Which server takes a route: one that there is, or one that is made for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from runtimes.caddy.config import SERVERS, Known, Server
from runtimes.caddy.marks import SERVER
from runtimes.caddy.steps import Document
from runtimes.causes.words import quoted
from runtimes.errors import Conflict, Invalid

SECURE_NAME, PLAIN_NAME = "opsmodal", "opsmodal-http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A server that takes a route; `raw` is what it is made of where it is not there yet."""

    server: Server
    raw: Document | None = field(default=None, repr=False)


def choices(known: Known) -> dict[str, str]:
    """Give the servers that may take a route, each with where it listens."""
    return {each.name: each.words for each in known.servers.values() if not each.fixed}


def chosen(known: Known, name: str, tls: str) -> Chosen:
    """Find the server of that name, or the one that fits the wanted TLS. Raise Invalid or Conflict."""
    if name:
        return Chosen(server=_named(known, name, tls))
    secure = tls != "none"
    fitting = [each for each in known.servers.values() if not each.fixed and each.secure == secure]
    usual = known.https_port if secure else known.http_port
    fitting.sort(key=lambda each: (each.port != usual, each.name))
    return Chosen(server=fitting[0]) if fitting else _new(known, secure=secure)


def _named(known: Known, name: str, tls: str) -> Server:
    found = known.servers.get(name)
    if found is None:
        hint = f"There are: {', '.join(choices(known)) or 'none yet'}. Left empty, one that fits is taken or made."
        raise Invalid(f'Caddy has no server "{quoted(name[:100])}".', hint=hint, field="class_name")
    if found.fixed:
        raise Invalid(found.fixed, hint="Choose another server.", field="class_name")
    if tls and (tls != "none") != found.secure:
        has = "gives its hosts TLS" if found.secure else "has no TLS"
        raise Invalid(f"{name}, which {found.words}, {has}.", hint="Choose another server, or none.", field="tls")
    return found


def _new(known: Known, *, secure: bool) -> Chosen:
    name, port = (SECURE_NAME, known.https_port) if secure else (PLAIN_NAME, known.http_port)
    if name in known.servers:
        hint = "Choose one of the servers that there are."
        raise Conflict(f"Caddy has a server {name} that takes no such route.", hint=hint, field="class_name")
    listen = f":{port}"
    server = Server(name=name, listen=(listen,), port=port, secure=secure, own=True, fixed="", entries=())
    return Chosen(server=server, raw={"@id": f"{SERVER}~{name}", "listen": [listen]})


def place(name: str) -> tuple[str, ...]:
    """Give where a server stands in the configuration."""
    return (*SERVERS, name)
