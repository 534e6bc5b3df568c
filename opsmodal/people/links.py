"""One-time links: how they are written, how long they work, and by which way their ticket comes back. Pure.

A link to open at once carries its ticket in the query, works without script, and lives for a minute: whatever logs the
address, logs something dead. A link to hand to somebody has to wait until they read it. Its ticket stands behind the
`#`, which a browser keeps to itself: no server, no proxy, no Referer and no log ever has it. The sign-in page takes it
from there and sends it by POST when a person presses the button, so a preview that opens links uses none up.
"""

from __future__ import annotations

from urllib.parse import urlsplit

SIGN_IN, INVITATION = "sign-in", "invitation"
"""What a ticket is for: the one is redeemed by GET, the other by POST, and neither by the other's way."""
LIFETIMES_S = {SIGN_IN: 60, INVITATION: 24 * 3600}
"""The longest that a ticket of each kind works."""
INVITATION_S = 3600
"""How long a link that is handed on works unless somebody says otherwise."""
FIELD = "ticket"


def sign_in_link(base: str, ticket: str) -> str:
    """Write a link to open at once: `http://127.0.0.1:8080/sign-in?ticket=…`."""
    return f"{base.rstrip('/')}/sign-in?{FIELD}={ticket}"


def invitation_link(base: str, ticket: str) -> str:
    """Write a link to hand on: `https://ops.example.org/sign-in#ticket=…`."""
    return f"{base.rstrip('/')}/sign-in#{FIELD}={ticket}"


def ticket_in(text: str) -> str:
    """Give the ticket of what somebody pasted: the ticket itself, or the whole link."""
    given = text.strip()
    try:
        fragment = urlsplit(given).fragment
    except ValueError:  # `http://[`: no address at all
        return given
    return fragment.removeprefix(f"{FIELD}=") if fragment.startswith(f"{FIELD}=") else given
