"""The one process of a tunnel that stays in the machine's network: it carries the tunnel's own packets to the far end.

WireGuard and OpenVPN run inside the namespace and dial a port on its loopback; this process holds that port's socket
and one in the machine's network, and moves sealed packets between them. So the programs that hold the keys never touch
the machine's network, no interface is ever made in it, and an endpoint whose name moves is followed without telling
them. It reads no packet, keeps none, and dials nothing but the endpoints it was given.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass

from connectors.errors import NotAvailable
from connectors.vpn.carrier import MESSAGE_MAX_BYTES, Carrier
from connectors.vpn.namespace import die_with_parent

LOOPBACK = "127.0.0.1"
DESCRIPTORS_MAX = 1024
"""A process that has just begun holds a handful."""


@dataclass(slots=True)
class Far:
    """What is known of one endpoint: its name as the profile has it, where it was found, and why not."""

    name: str
    address: str = ""
    problem: str = ""


class Outside:
    """The handle on that process, for the keeper inside. `look_again` and `fars` are for any thread."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.fars: list[Far] = []
        self.pid = os.fork()
        if self.pid:
            theirs.close()
            self._control.setblocking(False)
            return
        self._control.close()
        try:
            die_with_parent()
            _close_inherited(theirs)
            Carrier(theirs).run()
        finally:
            os._exit(0)

    def fileno(self) -> int:
        """Let a selector watch what it says."""
        return self._control.fileno()

    def carry(self, host: str, port: int, *, stream: bool = False, family: str = "") -> int:
        """Have a port on loopback carried to an endpoint (`family` "4" or "6": only there), and give the port."""
        kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as near:
            near.bind((LOOPBACK, 0))
            if stream:
                near.listen(1)
            number = len(self.fars)
            shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            self.fars.append(Far(shown))
            message = {"carry": number, "host": host, "port": port, "stream": stream, "family": family}
            socket.send_fds(self._control, [json.dumps(message).encode()], [near.fileno()])
            return int(near.getsockname()[1])

    def look_again(self, number: int) -> None:
        """Have an endpoint's name resolved again, and the next of its addresses tried."""
        with suppress(BlockingIOError):
            self._control.send(json.dumps({"again": number}).encode())

    def listen(self) -> bool:
        """Take in what it said; False when it has ended."""
        while True:
            try:
                data = self._control.recv(MESSAGE_MAX_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            said = json.loads(data)
            far = self.fars[said["number"]]
            far.address, far.problem = said["address"] or far.address, said["problem"]


def _close_inherited(kept: socket.socket) -> None:
    """Keep only the control socket: an inherited end of a pipe would look as if the keeper were still starting."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(quiet, number)
    os.closerange(3, kept.fileno())
    os.closerange(kept.fileno() + 1, DESCRIPTORS_MAX)


def endpoint(text: str) -> tuple[str, int]:
    """Take host:port or [address]:port apart. Raise NotAvailable for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise NotAvailable("The endpoint of the VPN profile has no port.", hint="Write it as host:port.")
    return host.removeprefix("[").removesuffix("]"), int(port)
