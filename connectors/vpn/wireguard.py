"""A WireGuard interface inside the keeper's namespace: by the kernel where it can, by wireguard-go where it cannot.

WireGuard never says that it is refused: a wrong key, a lost peer and a firewall look alike. What can be told is when a
peer last shook hands and whether bytes come back, so that is what is measured, and the sentence names the causes.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.base import Phase, Standing
from connectors.errors import ConnectionProblem, NotAvailable, Unreachable, WrongRoute
from connectors.vpn import namespace
from connectors.vpn.allowed import Address, Allowed, networks_of
from connectors.vpn.inside import Wait
from connectors.vpn.outside import Outside, endpoint
from connectors.vpn.wireguard_peer import SHAKE_AGAIN_S, Seen, section_of, spoken
from connectors.vpn.wireguard_profile import WireGuardProfile

INTERFACE = "vpn0"
"""Free by nature: the namespace is empty."""
MTU = 1420
"""What wg-quick takes for a line of 1500: 80 bytes go to IPv6, UDP and WireGuard."""
FRESH_S = 180.0
"""A session ends after this without a new handshake (REJECT_AFTER_TIME of the WireGuard paper)."""
FIRST_S = 5.0
"""A handshake is repeated after this (REKEY_TIMEOUT): a peer that answers has answered the first."""
LATE_S = 135.0
"""A session is renewed after 120 s (REKEY_AFTER_TIME); a handshake older than this is one that was not answered."""
LOOK_S = 2.0
SHAKE_S = 1.5
"""For the answer to one handshake: three times the way to the other side of the world and back."""
AGAIN_S = 10.0
"""Between two look-ups of a silent endpoint's name."""
PROGRAM_S = 10.0
POLL_S = 0.02
SOCKETS = namespace.RUN / "wireguard"
HOW = "it may be off, a firewall may drop UDP, or a key was changed on one side only"


