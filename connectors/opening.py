"""Picks the connection of a kind, from an explicit table: a kind that is not in it does not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.base import Connection
from connectors.direct import Direct
from connectors.errors import NotAvailable

Opener = Callable[[Mapping[str, object]], Connection]


def _direct(options: Mapping[str, object]) -> Connection:  # noqa: ARG001  (every opener takes the options of its kind)
    return Direct()


OPENERS: Mapping[str, Opener] = {"direct": _direct}

LATER: Mapping[str, str] = {
    "ssh": "Connections over SSH come with a later release of opsmodal.",
    "vpn": "Connections through a VPN come with a later release of opsmodal.",
}
"""Kinds that a registry may name already."""


def opened(kind: str, options: Mapping[str, object]) -> Connection:
    """Open a connection of `kind` with the options of its registry entry. Raise NotAvailable with a sentence."""
    if opener := OPENERS.get(kind):
        return opener(options)
    hint = "Register a connection of kind direct to an address that this machine can dial."
    raise NotAvailable(LATER.get(kind, f'There is no connection of kind "{kind[:50]}".'), hint=hint)
