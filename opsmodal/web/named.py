"""People whom a proxy in front has signed in: it names them in a header, and is believed by its address alone.

The headers are taken off every request before anything else reads it. They count when the peer of the connection, which
no header can change, is in the networks that an administrator has named; what anybody else sends is dropped. Servers
read `X_Remote_User` like `X-Remote-User` and join a header that comes twice with a comma: either makes a name that is
none, so that the request is refused and not somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Request

from opsmodal.networks import Network, address_in

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SAID = "opsmodal.named"
"""Where the request carries what a believed proxy says; no client can write there."""
GROUPS_MAX = 200
GROUPS_MAX_CHARS = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a proxy says of a request: who makes it, and in which groups they are. Nothing of it is checked yet."""

    name: str
    groups: frozenset[str] = frozenset()


class Named:
    """A WSGI application behind a proxy that signs people in."""

    def __init__(self, application: Application, *, header: str, groups: str, believed: Sequence[Network]) -> None:
        self._application = application
        self._header = _variable(header)
        self._groups = _variable(groups) if groups else ""
        self._believed = tuple(believed)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, with what a believed proxy says of who makes it."""
        name = environ.pop(self._header, None)
        groups = environ.pop(self._groups, "") if self._groups else ""
        environ.pop(SAID, None)
        if name is not None and self._believes(environ.get("REMOTE_ADDR", "")):
            environ[SAID] = Said(name=_text(name), groups=_listed(_text(groups)))
        return self._application(environ, start_response)

    def _believes(self, peer: str) -> bool:
        address = address_in(peer)
        return address is not None and any(address in network for network in self._believed)


def said_of(asked: Request) -> Said | None:
    """Give what a believed proxy says of a request; None where none says anything."""
    said = asked.environ.get(SAID)
    return said if isinstance(said, Said) else None


def header_person(asked: Request) -> str:
    """Give whom a believed proxy names, as a text to show."""
    said = said_of(asked)
    return said.name[:80] if said else ""


def _variable(header: str) -> str:
    """Give what a header is called in a WSGI environment (PEP 3333)."""
    return f"HTTP_{header.upper().replace('-', '_')}"


def _text(value: str) -> str:
    """Undo what WSGI does to bytes (PEP 3333): they come as Latin-1, and people write UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _listed(groups: str) -> frozenset[str]:
    if len(groups) > GROUPS_MAX_CHARS:
        return frozenset()
    words = groups.replace(";", ",").replace("|", ",").split(",")
    return frozenset([word.strip() for word in words if word.strip()][:GROUPS_MAX])
