"""Believe what a proxy in front says of a request, and nobody else.

Behind a proxy every request has the proxy's address, and over HTTPS the wrong scheme. The proxy tells the truth in
X-Forwarded-For, -Proto and -Host; so could anybody. These headers count only from the networks that an administrator
has named, read from the right, where the nearest proxy writes. From anywhere else they are taken off the request, and
the request is marked: whoever sends them is not the machine itself, even where a proxy makes it look like that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opsmodal.networks import Network, address_in

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

FOR, PROTO, HOST = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"
FORWARDED = (FOR, PROTO, HOST, "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
MARK = "opsmodal.forwarded"
"""Set in the environment of a request that came with such headers from somebody who is not believed."""
HOPS_MAX = 20
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


class Proxied:
    """A WSGI application behind proxies."""

    def __init__(self, application: Application, trusted: Sequence[Network]) -> None:
        self._application = application
        self._trusted = tuple(trusted)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, its address, scheme and host being those that its trusted proxies tell."""
        said = {name: environ.pop(name) for name in FORWARDED if name in environ}
        if self._trusts(environ.get("REMOTE_ADDR", "")):
            self._believe(environ, said)
        elif said:
            environ[MARK] = True
        return self._application(environ, start_response)

    def _believe(self, environ: dict[str, Any], said: dict[str, str]) -> None:
        client, hops = self._client(environ["REMOTE_ADDR"], _listed(said.get(FOR, "")))
        environ["REMOTE_ADDR"] = client
        scheme = _said_by(_listed(said.get(PROTO, "")), hops).lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        host = _said_by(_listed(said.get(HOST, "")), hops)
        if _HOST.fullmatch(host):
            environ["HTTP_HOST"] = host

    def _client(self, peer: str, through: Sequence[str]) -> tuple[str, int]:
        """Give who is in front of the first trusted proxy, and how many of these the request came through."""
        client, hops = peer, 0
        for said in reversed(through):
            address = address_in(said)
            if address is None or not self._trusts(client):
                break
            client, hops = str(address), hops + 1
        return client, max(1, hops)

    def _trusts(self, text: str) -> bool:
        address = address_in(text)
        return address is not None and any(address in network for network in self._trusted)


def _listed(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")][-HOPS_MAX:] if header else []


def _said_by(values: Sequence[str], hops: int) -> str:
    """Give what the outermost of `hops` proxies said: each adds one value at the right, or leaves only its own."""
    return values[max(0, len(values) - hops)] if values else ""
