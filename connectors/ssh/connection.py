"""A connection through SSH: local ends whose connections a line carries, and programs on the host at its end.

Making one dials nothing. What is open survives the loss of the transport: the next use goes over the next one, which
the line opens. Which users share a line is none of this module's business.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from connectors.base import Endpoint, Probe, Standing
from connectors.direct import Dial, dial
from connectors.errors import ConnectionProblem
from connectors.forwarding import Forwards
from connectors.options import SshOptions
from connectors.running import Running
from connectors.ssh.command import Commands
from connectors.ssh.ends import ChannelEnd, ProgramEnd
from connectors.ssh.line import Line
from connectors.ssh.login import where
from connectors.ssh.tunnels import Tunnels

DIAL_S = 10.0
"""For a line to be dialled, a turn to come and the target to answer, together."""


class SshConnection:
    """Through the hops of `options`, over `line`, which is given back at the end."""

    kind = "ssh"
    has_host = True

    def __init__(self, options: SshOptions, line: Line, folder: Path) -> None:
        host = where(options.hops[-1])
        self._line = line
        self._host = host
        self._tunnels = Tunnels(line, host=host)
        self._commands = Commands(line, host=host)
        self._forwards = Forwards(folder, self._dial, name=f"SSH {host}")

    def reach(self, address: str) -> Endpoint:
        """Give a local end for an address as the SSH host sees it: a port, or a Unix socket on that host."""
        return self._forwards.reach(address)

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Running:
        """Run a program on the SSH host; see `Connection.run`."""
        return self._commands.run(argv, timeout_s=timeout_s, stdin=stdin)

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        """Open the way to `address` and hang up; say in how many milliseconds, or which part of the way failed."""
        began = time.monotonic()
        try:
            target = dial(address)
            self._knock(target, timeout_s=timeout_s)
        except ConnectionProblem as problem:
            return Probe(ok=False, latency_ms=None, sentence=problem.sentence, hint=problem.hint, problem=problem)
        latency_ms = (time.monotonic() - began) * 1000
        sentence = f"{target} answered through {self._host} in {max(latency_ms, 1):.0f} ms."
        return Probe(ok=True, latency_ms=latency_ms, sentence=sentence)

    def standing(self) -> Standing:
        """Say how the line is; while it is up, also why the last connection through it was not carried."""
        standing, problem = self._line.standing(), self._forwards.problem
        if problem is None or standing.sentence:
            return dataclasses.replace(standing, problem=problem or standing.problem)
        return dataclasses.replace(standing, sentence=problem.sentence, hint=problem.hint, problem=problem)

    def again(self) -> None:
        """Let the next use dial at once, jump hosts included, also after a refused login."""
        self._line.again()

    def close(self) -> None:
        """Give back the local ends, end the programs, and give back the line. May be called twice."""
        self._forwards.close()
        self._commands.close()
        self._line.close()

    def _dial(self, target: Dial) -> ChannelEnd:
        return self._tunnels.dial(target, timeout_s=DIAL_S)

    def _knock(self, target: Dial, *, timeout_s: float) -> None:
        end = self._tunnels.dial(target, timeout_s=timeout_s)
        try:
            if isinstance(end, ProgramEnd):
                end.check()
        finally:
            end.close()
