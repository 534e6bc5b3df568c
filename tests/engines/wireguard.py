"""A real WireGuard peer in a network namespace: wireguard-go, a tunnel network, and the profile that leads to it."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines import netns
from tests.engines.netns import Namespace, ran
from tests.engines.process import CannotStart, Daemon, absent, tidy, wait_for

SOCKETS = Path("/run/wireguard")
PORT = 51_820


@dataclass(kw_only=True)
class Side:
    """One key pair."""

    private: str = field(default_factory=lambda: ran("wg", "genkey").strip())

    @property
    def public(self) -> str:
        return ran("wg", "pubkey", given=self.private).strip()


class WireGuardServer:
    """The far end. `address` is where it is inside the tunnel, `client` where the profile's owner is."""

    def __init__(self, host: Namespace, network: str, *, six: bool = False) -> None:
        self.host = host
        self.network = f"{network}.0/24"
        self.address, self.client_address = f"{network}.1", f"{network}.2"
        self.address6, self._client6 = ("fd77:7::1", "fd77:7::2") if six else ("", "")
        self.own, self.client = Side(), Side()
        self.interface = f"wg{secrets.token_hex(4)}"
        self._made = absent([SOCKETS])
        self.daemon: Daemon | None = None

    def profile(self, *, endpoint: str = "", allowed: str = "", more: str = "") -> str:
        """Write the client's profile."""
        own, networks = f"{self.client_address}/32", allowed or self.network
        if self.address6:
            own, networks = f"{own}, {self._client6}/128", f"{networks}, fd77:7::/64"
        return (
            f"[Interface]\nPrivateKey = {self.client.private}\nAddress = {own}\n{more}"
            f"[Peer]\nPublicKey = {self.own.public}\nAllowedIPs = {networks}\n"
            f"Endpoint = {endpoint or self.host.address}:{PORT}\n"
        )

    def start(self) -> None:
        """Bring it up, also again."""
        control = SOCKETS / f"{self.interface}.sock"
        self.daemon = self.host.daemon(["wireguard-go", "-f", self.interface], ready=control.exists)
        self.set_keys()
        self.host.run("ip", "address", "add", f"{self.address}/24", "dev", self.interface)
        if self.address6:
            self.host.run("ip", "address", "add", f"{self.address6}/64", "dev", self.interface, "nodad")
        self.host.run("ip", "link", "set", self.interface, "up")

    def set_keys(self) -> None:
        conf = f"[Interface]\nPrivateKey = {self.own.private}\nListenPort = {PORT}\n"
        conf += f"[Peer]\nPublicKey = {self.client.public}\nAllowedIPs = {self.client_address}/32"
        conf += f", {self._client6}/128\n" if self._client6 else "\n"
        self.host.run("wg", "setconf", self.interface, "/dev/stdin", given=conf)

    def rotate(self) -> None:
        """Take a new key, of which the client knows nothing."""
        self.own = Side()
        self.set_keys()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.daemon is not None:
            self.daemon.kill()
            wait_for(
                lambda: self.interface not in self.host.run("ip", "-br", "link"), "its interface gone", within_s=10
            )
        (SOCKETS / f"{self.interface}.sock").unlink(missing_ok=True)

    def close(self) -> None:
        self.kill()
        self.host.close()
        tidy(self._made)


def start(network: str = "", *, six: bool = False) -> WireGuardServer:
    """Start one; `network` are the first three numbers of its tunnel's. Raise CannotStart with the reason."""
    for program in ("wireguard-go", "wg"):
        if not shutil.which(program):
            raise CannotStart(f"no {program} on this machine (packages wireguard-go, wireguard-tools)")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise CannotStart("no /dev/net/tun on this machine")
    host = netns.start("wg")
    server = WireGuardServer(host, network or f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}", six=six)
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server
