"""An OpenVPN client inside the keeper's namespace, told what to do over its management socket.

The server decides nothing here beyond the tunnel's own addresses: what it pushes of routes, names and gateways is left
out by openvpn itself, and only allowed networks are routed. It runs no program (script-security 0), writes nothing, and
reads its profile from memory and its login over the management socket.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from connectors.base import Phase, Standing
from connectors.errors import ConnectionProblem, LoginRefused, NotAvailable, Unreachable
from connectors.vpn import namespace
from connectors.vpn.allowed import Address, Allowed, allowed, networks_of
from connectors.vpn.inside import Wait
from connectors.vpn.openvpn_arguments import CONNECT_S, arguments, quoted, without_remotes
from connectors.vpn.openvpn_profile import OpenVpnProfile
from connectors.vpn.openvpn_says import Reason, State, pushed_of, reason_of, state_of
from connectors.vpn.outside import Outside

INTERFACE = "tun0"
MANAGEMENT = namespace.RUN / "management"
COUNT_S = 2
PROGRAM_S = 10.0
POLL_S = 0.02
UNHEARD_S = 15.0
TALKED_BYTES = 400
"""More than pings make in that time (40 bytes each): somebody is talking, and nobody answers."""
LINE_MAX_BYTES = 16 * 1024
"""openvpn ends a line of its log at 10 KiB: hundreds of pushed routes."""
TRYING = {"RESOLVE", "WAIT", "TCP_CONNECT", "CONNECTING"}
HALF_WAY = {"AUTH", "GET_CONFIG"}
"""The handshake has begun. A server that refuses a certificate says so to nobody, it only falls silent (UDP)."""
HOW = "it may be off, a firewall may drop the packets, or a key of the handshake (tls-auth, tls-crypt) was changed"


class OpenVpn:
    """The client of one profile. `tick` is called by the keeper's own thread, the rest by any."""

    dns: tuple[str, ...] = ()
    asking_s = 0.0

    def __init__(
        self,
        name: str,
        profile: OpenVpnProfile,
        outside: Outside,
        programs: Mapping[str, str],
        *,
        login: str,
        written: Sequence[str],
    ) -> None:
        self.allowed = Allowed(name, networks_of(written))
        self._name = name
        self._profile = profile
        self._outside = outside
        self._programs = programs
        self._login = login.splitlines()[:2]
        self._written = tuple(written)
        self._pushed: tuple[str, ...] = ()
        self._ports: dict[int, int] = {}
        self._changed = threading.Condition()
        self._is_managed = threading.Event()
        self._state = State(name="", reason="", address="", port=0)
        self._since = datetime.now(UTC)
        self._reason: Reason | None = None
        self._over: ConnectionProblem | None = None
        self._began = self._heard = time.monotonic()
        self._restarted = 0.0
        self._counted = (0, 0)
        self._sent_unheard = 0

    def start(self) -> None:
        """Start openvpn. Raise NotAvailable for what this machine lacks."""
        namespace.need_tun()
        if self._profile.needs_login and len(self._login) < 2:
            raise LoginRefused(
                f"The OpenVPN server of {self._name} asks for a name and a password, and none are registered.",
                hint="Register authFile of the VPN profile: the name on its first line, the password on the second.",
            )
        ruling = arguments(INTERFACE, str(MANAGEMENT), self._carried(), asks=self._profile.needs_login)
        sheet = os.memfd_create("profile", os.MFD_CLOEXEC)
        with os.fdopen(sheet, "wb") as file:
            file.write(without_remotes(self._profile.text).encode())
            file.flush()
            self._daemon = subprocess.Popen(  # noqa: S603  (by the path that the server found)
                [self._programs["openvpn"], "--config", f"/proc/self/fd/{sheet}", *ruling],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={},
                pass_fds=[sheet],
                preexec_fn=namespace.die_with_parent,  # noqa: PLW1509  (the keeper has one thread yet)
            )
        threading.Thread(target=self._read_output, name="output", daemon=True).start()
        self._management = self._managed()
        self._is_managed.set()
        threading.Thread(target=self._read_management, name="management", daemon=True).start()

    def tick(self) -> ConnectionProblem | None:
        """Restart what nobody answers; give why the tunnel is over, if it is."""
        if self._daemon.poll() is not None:
            with self._changed:
                self._over = self._over or self._ended()
                self._changed.notify_all()
            return self._over
        if self._counted[1] - self._sent_unheard > TALKED_BYTES:
            self._restart_if_silent()
        return None

    def open(self, *, timeout_s: float) -> None:
        """Wait until the server has let us in. Raise LoginRefused or Unreachable."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.name == "CONNECTED" or self._over or self._reason, timeout_s)
            if self._over is not None:
                raise self._over
            if self._state.name != "CONNECTED":
                raise self._gone()

    def admit(self, target: Address) -> None:
        """Do nothing: what is allowed is routed, and the server decides about the rest."""

    def mark(self, target: Address) -> int:  # noqa: ARG002  (WireGuard counts each peer)
        """Give what was received so far, for `silence`."""
        return self._counted[0]

    def silence(self, target: Address, port: int, *, since: int, wait: Wait) -> ConnectionProblem:
        """Say why nothing came from the target: the server, or what is behind it."""
        waited_s = wait.seconds
        where = f"[{target}]:{port}" if target.version == 6 else f"{target}:{port}"
        if self._state.name != "CONNECTED":
            return self._gone()
        if self._counted[0] == since:
            self._restart_if_silent()
        quiet_s = time.monotonic() - self._heard
        if quiet_s <= UNHEARD_S:
            return Unreachable(
                f"{where} did not answer within {waited_s:g} s, and the tunnel {self._name} carries.",
                hint="A firewall behind the tunnel may drop the packets, or the host is off.",
            )
        return Unreachable(
            f"{where} did not answer within {waited_s:g} s, and the OpenVPN server {self._shown()} has not been heard "
            f"for {quiet_s:.0f} s.",
            hint="The tunnel is being opened again; look at the server if this stays.",
        )

    def standing(self) -> Standing:
        """Say how the tunnel is."""
        facts = (
            ("endpoint", self._shown()),
            ("state", self._state.name.lower() or "starting"),
            ("last heard", f"{time.monotonic() - self._heard:.0f} s ago"),
            ("addresses", self._state.address or "none yet"),
            ("routes", self.allowed.shown()),
            ("received", f"{self._counted[0]} bytes"),
            ("sent", f"{self._counted[1]} bytes"),
        )
        if self._state.name == "CONNECTED":
            up = f"The tunnel {self._name} is up."
            return Standing(phase=Phase.UP, since=self._since, sentence=up, facts=facts)
        if self._reason is None and time.monotonic() - self._began < CONNECT_S:
            return Standing(phase=Phase.OPENING, sentence=f"Waiting for {self._shown()}.", facts=facts)
        gone = self._gone()
        return Standing(phase=Phase.DOWN, since=self._since, sentence=gone.sentence, hint=gone.hint, facts=facts)

    def stop(self) -> None:
        """Let openvpn say goodbye, and end it when it does not."""
        self._daemon.terminate()
        try:
            self._daemon.wait(PROGRAM_S / 2)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait(PROGRAM_S)

    def _carried(self) -> list[str]:
        """Have each server carried to a port of the namespace; name those ports as openvpn calls them."""
        remotes = []
        for remote in self._profile.remotes:
            stream = remote.proto.startswith("tcp")
            port = self._outside.carry(remote.host, remote.port, stream=stream, family=remote.proto[3:])
            self._ports[port] = len(self._outside.fars) - 1
            remotes.append(f"127.0.0.1 {port} {'tcp4-client' if stream else 'udp4'}")
        return remotes

    def _managed(self) -> socket.socket:
        deadline = time.monotonic() + PROGRAM_S
        while time.monotonic() < deadline and self._daemon.poll() is None:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with suppress(OSError):
                line.connect(str(MANAGEMENT))
                line.sendall(f"log on\nstate on\nbytecount {COUNT_S}\n".encode())
                return line
            line.close()
            time.sleep(POLL_S)
        time.sleep(POLL_S)  # the log is read by a thread of its own
        raise self._ended()

    def _read_management(self) -> None:
        with suppress(OSError), self._management.makefile("r", errors="replace") as lines:
            while line := lines.readline(LINE_MAX_BYTES):
                self._managed_line(line.rstrip("\r\n"))

    def _managed_line(self, line: str) -> None:
        if line.startswith(">LOG:"):
            self._logged(line)
        elif line.startswith(">HOLD:"):
            self._tell("hold release")
        elif line.startswith(">BYTECOUNT:"):
            received, sent = (int(number) for number in line.removeprefix(">BYTECOUNT:").split(","))
            self._count(received, sent)
        elif line.startswith(">PASSWORD:Need 'Auth'"):
            self._tell(f'username "Auth" {quoted(self._login[0])}', f'password "Auth" {quoted(self._login[1])}')
        elif line.startswith(">PASSWORD:Verification Failed"):
            self._refused(Reason("it refuses the name and password", refused=True))
        elif state := state_of(line):
            self._enter(state)

    def _enter(self, state: State) -> None:
        if state.name == "CONNECTED":
            self._route()
            self._heard = time.monotonic()
            self._sent_unheard = self._counted[1]
        if state.name == "RECONNECTING":  # between two tries: a name that moved is found, and no handshake is cut
            for number in range(len(self._outside.fars)):
                self._outside.look_again(number)
        with self._changed:
            if state.name != self._state.name:
                self._since = datetime.now(UTC)
            if state.name in TRYING or state.name == "CONNECTED":
                self._reason = None
            self._state = state
            self._changed.notify_all()

    def _route(self) -> None:
        """Route what is allowed into the tunnel; openvpn has set the addresses."""
        with suppress(NotAvailable):
            self.allowed = allowed(self._name, written=self._written, offered=(*self._pushed, *self._profile.routes))
        usable = [each for each in self.allowed.networks if each.version == 4 or namespace.has_ipv6()]
        for network in usable:  # one of them may be impossible, as one of IPv6 in a tunnel without
            with suppress(NotAvailable):
                namespace.configure(self._programs["ip"], [f"route replace {network} dev {INTERFACE}"])

    def _read_output(self) -> None:
        """Look for why it does not start; later the management socket has the log, in order with the states."""
        assert self._daemon.stdout is not None  # noqa: S101  (a pipe was asked for)
        while line := self._daemon.stdout.readline(LINE_MAX_BYTES):
            if not self._is_managed.is_set() and (reason := reason_of(line.decode(errors="replace"))):
                self._refused(reason)

    def _logged(self, line: str) -> None:
        if pushed := pushed_of(line):
            self._pushed = pushed
        elif reason := reason_of(line):
            self._refused(reason)

    def _refused(self, reason: Reason) -> None:
        with self._changed:
            self._reason = reason
            self._changed.notify_all()

    def _count(self, received: int, sent: int) -> None:
        if received != self._counted[0]:
            self._heard = time.monotonic()
            self._sent_unheard = sent
        self._counted = (received, sent)

    def _restart_if_silent(self) -> None:
        """Have openvpn join anew where nothing was heard for a while; what is carried stays (persist-tun)."""
        now = time.monotonic()
        if now - max(self._heard, self._restarted) > UNHEARD_S and self._state.name == "CONNECTED":
            self._restarted = now
            self._tell("signal SIGUSR1")

    def _tell(self, *lines: str) -> None:
        with suppress(OSError):
            self._management.sendall("".join(f"{line}\n" for line in lines).encode())

    def _gone(self) -> ConnectionProblem:
        if self._reason is not None:
            kind = LoginRefused if self._reason.refused else Unreachable
            return kind(
                f"The OpenVPN server {self._shown()} was not joined: {self._reason.words}.",
                hint="Compare the profile with what the server has now; ask for a new one if a key was changed.",
            )
        if self._state.name in HALF_WAY:
            return LoginRefused(
                f"The OpenVPN server {self._shown()} answered and did not let us in: it may refuse the certificate of "
                "the profile (expired, revoked, of another authority).",
                hint="The server's log says why; ask for a new profile.",
            )
        problem = next((far.problem for far in self._outside.fars if far.problem), "")
        quiet_s = time.monotonic() - self._heard
        return Unreachable(
            f"The OpenVPN server {self._shown()} has not answered for {quiet_s:.0f} s: {problem or HOW}.",
            hint="Look whether the server runs and packets arrive there.",
        )

    def _ended(self) -> ConnectionProblem:
        if self._reason is not None:
            return self._gone()
        return Unreachable(f"The tunnel {self._name} was lost: its openvpn ended.", hint="Try again.")

    def _shown(self) -> str:
        far = self._outside.fars[self._ports.get(self._state.port, 0)]
        return far.name if far.address in {"", far.name} else f"{far.name} ({far.address})"
