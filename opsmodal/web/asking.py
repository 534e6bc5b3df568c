"""Who asks, and whom: the actor of the request and the operations of the application."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flask import Request, current_app, g

from opsmodal.access import Access, Watch
from opsmodal.errors import NotSignedIn, TwoSessions
from opsmodal.operations import Operations
from opsmodal.permissions import Actor
from opsmodal.web.named import said_of
from opsmodal.web.origin import BEARER, has_token, is_socket

EXTENSION = "opsmodal"
WATCH = "opsmodal.access"
COOKIE = "opsmodal"
SECURE_COOKIE = "__Host-opsmodal"
"""The prefix makes a browser refuse the cookie from another host or an insecure page; it needs HTTPS."""
COOKIES_MAX = 4
"""Each is looked up in the store."""
REFRESH = "X-Opsmodal-Refresh"
"""The header that our script puts on what it asks by the clock."""


def actor() -> Actor:
    """Give who asks. Raise NotSignedIn when nobody has signed in."""
    who = g.get("actor")
    if who is None:
        raise nobody()
    return cast(Actor, who)


def nobody() -> NotSignedIn:
    """Make the answer to who has to be somebody and is not."""
    return NotSignedIn("Sign in first.", hint="Programs send Authorization: Bearer with an API token.")


def access() -> Access:
    """Give the leave of this socket to go on; it is kept true while the socket is open (see `opsmodal.access`)."""
    return cast(Access, g.access)


def watch() -> Watch:
    """Give the watch over everything that is open."""
    return cast(Watch, current_app.extensions[WATCH])


def identified(asked: Request) -> Actor | None:
    """Find out who asks: by the first that is there of token, word of a believed proxy, and the session's cookie."""
    found = _identified(asked)
    return replace(found, request_id=g.get("request_id", "")) if found else None


def _identified(asked: Request) -> Actor | None:
    authorization, said = asked.headers.get("Authorization"), said_of(asked)
    if authorization is not None and (has_token(asked) or said is None):
        secret = authorization[len(BEARER) :].strip() if has_token(asked) else ""
        return operations().signing.by_token(secret, address=address_of(asked)) if secret else None
    if said is not None:
        who = {"address": address_of(asked), "request_id": g.get("request_id", "")}
        return operations().named.actor(said.name, said.groups, **who)
    return _by_cookie(asked)


def _by_cookie(asked: Request) -> Actor | None:
    """Find the session among the cookies of its name. Raise TwoSessions where they are those of two.

    Another program of this host, or of a parent path, can put a cookie of that name beside ours where TLS does not keep
    it out: one that opens nothing does no harm, and one that is somebody's session must not be taken for this person's.
    """
    address, used = address_of(asked), not is_by_itself(asked)
    tried = [operations().signing.by_session(secret, address=address, used=used) for secret in session_secrets(asked)]
    found = [actor for actor in tried if actor is not None]
    if len(found) > 1:
        hint = "Delete the cookies of this host, and sign in again."
        raise TwoSessions("This browser sends the cookies of two sessions.", hint=hint)
    return found[0] if found else None


def session_secrets(asked: Request) -> list[str]:
    """Give what the cookies of the session's name hold: one secret, unless somebody put another one beside it."""
    return [*dict.fromkeys(filter(None, asked.cookies.getlist(cookie_name(asked))))][:COOKIES_MAX]


def is_by_itself(asked: Request) -> bool:
    """Tell whether a page asks without anybody having done something: a page left open must not stay signed in."""
    return is_socket(asked) or REFRESH in asked.headers


def address_of(asked: Request) -> str:
    """Give the peer's address."""
    return asked.remote_addr or ""


def cookie_name(asked: Request) -> str:
    """Give the name of the session cookie for a request's scheme."""
    return SECURE_COOKIE if asked.is_secure else COOKIE


def operations() -> Operations:
    """Give the one door's operations."""
    return cast(Operations, current_app.extensions[EXTENSION])
