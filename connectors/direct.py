"""The address is already dialable from this machine: reaching it is the identity.

What is left is to say in a sentence whether somebody answers there. A probe only connects and hangs up: it speaks no
protocol, sends no byte and carries no credential. Programs run here only where this machine is registered as the host.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.base import Endpoint, Exit, Output, Phase, Probe, Standing
from connectors.errors import NotAvailable, Unreachable
from connectors.local import Local
from connectors.stream import Stream

DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Dial:
    """Where an address leads: a Unix socket when `path` is set, else a TCP port."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Direct:
    """A connection that needs no way. `runs_here`: the target is this machine, and programs on its host run here."""

    kind = "direct"

    def __init__(self, *, runs_here: bool = False) -> None:
        self.has_host = runs_here
        self._local = Local() if runs_here else None

    def reach(self, address: str) -> Endpoint:
        """Give the address itself. Raise Unreachable when it is none."""
        dial(address)
        return Endpoint(address)

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        """Connect to `address` and hang up; say in how many milliseconds, or why not."""
        try:
            target = dial(address)
        except Unreachable as problem:
            return Probe(ok=False, latency_ms=None, sentence=problem.sentence)
        began = time.monotonic()
        try:
            _knock(target, timeout_s=timeout_s)
        except OSError as error:
            return Probe(ok=False, latency_ms=None, sentence=_why(error, target, timeout_s=timeout_s))
        latency_ms = (time.monotonic() - began) * 1000
        return Probe(ok=True, latency_ms=latency_ms, sentence=f"{target} answered in {_spoken(latency_ms)}.")

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Stream[Output | Exit]:
        """Run a program on this machine, where that is the host; else raise NotAvailable: an address is no host."""
        if self._local is None:
            raise NotAvailable(
                "A direct connection runs no commands on a host.", hint="Register a connection of kind ssh."
            )
        return self._local.run(argv, timeout_s=timeout_s, stdin=stdin)

    def standing(self) -> Standing:
        """Say that there is nothing that could be up or down."""
        return Standing(phase=Phase.IDLE, sentence="The address is dialled directly; nothing is held open.")

    def again(self) -> None:
        """Do nothing: there is no pause after a failure."""

    def close(self) -> None:
        """End the programs that run here; nothing else is held open. May be called twice."""
        if self._local is not None:
            self._local.close()


def dial(address: str) -> Dial:
    """Read `https://host[:port]`, `tcp://host:port`, `unix:///path` or a plain path. Raise Unreachable for others."""
    if address.startswith("/"):
        return Dial(path=address)
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        raise _not_an_address(address) from None
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/"):
        return Dial(path=parts.path)
    if parts.scheme not in {"https", "http", "tcp"} or not parts.hostname or port is None:
        raise _not_an_address(address)
    return Dial(host=parts.hostname, port=port)


def _not_an_address(address: str) -> Unreachable:
    shown = address.rpartition("@")[2][:200]  # what stands before an @ may be a password
    return Unreachable(
        f'"{shown}" is no address that can be dialled.',
        hint="Write https://host:port, tcp://host:port, unix:///path or the path of a socket.",
    )


def _knock(target: Dial, *, timeout_s: float) -> None:
    if not target.path:
        socket.create_connection((target.host, target.port), timeout=timeout_s).close()
        return
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as near:
        near.settimeout(timeout_s)
        near.connect(target.path)


def _spoken(latency_ms: float) -> str:
    return "less than 1 ms" if latency_ms < 1 else f"{latency_ms:.0f} ms"


def _why(error: OSError, target: Dial, *, timeout_s: float) -> str:
    """Turn what the operating system answered (connect(2), unix(7)) into a sentence."""
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return f"{target} did not answer within {timeout_s:g} s: a firewall may drop the packets."
    if isinstance(error, socket.gaierror):
        return f'No address is known for the name "{target.host}".'
    if target.path:
        return _why_socket(error, target.path)
    if isinstance(error, ConnectionRefusedError):
        return f"{target}: connection refused: is the server running?"
    if error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return f"No route leads to {target}."
    return f"{target} cannot be reached: {_words(error)}."


def _why_socket(error: OSError, path: str) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"There is no socket {path}."
    if isinstance(error, PermissionError):
        return f"{path}: permission denied: the user running opsmodal must be in the group of the socket."
    if isinstance(error, ConnectionRefusedError):
        return f"{path}: nobody listens on the socket: is the engine running?"
    return f"{path} cannot be reached: {_words(error)}."


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()[:200]
