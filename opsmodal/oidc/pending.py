"""A sign-in under way: what the callback has to match. It lies sealed in the browser that began it, nowhere else.

Sealed, because the code verifier and the nonce must not be read by what else runs in that browser; in the browser,
because strangers must not fill the store by beginning sign-ins. That it is used once is its reader's business.
"""

from __future__ import annotations

import secrets

import msgspec

from opsmodal.store.errors import WrongKey
from opsmodal.store.vault import Vault
from runtimes.structs import make_ready

LIFE_S = 600
"""How long somebody may take with the provider: a forgotten password and a second factor take minutes."""
CLOCK_MAX_S = 60
"""By how much the clocks of two workers may differ."""
SECRET_BYTES = 32
COOKIE_MAX_CHARS = 4000
"""Browsers keep 4,096 bytes of a cookie with its name and attributes (RFC 6265, section 6.1)."""
TARGET_MAX_CHARS = 1500
OWNER = ("oidc", "pending")


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in: sent to `issuer` as `client_id`, to come back to `redirect_uri` and go on to `target`."""

    issuer: str
    client_id: str
    redirect_uri: str
    target: str
    state: str
    nonce: str
    verifier: str
    begun_at: float


def begun(*, issuer: str, client_id: str, redirect_uri: str, target: str, now: float) -> Pending:
    """Make a sign-in with secrets of its own."""
    return Pending(
        issuer=issuer,
        client_id=client_id,
        redirect_uri=redirect_uri,
        target=target if len(target) <= TARGET_MAX_CHARS else "",
        state=secrets.token_urlsafe(SECRET_BYTES),
        nonce=secrets.token_urlsafe(SECRET_BYTES),
        verifier=secrets.token_urlsafe(SECRET_BYTES),
        begun_at=now,
    )


def sealed(vault: Vault, pending: Pending) -> str:
    """Give what the cookie holds."""
    return vault.seal(OWNER, msgspec.json.encode(pending).decode()).decode("ascii")


def unsealed(vault: Vault, cookie: str, *, now: float) -> Pending | None:
    """Open a cookie; None when it is none of ours, was changed, or is too old."""
    if not cookie or len(cookie) > COOKIE_MAX_CHARS or not cookie.isascii():
        return None
    try:
        pending = msgspec.json.decode(vault.open(OWNER, cookie.encode()), type=Pending)
    except (WrongKey, msgspec.DecodeError):
        return None
    return pending if -CLOCK_MAX_S <= now - pending.begun_at < LIFE_S else None


make_ready(globals())
