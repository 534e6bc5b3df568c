"""What people carry, as pages and programs see it: rows of sessions and tokens, without any secret. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsmodal.people import SignedIn, Token

BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
"""What tells browsers apart, in this order: each says of itself that it is also the ones after it."""
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A browser that is signed in. `current` is the one that asks; `how` is password, link, oidc, header or empty."""

    id: str
    user: str
    how: str
    started_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    browser: str
    agent: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """An API token. `services` and `permissions` are None where it can do all that its owner can."""

    id: str
    user: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    services: tuple[str, ...] | None
    permissions: tuple[str, ...] | None
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token. `token` is its secret: this is the only time that it is given."""

    id: str
    token: str
    sentence: str

    def __repr__(self) -> str:
        """Leave the secret out of whatever writes values down."""
        return f"IssuedToken(id={self.id!r})"


def session_row(found: SignedIn, *, via: str = "") -> SessionRow:
    """Give the row of a session; `via` is that of who asks, who may be in this one."""
    return SessionRow(
        id=found.id,
        user=found.user.name,
        how=found.how,
        started_at=found.created_at,
        seen_at=found.seen_at,
        ends_at=found.ends_at,
        address=found.address,
        browser=browser_of(found.agent),
        agent=found.agent,
        current=via == f"session:{found.id}",
    )


def token_row(found: Token, now: datetime) -> TokenRow:
    """Give the row of a token."""
    return TokenRow(
        id=found.id,
        user=found.user.name,
        label=found.label,
        created_at=found.created_at,
        expires_at=found.expires_at,
        last_used_at=found.last_used_at,
        services=None if found.services is None else tuple(sorted(found.services)),
        permissions=None if found.permissions is None else tuple(sorted(found.permissions)),
        expired=found.expires_at is not None and found.expires_at <= now,
    )


def browser_of(agent: str) -> str:
    """Say what a User-Agent most likely is: `Firefox on Linux`; its beginning where it is nothing known."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    if not browser:
        return agent[:40]
    return f"{browser} on {system}" if system else browser
