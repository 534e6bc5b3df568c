"""Every way to an engine that the contract suite is run over: directly, over SSH, SSH with a jump, through a VPN.

A way is a registered connection and the far end that it leads to. Between that far end and the engine stands the relay
of a world (`World.line`), so that a case cuts what an engine's death would cut, and the way itself stays up; what
happens when the way itself is lost is for `tests/faults`.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from connectors import Connectors
from connectors.base import Connection, Endpoint, Exit, Output, Probe, Standing
from connectors.options import DirectOptions, Hop, Identity, Options, SshOptions, VpnOptions
from connectors.stream import Stream
from connectors.vpn.connection import VpnConnection
from connectors.vpn.tunnels import Tunnel
from tests.contract.relay import Address, listening
from tests.engines import openvpn as openvpns
from tests.engines import sshd
from tests.engines import wireguard as wireguards
from tests.engines.netns import Namespace
from tests.engines.traces import none_left

DIRECT = "direct"
LOOPBACK = ("127.0.0.1", 0)
Opened = Iterator["Way"]
IDLE_S = 5.0
"""Longer than from one case to the next."""


class Brief(Connectors):
    """Connectors whose tunnels go soon after their last use: whether they do is looked at when all is over."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._home = folder

    def _made(self, options: Options) -> Connection:
        if isinstance(options, VpnOptions):
            return VpnConnection(options, Tunnel(self._home / "vpn", options, idle_s=IDLE_S), self._home)
        return super()._made(options)


class Way:
    """A connection for each world, over one transport or tunnel for the whole run."""

    def __init__(self, connectors: Connectors, options: Options) -> None:
        self._connectors = connectors
        self._options = options

    def open(self, address: Callable[[], str]) -> Connection:
        """Make a connection that leads to the far end's `address`, whatever it is asked for."""
        return Leading(self._connectors.open(self._options), address)

    def place(self, wished: Address) -> Address:
        """Say where at the far end a relay can listen that would be at `wished` on this machine."""
        return wished

    def listening(self, address: Address) -> socket.socket:
        """Listen at the far end."""
        return listening(address)


class Tunnelled(Way):
    """A way whose far end is another host: the relays of its worlds listen there, within the tunnel's network."""

    def __init__(self, connectors: Connectors, options: Options, *, host: Namespace, address: str) -> None:
        super().__init__(connectors, options)
        self._host = host
        self._address = address

    def place(self, wished: Address) -> Address:
        return self._address, 0

    def listening(self, address: Address) -> socket.socket:
        return self._host.inside(lambda: listening(address))


class Leading:
    """A connection whose every address is that of a relay: registered is the engine's own."""

    def __init__(self, inner: Connection, address: Callable[[], str]) -> None:
        self.kind = inner.kind
        self.has_host = inner.has_host
        self._inner = inner
        self._address = address

    def reach(self, address: str) -> Endpoint:
        return self._inner.reach(self._address())

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Stream[Output | Exit]:
        return self._inner.run(argv, timeout_s=timeout_s, stdin=stdin)

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        return self._inner.probe(self._address(), timeout_s=timeout_s)

    def standing(self) -> Standing:
        return self._inner.standing()

    def close(self) -> None:
        self._inner.close()


@contextlib.contextmanager
def direct() -> Opened:
    """Dial the relay from here."""
    with connected() as connectors:
        yield Way(connectors, DirectOptions())


@contextlib.contextmanager
def ssh() -> Opened:
    """Go through one sshd."""
    with _servers(1) as hops, connected() as connectors:
        yield Way(connectors, SshOptions(hops=hops))


@contextlib.contextmanager
def jump() -> Opened:
    """Go through an sshd to another one."""
    with _servers(2) as hops, connected() as connectors:
        yield Way(connectors, SshOptions(hops=hops))


@contextlib.contextmanager
def wireguard() -> Opened:
    """Go through a tunnel of WireGuard."""
    with contextlib.closing(wireguards.start()) as server, connected() as connectors:
        options = VpnOptions(name="wireguard", kind="wireguard", config=server.profile())
        yield Tunnelled(connectors, options, host=server.host, address=server.address)


@contextlib.contextmanager
def openvpn() -> Opened:
    """Go through a tunnel of OpenVPN."""
    with contextlib.closing(openvpns.start()) as server, connected() as connectors:
        options = VpnOptions(name="openvpn", kind="openvpn", config=server.profile())
        yield Tunnelled(connectors, options, host=server.host, address=server.address)


WAYS: dict[str, Callable[[], contextlib.AbstractContextManager[Way]]] = {
    DIRECT: direct,
    "ssh": ssh,
    "jump": jump,
    "wireguard": wireguard,
    "openvpn": openvpn,
}
"""Each opens a way, or raises CannotStart with why this machine cannot have it."""


def hop(server: sshd.Sshd) -> Hop:
    """Give what is needed to sign in at a server of the tests."""
    return Hop(
        host=server.host,
        port=server.port,
        user=server.user,
        identity=Identity(key=server.key.read_text()),
        known_hosts=server.known_hosts.read_text(),
    )


@contextlib.contextmanager
def _servers(count: int) -> Iterator[tuple[Hop, ...]]:
    with contextlib.ExitStack() as stack:
        servers = []
        for _ in range(count):
            servers.append(sshd.start())
            stack.callback(servers[-1].close)
        yield tuple(map(hop, servers))


@contextlib.contextmanager
def connected() -> Iterator[Connectors]:
    """Give connectors with a folder of their own; fail when they leave anything behind."""
    with none_left("ways") as folder, contextlib.closing(Brief(folder)) as connectors:
        yield connectors
