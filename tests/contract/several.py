"""Several ways to one server, each over a relay of its own, that are cut, silenced and mended one by one.

Real sockets carry everything; only what would lay the way (an SSH login, a tunnel) is left out, so that a test of Auto
takes seconds. A way is registered as an SSH connection, and found by the name of its host.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors import Connectors
from connectors.base import Connection, Endpoint, Exit, Output, Phase, Probe, Standing
from connectors.direct import Direct
from connectors.errors import NotAvailable
from connectors.options import Options, SshOptions
from connectors.stream import Stream
from tests.contract.relay import Relay


class Line:
    """A way to `target`. What is sent over it is heard."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.heard = bytearray()
        self._relay = Relay(target, heard=self.heard.extend)
        self._stopped: list[socket.socket] = []

    @property
    def port(self) -> int:
        address = self._relay.address
        assert isinstance(address, tuple)
        return address[1]

    def cut(self) -> None:
        """Break every connection; whoever dials is refused."""
        self._relay.cut()

    def swallow(self) -> None:
        """Break every connection; whoever dials gets no answer, as where a firewall drops packets."""
        self._relay.cut()
        self._stopped = [_listening(self.port)]
        for _ in range(3):  # fills the queue of those who wait to be accepted: from then on nothing answers a SYN
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._stopped.append(filler)

    def hang(self) -> None:
        """Break every connection; whoever dials is taken in and never answered."""
        self._relay.cut()
        self._stopped = [_listening(self.port, backlog=64)]

    def mend(self) -> None:
        for each in self._stopped:
            each.close()
        self._stopped = []
        self._relay.mend()

    def close(self) -> None:
        for each in self._stopped:
            each.close()
        self._relay.close()


class Over:
    """A connection over a line. Whoever probes is counted."""

    kind = "ssh"
    has_host = False

    def __init__(self, line: Line) -> None:
        self._line = line
        self.probes = 0

    def reach(self, address: str) -> Endpoint:
        return Endpoint(f"{urlsplit(address).scheme}://127.0.0.1:{self._line.port}")

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Stream[Output | Exit]:
        raise NotAvailable("No commands here.")

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        self.probes += 1
        return Direct().probe(self.reach(address).address, timeout_s=timeout_s)

    def standing(self) -> Standing:
        return Standing(phase=Phase.IDLE)

    def close(self) -> None:
        pass


class Several(Connectors):
    """Connectors that know lines by name; others are opened as usual."""

    def __init__(self, folder: Path, lines: dict[str, Line]) -> None:
        super().__init__(folder)
        self._laid = lines

    def open(self, options: Options) -> Connection:
        line = self._laid.get(options.hops[-1].host) if isinstance(options, SshOptions) else None
        return Over(line) if line else super().open(options)


def ways(*names: str) -> list[dict[str, Any]]:
    """Give the registered connections over lines of these names, in this order of priority."""
    return [
        {"name": name, "kind": "ssh", "priority": number * 10, "host": name, "user": "ops", "agent": True}
        for number, name in enumerate(names, start=1)
    ]


@contextlib.contextmanager
def lines(url: str, *names: str) -> Iterator[dict[str, Line]]:
    """Lay lines to the server at `url`; they are given back whatever happens."""
    at = urlsplit(url)
    made = {name: Line((at.hostname or "", at.port or 443)) for name in names}
    try:
        yield made
    finally:
        for line in made.values():
            line.close()


def _listening(port: int, *, backlog: int = 0) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(backlog)
    return listener
