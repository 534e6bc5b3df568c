"""Dialling inside the namespace of a tunnel: what may be dialled, by which address, and why nobody answered.

Nothing outside the allowed networks is dialled, whoever asks; what the tunnel does not carry has no second way.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from connectors.base import Standing
from connectors.errors import ConnectionProblem, Unreachable, WrongRoute
from connectors.vpn.allowed import Address, Allowed
from connectors.vpn.names import first, look_up

SOONEST_S = 0.1
ASKING_SHARE = 3
"""A dial is at least that many times as long as asking why nobody answered, or nobody is asked."""
NOTICED = (
    (socket.TCP_KEEPIDLE, 6),
    (socket.TCP_KEEPINTVL, 3),
    (socket.TCP_KEEPCNT, 3),
    (socket.TCP_USER_TIMEOUT, 15_000),
)
"""A follow over a tunnel that died would wait for ever: it ends after 15 s, a tunnel that is back sooner carries on."""
UNROUTED = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EDESTADDRREQ, errno.ENOKEY}
"""What the namespace itself answers, and WireGuard in the kernel for an address of no peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long a target was waited for, and until when (monotonic clock) its silence may be looked into."""

    seconds: float
    until: float


class Tunnel(Protocol):
    """What the keeper needs of the two kinds of VPN."""

    allowed: Allowed
    dns: tuple[str, ...]
    asking_s: float
    """What `silence` may take to find out why; it is taken from the end of a dial that is long enough."""

    def start(self) -> None: ...

    def tick(self) -> ConnectionProblem | None: ...

    def open(self, *, timeout_s: float) -> None: ...

    def admit(self, target: Address) -> None: ...

    def mark(self, target: Address) -> int: ...

    def silence(self, target: Address, port: int, *, since: int, wait: Wait) -> ConnectionProblem: ...

    def standing(self) -> Standing: ...

    def stop(self) -> None: ...


def dial(
    tunnel: Tunnel, host: str, port: int, *, known: Sequence[str] | None, timeout_s: float
) -> socket.socket | None:
    """Give a connected socket; None for a name that the server has to look up, giving its addresses as `known`.

    Raise a ConnectionProblem: WrongRoute for what lies outside, Unreachable and LoginRefused for what did not answer.
    """
    deadline = time.monotonic() + timeout_s
    tunnel.open(timeout_s=timeout_s)
    target = _address(tunnel, host, known, timeout_s=deadline - time.monotonic())
    if target is None:
        return None
    tunnel.admit(target)
    since = tunnel.mark(target)
    asking_s = tunnel.asking_s if timeout_s >= ASKING_SHARE * tunnel.asking_s else 0.0
    far = socket.socket(socket.AF_INET if target.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        far.settimeout(max(deadline - asking_s - time.monotonic(), SOONEST_S))
        far.connect((str(target), port))
        _notice_losses(far)
    except OSError as error:
        far.close()
        if isinstance(error, TimeoutError):
            raise tunnel.silence(target, port, since=since, wait=Wait(seconds=timeout_s, until=deadline)) from None
        raise _failed(error, str(target), port, tunnel.allowed.profile) from None
    return far


def _notice_losses(far: socket.socket) -> None:
    far.settimeout(None)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in NOTICED:
        far.setsockopt(socket.IPPROTO_TCP, option, value)


def _address(tunnel: Tunnel, host: str, known: Sequence[str] | None, *, timeout_s: float) -> Address | None:
    with suppress(ValueError):
        return tunnel.allowed.judge(host)
    if tunnel.dns:
        return look_up(host, tunnel.dns, tunnel.allowed, timeout_s=timeout_s)
    return None if known is None else first(known, tunnel.allowed)


def _failed(error: OSError, host: str, port: int, name: str) -> ConnectionProblem:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(
            f"{where}: connection refused at the far end of the tunnel {name}: is the server running?",
            hint="The tunnel carries; look at the target itself.",
        )
    if error.errno in UNROUTED:
        return WrongRoute(
            f"No route of the tunnel {name} leads to {where}.", hint="Compare allowedNetworks with the profile."
        )
    return Unreachable(
        f"{where} cannot be reached through the tunnel {name}: {(error.strerror or str(error)).lower()}."
    )
