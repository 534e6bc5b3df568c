"""One peer of a WireGuard interface as it was last looked at: what was heard of it, and whether it fell silent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.vpn.wireguard_profile import Peer

KEEPALIVE_S = 25
"""Where the profile has none: without it nothing is heard of a peer that nobody talks to (wg(8) suggests 25)."""
SHAKE_AGAIN_S = 5.0
"""Between two handshakes that are asked for: peers take more for an attack (REKEY_TIMEOUT)."""
UNHEARD_S = 15.0
TALKED_BYTES = 256
"""More than keepalives and one handshake make in that time: somebody is talking, and nobody answers."""
SECONDS_MAX = 120


@dataclass(slots=True, kw_only=True)
class Seen:
    """What is known of one peer; `heard` and `shaken` are of the monotonic clock, `number` is that of its endpoint."""

    peer: Peer
    number: int
    lines: list[str] = field(repr=False)
    heard: float
    handshake_at: datetime | None = None
    received_bytes: int = 0
    sent_bytes: int = 0
    counted: tuple[int, int] = (0, 0)
    """What was received and sent before the interface forgot the peer, which begins to count anew."""
    sent_unheard: int = 0
    """What had been sent when it was last heard."""
    shaken: float = -SHAKE_AGAIN_S
    silent: bool = False
    """It did not answer a handshake that was asked for, and none since."""

    @property
    def age_s(self) -> float:
        """Say how long ago the last handshake was; infinite where there was none."""
        return (datetime.now(UTC) - self.handshake_at).total_seconds() if self.handshake_at else float("inf")

    @property
    def is_unheard(self) -> bool:
        """Tell whether it is talked to and has not answered for a while."""
        quiet_s = time.monotonic() - self.heard
        return quiet_s > UNHEARD_S and self.sent_bytes - self.sent_unheard > TALKED_BYTES

    def note(self, handshake: int, received: int, sent: int) -> None:
        """Take down what the interface counts; 0 is no handshake since it knows the peer."""
        total_received, total_sent = self.counted[0] + received, self.counted[1] + sent
        if total_received > self.received_bytes:
            self.heard, self.sent_unheard = time.monotonic(), total_sent
        self.received_bytes, self.sent_bytes = total_received, total_sent
        if handshake:
            self.silent = False
            self.handshake_at = datetime.fromtimestamp(handshake, UTC)

    def forgotten(self) -> None:
        """Go on from here: the interface has forgotten the peer, and what it hears next is an answer to a handshake."""
        self.counted = (self.received_bytes, self.sent_bytes)
        self.silent = True


def section_of(peer: Peer, port: int) -> list[str]:
    """Write a peer's section for wg(8): its endpoint is the port on loopback that is carried to it."""
    lines = ["[Peer]", f"PublicKey = {peer.public_key}", f"Endpoint = 127.0.0.1:{port}"]
    lines += [f"AllowedIPs = {','.join(peer.allowed_ips)}"] if peer.allowed_ips else []
    lines += [f"PresharedKey = {peer.preshared_key}"] if peer.preshared_key else []
    return [*lines, f"PersistentKeepalive = {peer.keepalive_s or KEEPALIVE_S}"]


def spoken(seconds: float) -> str:
    """Say a duration."""
    return f"{seconds:.0f} s" if seconds < SECONDS_MAX else f"{seconds / 60:.0f} min"
