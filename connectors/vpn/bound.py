"""Connects to an address by one interface and no other, and notices when nobody answers there any more.

The socket is bound to the interface before its first packet (SO_BINDTODEVICE, socket(7)): whatever becomes of the
routes, its packets leave there or are lost. Since Linux 5.7 that needs no right.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from contextlib import suppress

from connectors.direct import Dial
from connectors.errors import NotAvailable, Unreachable
from connectors.vpn.inside import NOTICED
from connectors.vpn.routes import Address


def addresses_of(target: Dial) -> list[Address]:
    """Look a name up, once: what is dialled is what was checked. Raise Unreachable for a name without an address."""
    with suppress(ValueError):
        return [ipaddress.ip_address(target.host)]
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(
            f'No address is known for the name "{target.host}".',
            hint="Names are asked for outside of the tunnel; give the address where they are known inside only.",
        ) from None
    texts = dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
    return [ipaddress.ip_address(text) for text in texts]


def connected(address: Address, target: Dial, interface: str, *, timeout_s: float) -> socket.socket:
    """Connect by one interface and no other. Raise NotAvailable or Unreachable."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    near = socket.socket(family, socket.SOCK_STREAM)
    try:
        _bind_to(near, interface)
        near.settimeout(timeout_s)
        near.connect((str(address), target.port))
        near.settimeout(None)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_NODELAY, 1), *NOTICED):
            near.setsockopt(socket.IPPROTO_TCP, option, value)
    except OSError as error:
        near.close()
        raise Unreachable(_why(error, target, interface, timeout_s=timeout_s)) from None
    except BaseException:
        near.close()
        raise
    return near


def _bind_to(near: socket.socket, interface: str) -> None:
    try:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    except PermissionError:
        raise NotAvailable(
            "This kernel lets only root hold a connection to one interface.",
            hint="Linux 5.7 and newer let everybody; or give the server CAP_NET_RAW.",
        ) from None


def _why(error: OSError, target: Dial, interface: str, *, timeout_s: float) -> str:
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return f"{target} did not answer through {interface} within {timeout_s:.0f} s: is the tunnel's far end there?"
    if isinstance(error, ConnectionRefusedError):
        return f"{target}: connection refused through {interface}: is the server running?"
    if error.errno == errno.ENODEV:
        return f"There is no interface {interface} any more."
    return f"{target} cannot be reached through {interface}: {(error.strerror or str(error)).lower()[:200]}."
