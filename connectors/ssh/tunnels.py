"""Ways from the end of a line to a port or a Unix socket there.

sshd opens both (RFC 4254 section 7.2; PROTOCOL of OpenSSH, section 2.4). Where it does not open sockets, because it may
not or because it is no OpenSSH, the engine's own program does: `docker system dial-stdio`, `podman system dial-stdio`.
What was refused once and worked the other way is not asked for again for a while.
"""

from __future__ import annotations

import secrets
import time

import paramiko
from paramiko.message import Message

from connectors.direct import Dial
from connectors.errors import ConnectionProblem, Forbidden, Unreachable
from connectors.ssh.asking import Ask
from connectors.ssh.carrier import Carrier, Refused
from connectors.ssh.dialling import PROHIBITED
from connectors.ssh.ends import ChannelEnd, ProgramEnd
from connectors.ssh.line import Line

STREAMLOCAL = "direct-streamlocal@openssh.com"
ORIGIN = ("127.0.0.1", 0)
"""Who dialled, as sshd writes it into its log: always a process of our own."""
BY_PROGRAM_S = 600.0


class Tunnels:
    """Open far ends over one line; `host` names its end for a sentence."""

    def __init__(self, line: Line, *, host: str) -> None:
        self._line = line
        self._host = host
        self._by_program_until: dict[str, float] = {}

    def dial(self, target: Dial, *, timeout_s: float) -> ChannelEnd:
        """Connect to `target`. Raise a ConnectionProblem that says which part of the way failed."""
        deadline = time.monotonic() + timeout_s
        if not target.path:
            return self._tcp(target, timeout_s)
        if self._by_program_until.get(target.path, 0) > time.monotonic():
            return self._program(target, deadline)
        try:
            return ChannelEnd(self._channel(_streamlocal(target.path), target, timeout_s))
        except ConnectionProblem as problem:
            if not isinstance(problem.__cause__, Refused):
                raise
        return self._program(target, deadline)

    def _tcp(self, target: Dial, timeout_s: float) -> ChannelEnd:
        try:
            return ChannelEnd(self._channel(_tcpip(target), target, timeout_s))
        except ConnectionProblem as problem:
            refused = problem.__cause__
            if not isinstance(refused, Refused):
                raise
            if refused.code != PROHIBITED:
                words = refused.words.strip()[:200].rstrip(".") or "it says no reason"
                raise Unreachable(f"{self._host} does not reach {target}: {words.lower()}.") from problem
            raise Forbidden(
                f"{self._host} does not allow TCP forwarding to {target}.",
                hint="Its sshd_config (AllowTcpForwarding, PermitOpen) or the key's options there forbid it.",
            ) from problem

    def _channel(self, ask: Ask, target: Dial, timeout_s: float) -> paramiko.Channel:
        return self._line.channel(ask, party=str(target), timeout_s=timeout_s)

    def _program(self, target: Dial, deadline: float) -> ProgramEnd:
        """Let the engine's own program carry the connection; see `keeper` for what the login shell is told."""
        mark = secrets.token_hex(16)
        channel = self._line.channel(
            _session, party=str(target), timeout_s=max(deadline - time.monotonic(), 0), session=True
        )
        program, command = _dial_stdio(target.path, mark)
        end = ProgramEnd(channel, mark=mark.encode(), label=f"{program} system dial-stdio on {self._host}")
        try:
            channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            end.close()
            raise Forbidden(
                f"{self._host} forwards no connection to {target} and runs no program for it.",
                hint="Allow AllowStreamLocalForwarding in its sshd_config.",
            ) from error
        self._by_program_until[target.path] = time.monotonic() + BY_PROGRAM_S
        return end


def _dial_stdio(path: str, mark: str) -> tuple[str, str]:
    """Choose the program by the socket's name, and write what a login shell of any kind is told to run it.

    Nothing comes on standard input before the connection's own bytes: where a key runs `docker system dial-stdio`
    whatever is asked for, that program would take it for a part of them.
    """
    program, option = ("podman", "--remote --url") if "podman" in path else ("docker", "-H")
    octal = "".join(f"\\0{byte:03o}" for byte in f"unix://{path}".encode(errors="surrogateescape"))
    run = f'{program} {option} "$(printf %b "{octal}")" system dial-stdio'
    return program, f"exec /bin/sh -c 'echo {mark};exec {run}'"


def _tcpip(target: Dial) -> Ask:
    fields = Message()
    for host, port in ((target.host, target.port), ORIGIN):
        fields.add_string(host)
        fields.add_int(port)
    return lambda carrier, timeout_s: carrier.open("direct-tcpip", extra=fields.asbytes(), timeout_s=timeout_s)


def _streamlocal(path: str) -> Ask:
    fields = Message()
    fields.add_string(path)
    fields.add_string("")
    fields.add_int(0)
    return lambda carrier, timeout_s: carrier.open(STREAMLOCAL, extra=fields.asbytes(), timeout_s=timeout_s)


def _session(carrier: Carrier, timeout_s: float) -> paramiko.Channel:
    return carrier.open("session", timeout_s=timeout_s)