class WireGuard:
    """The interface of one profile. `tick` is called by the keeper's own thread, the rest by any."""

    asking_s = SHAKE_S

    def __init__(
        self, name: str, profile: WireGuardProfile, allowed: Allowed, outside: Outside, programs: Mapping[str, str]
    ) -> None:
        self.allowed = allowed
        self.dns = tuple(server for server in profile.dns if _within(allowed, server))
        self._name = name
        self._profile = profile
        self._outside = outside
        self._programs = programs
        self._began = time.monotonic()
        self._looked = self._asked = 0.0
        self._seen: dict[str, Seen] = {}
        self._daemon: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._shaking = threading.Lock()

    def start(self) -> None:
        """Make the interface. Raise NotAvailable for what this machine lacks."""
        self._make()
        self._set_keys()
        mtu = self._profile.mtu or MTU
        lines = [f"address add {each} dev {INTERFACE}{_flags(each)}" for each in _usable(self._profile.addresses)]
        lines += [f"link set dev {INTERFACE} mtu {mtu} up"]
        lines += [f"route replace {each} dev {INTERFACE}" for each in _usable(map(str, self.allowed.networks))]
        namespace.configure(self._programs["ip"], lines)

    def tick(self) -> ConnectionProblem | None:
        """Look at the peers now and then, look silent ones up again; give why the tunnel is over, if it is."""
        now = time.monotonic()
        if self._daemon is not None and self._daemon.poll() is not None:
            return Unreachable(f"The tunnel {self._name} was lost: its wireguard-go ended.", hint="Try again.")
        if now - self._looked >= LOOK_S:
            self._look()
            for seen in self._seen.values():
                if seen.is_unheard:
                    self._shake_later(seen)
        if now - self._asked >= AGAIN_S and now - self._began > FIRST_S:
            self._asked = now
            for seen in self._seen.values():
                if seen.silent or seen.age_s > LATE_S:
                    self._outside.look_again(seen.number)
        return None

    def open(self, *, timeout_s: float) -> None:
        """Do nothing: the first packet shakes hands, and is kept meanwhile."""

    def admit(self, target: Address) -> None:
        """Raise WrongRoute where no peer takes packets for the target."""
        if self._peer_of(target) is None:
            raise WrongRoute(
                f"No peer of the WireGuard profile {self._name} takes packets for {target} (AllowedIPs).",
                hint="Add its network to AllowedIPs of the peer, or choose another connection.",
            )

    def mark(self, target: Address) -> int:
        """Give what was received from the target's peer so far, for `silence`."""
        self._look()
        seen = self._peer_of(target)
        return seen.received_bytes if seen else 0

    def silence(self, target: Address, port: int, *, since: int, wait: Wait) -> ConnectionProblem:
        """Say why nothing came from the target: the peer, or what is behind it."""
        seen = self._peer_of(target)
        where = f"[{target}]:{port}" if target.version == 6 else f"{target}:{port}"
        self._look()
        if seen is not None and seen.received_bytes <= since:
            known = seen.silent or seen.age_s > FRESH_S
            asked = wait.until - time.monotonic() >= self.asking_s / 2
            self._shake(seen, until=wait.until) if asked else self._shake_later(seen)
            if seen.silent if asked else known:
                return self._gone(seen)
            if not asked:
                return Unreachable(
                    f"{where} did not answer within {wait.seconds:g} s, and nothing came back through the tunnel "
                    f"{self._name} (last handshake {spoken(seen.age_s)} ago).",
                    hint="The peer is being asked for a handshake; try again, the next answer says more.",
                )
        return Unreachable(
            f"{where} did not answer within {wait.seconds:g} s, and the tunnel {self._name} carries.",
            hint="A firewall behind the tunnel may drop the packets, or the host is off.",
        )

    def standing(self) -> Standing:
        """Say how the tunnel is, as it was last looked at."""
        freshest = min(self._seen.values(), key=lambda seen: seen.age_s)
        facts = tuple(fact for seen in self._seen.values() for fact in self._facts(seen))
        if freshest.age_s <= FRESH_S and not freshest.silent:
            return Standing(
                phase=Phase.UP, since=self._since(), sentence=f"The tunnel {self._name} is up.", facts=facts
            )
        hopeless = freshest.silent or self._outside.fars[freshest.number].problem
        if time.monotonic() - self._began <= FIRST_S and not hopeless:
            return Standing(phase=Phase.OPENING, sentence=f"Waiting for {self._shown(freshest)}.", facts=facts)
        gone = self._gone(freshest)
        return Standing(phase=Phase.DOWN, since=self._since(), sentence=gone.sentence, hint=gone.hint, facts=facts)

    def stop(self) -> None:
        """End wireguard-go; the interface goes with it."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait(PROGRAM_S)

    def _make(self) -> None:
        made = self._run("ip", "link", "add", INTERFACE, "type", "wireguard")
        if made.returncode == 0:
            return
        if "wireguard-go" not in self._programs:
            raise NotAvailable(
                "This kernel has no WireGuard, and wireguard-go is not installed.",
                hint="Install wireguard-go, or load the kernel's module: modprobe wireguard.",
            )
        namespace.need_tun()
        self._daemon = subprocess.Popen(  # noqa: S603  (by the path that the server found)
            [self._programs["wireguard-go"], "-f", INTERFACE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            preexec_fn=namespace.die_with_parent,  # noqa: PLW1509  (the keeper has one thread yet)
        )
        self._await(SOCKETS / f"{INTERFACE}.sock", self._daemon)

    def _await(self, path: Path, daemon: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PROGRAM_S
        while not path.exists():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise NotAvailable(
                    "wireguard-go did not start.", hint="Run it by hand to see why: wireguard-go -f wg0."
                )
            time.sleep(POLL_S)

    def _set_keys(self) -> None:
        lines = ["[Interface]", f"PrivateKey = {self._profile.private_key}"]
        for peer in self._profile.peers:
            if peer.endpoint:
                port = self._outside.carry(*endpoint(peer.endpoint))
                number = len(self._outside.fars) - 1
                seen = Seen(peer=peer, number=number, lines=section_of(peer, port), heard=time.monotonic())
                self._seen[peer.public_key] = seen
                lines += seen.lines
        if not self._seen:
            raise NotAvailable(
                f"No peer of the WireGuard profile {self._name} has an Endpoint: there is nobody to call.",
                hint="Add Endpoint to the [Peer] section.",
            )
        done = self._run("wg", "setconf", INTERFACE, "/dev/stdin", given="\n".join(lines) + "\n")
        if done.returncode:
            raise NotAvailable(f"The WireGuard profile {self._name} was refused by wg.", hint="Check it with wg-quick.")

    def _run(self, program: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  (by the path that the server found)
            [self._programs[program], *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=PROGRAM_S,
        )

    def _look(self) -> None:
        """Read what the interface counts: wg(8), `show dump`."""
        with self._lock:
            self._looked = time.monotonic()
            for line in self._run("wg", "show", INTERFACE, "dump").stdout.splitlines()[1:]:
                key, _, _, _, handshake, received, sent, _ = line.split("\t")
                if key in self._seen:
                    self._seen[key].note(int(handshake), int(received), int(sent))

    def _shake_later(self, seen: Seen) -> None:
        threading.Thread(target=self._shake, args=(seen,), name="shake", daemon=True).start()

    def _shake(self, seen: Seen, *, until: float = float("inf")) -> None:
        """Have the peer shake hands now: only so can a silent peer be told from a silent target.

        A peer that was started again knows nothing of our session, and WireGuard itself asks for a new one after 15 s
        only. Forgetting the peer and naming it again makes it ask at once; what is carried is not cut by that.
        """
        with self._shaking:
            if time.monotonic() - seen.shaken < SHAKE_AGAIN_S:
                return
            seen.shaken = time.monotonic()
            self._outside.look_again(seen.number)
            with self._lock:
                self._run("wg", "set", INTERFACE, "peer", seen.peer.public_key, "remove")
                self._run("wg", "addconf", INTERFACE, "/dev/stdin", given="\n".join(seen.lines) + "\n")
                seen.forgotten()
            while seen.silent and time.monotonic() < min(seen.shaken + SHAKE_S, until):
                time.sleep(POLL_S)
                self._look()

    def _peer_of(self, target: Address) -> Seen | None:
        """Give the peer whose network for the target is the narrowest, as WireGuard chooses."""
        fits = [
            (network.prefixlen, seen)
            for seen in self._seen.values()
            for network in networks_of(seen.peer.allowed_ips)
            if target in network
        ]
        return max(fits, key=lambda fit: fit[0])[1] if fits else None

    def _gone(self, seen: Seen) -> Unreachable:
        problem = self._outside.fars[seen.number].problem
        age_s = seen.age_s if seen.handshake_at else time.monotonic() - self._began
        ever = "" if seen.handshake_at else " since the tunnel was opened"
        why = problem or HOW
        return Unreachable(
            f"The WireGuard peer {self._shown(seen)} has not answered for {spoken(age_s)}{ever}: {why}.",
            hint="Compare both sides' public keys, and look whether packets arrive there: wg show.",
        )

    def _shown(self, seen: Seen) -> str:
        far = self._outside.fars[seen.number]
        return far.name if far.address in {"", far.name} else f"{far.name} ({far.address})"

    def _since(self) -> datetime:
        return datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._began)

    def _facts(self, seen: Seen) -> Sequence[tuple[str, str]]:
        return (
            ("endpoint", self._shown(seen)),
            ("last handshake", f"{spoken(seen.age_s)} ago" if seen.handshake_at else "none yet"),
            ("addresses", ", ".join(self._profile.addresses)),
            ("routes", self.allowed.shown()),
            ("received", f"{seen.received_bytes} bytes"),
            ("sent", f"{seen.sent_bytes} bytes"),
        )


def _usable(texts: Sequence[str] | map[str]) -> list[str]:
    return [text for text in texts if ":" not in text or namespace.has_ipv6()]


def _flags(address: str) -> str:
    """No route by the address alone; and no asking around whether somebody else has it (IPv6)."""
    return " noprefixroute nodad" if ":" in address else " noprefixroute"


def _within(allowed: Allowed, server: str) -> bool:
    try:
        allowed.judge(server)
    except WrongRoute:
        return False
    return True
