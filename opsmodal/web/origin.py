"""Where a request comes from: unsafe methods and sockets are answered only for our own pages and for programs.

A browser says it by Origin and Sec-Fetch-Site, which no page can forge. A request that carries neither is not a
browser's, or an old one's, and must then carry a token, not a cookie. Lessons: CVE-2026-44985, CVE-2021-44458.
Of what only reads, other sites' pages may do one thing: lead a person here. They may embed, fetch and preload nothing,
for the session's cookie would come along from a page on another port of this host, which a browser calls the same site.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Request, request

from opsmodal.errors import BadRequest, ForeignOrigin
from opsmodal.web.named import said_of

BEARER = "bearer "
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
API_PREFIX = "/api/"
WINDOW = "document"
"""Sec-Fetch-Dest of a tab; that of a frame is `iframe`."""
OWN_SITES = ("same-origin", "none")
"""`none` is a person's own doing: an address typed, a bookmark."""
HINT = "Open the page in this installation and try again there."


def check_hosts(app: Flask, allowed: frozenset[str]) -> None:
    """Answer only to the host names this installation is known by, and to addresses.

    A page that rebinds its own name to our address still sends that name; it cannot send an address. A request that
    names no host, or another one in its first line, would be understood differently by a proxy in front (RFC 9112,
    section 3.2).
    """

    @app.before_request
    def known_host() -> None:
        if names_two_hosts(request):
            raise BadRequest("This request does not name one host.", hint="Send one Host header, and a path alone.")
        name = host_name(request.host)
        if name not in allowed and "*" not in allowed and not _is_address(name):
            raise BadRequest(
                f"This installation does not answer to the host name {name[:100]!r}.",
                hint="An administrator can add it to allowed_hosts (OPSMODAL_ALLOWED_HOSTS).",
            )


def check_origins(app: Flask) -> None:
    """Refuse unsafe requests and sockets from other sites' pages, and reads that no person is led to by them."""

    @app.before_request
    def own_origin() -> None:
        if request.method not in SAFE_METHODS or is_socket(request):
            demand_own_origin(request)
        else:
            demand_visit(request)


def demand_own_origin(asked: Request) -> None:
    """Raise ForeignOrigin unless the request is from one of our pages or from a program with a token."""
    origin = asked.headers.get("Origin")
    site = asked.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != own_origin(asked):
        raise ForeignOrigin("This request comes from another site's page.", hint=HINT)
    if site is not None and site not in OWN_SITES:
        raise ForeignOrigin("This request comes from another site's page.", hint=HINT)
    # What a proxy's header says comes along with other sites' requests just as a cookie does.
    signed_in = asked.cookies or said_of(asked) is not None
    if origin is None and site is None and not has_token(asked) and signed_in:
        raise ForeignOrigin("This request does not say which page it comes from.", hint=HINT)


def demand_visit(asked: Request) -> None:
    """Raise ForeignOrigin for a read that another site's page makes by itself: fetch, image, frame, prefetch."""
    site = asked.headers.get("Sec-Fetch-Site")
    if site is None or site in OWN_SITES:
        return
    if not is_visit(asked) or asked.path.startswith(API_PREFIX):
        raise ForeignOrigin("Another site's page may lead here, and nothing else.", hint=HINT)


def demand_own_visit(asked: Request) -> None:
    """Raise ForeignOrigin for a link of another site to what is on record as an action, like taking a copy away."""
    if asked.headers.get("Sec-Fetch-Site", "none") not in OWN_SITES:
        raise ForeignOrigin("Another site's page leads to this, and it would be on record as yours.", hint=HINT)


def is_visit(asked: Request) -> bool:
    """Tell whether a whole window goes to this address now, as far as the browser says."""
    headers = asked.headers
    if "prefetch" in headers.get("Sec-Purpose", "") or headers.get("Purpose") == "prefetch":
        return False
    return headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and headers.get("Sec-Fetch-Dest", WINDOW) == WINDOW


def has_token(asked: Request) -> bool:
    """Tell whether the request carries an API token; a browser's own Basic or Negotiate is none."""
    return asked.headers.get("Authorization", "").lower().startswith(BEARER)


def own_origin(asked: Request) -> str:
    """Give the origin that our own pages have for this request."""
    return f"{asked.scheme}://{asked.host}"


def is_socket(asked: Request) -> bool:
    """Tell whether the request asks to become a WebSocket."""
    return asked.headers.get("Upgrade", "").lower() == "websocket"


def names_two_hosts(asked: Request) -> bool:
    """Tell whether a request names no host although it has to, or another one in its first line than in its header."""
    if "HTTP_HOST" not in asked.environ:
        return asked.environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
    scheme, is_absolute, rest = str(asked.environ.get("RAW_URI", "")).partition("://")
    return bool(is_absolute) and scheme.isalpha() and rest.partition("/")[0] != asked.environ["HTTP_HOST"]


def host_name(host: str) -> str:
    """Give the name without its port: `[::1]:8080` → `::1`."""
    return (urlsplit(f"//{host}").hostname or "").lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
