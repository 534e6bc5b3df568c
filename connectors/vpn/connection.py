"""A connection through a managed tunnel: local ends whose connections the tunnel's keeper dials.

Making one opens nothing; the tunnel comes up with the first connection and goes some time after the last. A VPN leads
into a network and not onto a host, so it runs no commands and reaches no Unix socket.
"""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from connectors.base import Endpoint, Exit, Output, Probe, Standing
from connectors.direct import Dial, dial
from connectors.errors import ConnectionProblem, NotAvailable
from connectors.forwarding import Forwards
from connectors.options import VpnOptions
from connectors.stream import Stream
from connectors.vpn.tunnels import Tunnel

DIAL_S = 10.0
"""For the tunnel's opening and the target's answer together; a far handshake over a bad line takes 2 s."""


class VpnConnection:
    """Through the tunnel of one profile."""

    kind = "vpn"
    has_host = False

    def __init__(self, options: VpnOptions, tunnel: Tunnel, folder: Path) -> None:
        self._name = options.name
        self._tunnel = tunnel
        self._forwards = Forwards(folder, self._dial, name=f"VPN {options.name}")

    def reach(self, address: str) -> Endpoint:
        """Give a local end for an address behind the tunnel. Raise NotAvailable for a Unix socket."""
        self._in_a_network(dial(address))
        return self._forwards.reach(address)

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Stream[Output | Exit]:  # noqa: ARG002  (every connection takes them)
        """Raise NotAvailable: a VPN leads to no host's shell."""
        raise NotAvailable(
            f"The VPN {self._name} leads into a network and not onto a host: it runs no commands.",
            hint="Register a connection of kind ssh.",
        )

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        """Dial `address` through the tunnel and hang up; say in how many milliseconds, or why not."""
        began = time.monotonic()
        try:
            target = self._in_a_network(dial(address))
            self._tunnel.dial(target.host, target.port, timeout_s=timeout_s).close()
        except ConnectionProblem as problem:
            return Probe(ok=False, latency_ms=None, sentence=problem.sentence, hint=problem.hint, problem=problem)
        latency_ms = (time.monotonic() - began) * 1000
        return Probe(
            ok=True,
            latency_ms=latency_ms,
            sentence=f"{target} answered through the tunnel {self._name} in {max(latency_ms, 1):.0f} ms.",
        )

    def standing(self) -> Standing:
        """Say how the tunnel is, without opening it, and why the last connection through it was not carried."""
        return dataclasses.replace(self._tunnel.standing(), problem=self._forwards.problem)

    def again(self) -> None:
        """Do nothing: there is no pause after a failure that could be lifted."""

    def close(self) -> None:
        """Give back the local ends; the tunnel goes when nobody has used it for a while. May be called twice."""
        self._forwards.close()

    def _dial(self, target: Dial) -> socket.socket:
        return self._tunnel.dial(target.host, target.port, timeout_s=DIAL_S)

    def _in_a_network(self, target: Dial) -> Dial:
        if target.path:
            raise NotAvailable(
                f"{target.path} is a Unix socket; the VPN {self._name} reaches addresses in a network only.",
                hint="Register the engine's tcp:// address, or a connection of kind ssh.",
            )
        return target
