"""Through a tunnel that somebody else keeps up: it is only checked, and used when it is the way.

Nothing is brought up, routed or changed. Before each connection the kernel is asked by which interface packets to the
target would leave; another than the tunnel's is WrongRoute. The socket is bound to that interface before it sends its
first byte (SO_BINDTODEVICE, socket(7)), so a route that changes a moment later, or while the connection lasts, cannot
lead one packet out by another way: it is lost instead.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from connectors.base import Endpoint, Exit, Output, Phase, Probe, Standing
from connectors.direct import Dial, dial
from connectors.errors import ConnectionProblem, NotAvailable, Unreachable, WrongRoute
from connectors.forwarding import Forwards
from connectors.options import VpnOptions
from connectors.stream import Stream
from connectors.vpn.allowed import Allowed, networks_of
from connectors.vpn.bound import addresses_of, connected
from connectors.vpn.handshake import handshake_age
from connectors.vpn.routes import Address, interface_to, link

CONNECT_S = 5.0
EVERYTHING = ("0.0.0.0/0", "::/0")
"""What an external tunnel may carry when nothing narrows it: its own routes say what comes to it."""


class External:
    """A connection through an interface that is there already. Holds nothing open but its local ends."""

    kind = "vpn"
    has_host = False

    def __init__(self, options: VpnOptions, folder: Path) -> None:
        self._name = options.name
        self._interface = options.interface
        self._kind = options.kind
        self._allowed = Allowed(options.name, networks_of(options.allowed_networks or EVERYTHING))
        self._forwards = Forwards(folder, self._dial, name=f"vpn {options.name}")

    def reach(self, address: str) -> Endpoint:
        """Give a port on loopback that leads through the tunnel.

        Raise WrongRoute when the address is not behind it, NotAvailable for the socket of a host.
        """
        target = self._target(address)
        with suppress(ValueError):  # a name is looked up when it is dialled
            self._check(self._allowed.judge(target.host))
        return self._forwards.reach(address)

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Stream[Output | Exit]:  # noqa: ARG002  (every connection takes them)
        """Raise NotAvailable: a VPN leads to a network, not to a host."""
        raise NotAvailable("A VPN runs no commands on a host.", hint="Register a connection of kind ssh.")

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        """Connect to `address` through the tunnel and hang up; say in how many milliseconds, or why not."""
        began = time.monotonic()
        try:
            target = self._target(address)
            self._connect(target, timeout_s=timeout_s).close()
        except ConnectionProblem as problem:
            return Probe(ok=False, latency_ms=None, sentence=problem.sentence, hint=problem.hint, problem=problem)
        latency_ms = (time.monotonic() - began) * 1000
        through = self._interface or "the tunnel"
        return Probe(
            ok=True, latency_ms=latency_ms, sentence=f"{target} answered through {through} in {latency_ms:.0f} ms."
        )

    def standing(self) -> Standing:
        """Say how the tunnel's interface is, and when WireGuard last heard from its peer where that may be read."""
        try:
            if self._interface:
                self._demand_up(self._interface)
        except ConnectionProblem as problem:
            return Standing(phase=Phase.DOWN, sentence=problem.sentence, hint=problem.hint, facts=self._facts())
        if (failed := self._forwards.problem) is not None:
            return Standing(phase=Phase.DOWN, sentence=failed.sentence, hint=failed.hint, facts=self._facts())
        which = f"The interface {self._interface}" if self._interface else "The tunnel"
        phase = Phase.UP if self._interface else Phase.IDLE
        return Standing(phase=phase, sentence=f"{which} is kept up by others; it is only checked.", facts=self._facts())

    def again(self) -> None:
        """Do nothing: there is no pause after a failure that could be lifted."""

    def close(self) -> None:
        """Close what is carried and the local ends. The tunnel stays as it is."""
        self._forwards.close()

    def _facts(self) -> tuple[tuple[str, str], ...]:
        facts = [("Tunnel", "external"), ("Interface", self._interface or "by route")]
        if self._allowed.networks != networks_of(EVERYTHING):
            facts.append(("Networks", self._allowed.shown()))
        if self._kind == "wireguard" and self._interface and (age := handshake_age(self._interface)):
            facts.append(("Last handshake", age))
        return tuple(facts)

    def _target(self, address: str) -> Dial:
        target = dial(address)
        if target.path:
            raise NotAvailable(
                f"{target.path} is a socket of a host, and a VPN leads to a network.",
                hint="Register the engine's tcp:// address, or a connection of kind ssh.",
            )
        return target

    def _dial(self, target: Dial) -> socket.socket:
        return self._connect(target, timeout_s=CONNECT_S)

    def _connect(self, target: Dial, *, timeout_s: float) -> socket.socket:
        """Connect to the first address that is behind the tunnel and answers. Raise what the last one's problem was."""
        deadline = time.monotonic() + timeout_s
        problem: ConnectionProblem | None = None
        for found in addresses_of(target):
            try:
                address = self._allowed.judge(str(found))
                interface = self._check(address)
                return connected(address, target, interface, timeout_s=max(deadline - time.monotonic(), 0.001))
            except ConnectionProblem as failed:
                problem = problem or failed
        raise problem or Unreachable(f'No address is known for the name "{target.host}".')

    def _check(self, address: Address) -> str:
        """Name the interface of the tunnel. Raise WrongRoute when packets would leave by another one."""
        if self._interface:
            self._demand_up(self._interface)
        left_by = interface_to(address)
        if self._interface and left_by != self._interface:
            raise WrongRoute(
                f"{address} would be reached by the interface {left_by}, not through the tunnel {self._interface}.",
                hint=f"Route it into the tunnel: ip route get {address} must name {self._interface}.",
            )
        found = link(left_by)
        if not self._interface and (found is None or not found.is_tunnel):
            raise WrongRoute(
                f"{address} would be reached by the interface {left_by}, which is no tunnel.",
                hint="Bring the tunnel up, or name its interface in the VPN profile.",
            )
        return left_by

    def _demand_up(self, interface: str) -> None:
        found = link(interface)
        if found is None:
            raise Unreachable(
                f"There is no interface {interface}: the tunnel {self._name} is not up.",
                hint="Whoever keeps it (wg-quick, systemd, NetworkManager) has to bring it up.",
            )
        if not found.up:
            raise Unreachable(f"The interface {interface} is down.", hint=f"Bring it up: ip link set {interface} up")
