"""What the tests of tunnels say to them, and to the far end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from connectors.vpn.tunnels import Tunnel
from tests.engines.wireguard import WireGuardServer
from tests.unit.connectors.vpn.left import keepers_of

DIAL_S = 10.0
SOON_S = 15.0
MakeTunnel = Callable[..., Tunnel]


def said(far: socket.socket, text: bytes = b"hello") -> bytes:
    far.settimeout(SOON_S)
    far.sendall(text)
    return far.recv(len(text))


def options_of(peer: WireGuardServer, **profile: str) -> dict[str, object]:
    return {"name": "hq", "kind": "wireguard", "config": peer.profile(**profile)}


def keeper(home: Path) -> int:
    """Give the process that holds the tunnel; it alone holds the folder open."""
    (found,) = keepers_of(home)
    return found
