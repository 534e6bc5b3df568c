"""What the settings of signing in must be together. A header that anybody could send is refused at the start. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opsmodal.errors import Problem
from opsmodal.networks import networks

if TYPE_CHECKING:
    from opsmodal.settings import Settings

HEADER_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
"""No underscores: proxies and servers drop such headers, or read them like the one with dashes."""
EVERY_CLIENTS = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "authorization", "connection", "content-length"),
        *("content-type", "cookie", "forwarded", "host", "origin", "referer", "te", "transfer-encoding", "upgrade"),
        *("user-agent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "x-request-id"),
    }
)
"""Headers that mean something else."""


def contradictions(settings: Settings) -> Iterator[Problem]:
    """Tell what of these settings does not go together."""
    yield from _header("sign_in_header", settings.sign_in_header)
    yield from _header("sign_in_header_groups", settings.sign_in_header_groups)
    yield from _addresses(settings)
    if settings.sign_in_header and settings.sign_in_header.lower() == settings.sign_in_header_groups.lower():
        yield _problem("sign_in_header_groups", "must be another header than OPSMODAL_SIGN_IN_HEADER")
    if settings.sign_in_header:
        return
    for name in ("sign_in_header_from", "sign_in_header_groups", "sign_in_header_create"):
        if getattr(settings, name):
            yield _problem(name, "means nothing without OPSMODAL_SIGN_IN_HEADER")


def _header(name: str, header: str) -> Iterator[Problem]:
    if header and (not HEADER_SHAPE.fullmatch(header) or header.lower() in EVERY_CLIENTS):
        yield _problem(name, f"must be the name of a header of its own, like X-Remote-User, not {header[:60]!r}")


def _addresses(settings: Settings) -> Iterator[Problem]:
    name = "sign_in_header_from"
    if settings.sign_in_header and not settings.sign_in_header_from:
        hint = "Name the address of the proxy: whoever else sends the header could be anybody."
        yield _problem("sign_in_header", "needs OPSMODAL_SIGN_IN_HEADER_FROM", hint)
    try:
        known = networks(settings.sign_in_header_from)
    except ValueError:
        yield _problem(name, "must hold networks or addresses, like 10.0.0.5 or 10.0.0.0/24")
        return
    if any(network.prefixlen == 0 for network in known):
        yield _problem(name, "must not be everybody", "Name the address of the proxy.")


def _problem(name: str, words: str, hint: str = "") -> Problem:
    return Problem(field=name, sentence=f"OPSMODAL_{name.upper()} {words}.", hint=hint)
