"""Programs on the host at the end of a line: each under a keeper of its own, in a session of the shared transport.

When a stream ends, so does the program. When the line was lost before that, sshd may not know for hours; then the
keeper's own time limit ends the program, or a sweep as soon as the line is up again, whichever is first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import paramiko

from connectors.base import Exit, Phase
from connectors.errors import ConnectionProblem, Forbidden, Unreachable
from connectors.keeper import Kept, keep, sweeping
from connectors.running import Running, Source
from connectors.ssh.carrier import Carrier
from connectors.ssh.line import Line

log = logging.getLogger(__name__)

SESSION_S = 10.0
"""For a session to be opened, a line to be dialled and a turn to come."""
SWEEP_S = 10.0
MARGIN_S = 10
"""The keeper's own time limit is later than ours by this, so that ours is the one that is told."""
READ_BYTES = 64 * 1024
HELD_S = 2.0
"""How long an output is still read that somebody else holds open when the program is over: a daemon that it started."""
SWEPT_MAX = 500
"""Names in one sweep; more were lost with no line since, and their own time limits end them."""


class Commands:
    """Run programs over one line."""

    def __init__(self, line: Line, *, host: str) -> None:
        self._line = line
        self._host = host
        self._lock = threading.Lock()
        self._running: set[Running] = set()
        self._lost: dict[str, float] = {}
        self._closed = False
        line.on_up(self.sweep)

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Running:
        """Run a program; see `Connection.run`."""
        kept = keep(argv, limit_s=timeout_s + MARGIN_S, stdin=stdin)
        channel = self._line.channel(_session, party="run", timeout_s=SESSION_S, session=True)
        session = ChannelSession(channel)
        until = time.monotonic() + timeout_s + MARGIN_S

        def ended(said_so: bool) -> None:
            self._ended(running, None if said_so else kept.name, until)

        running = Running(session, mark=kept.mark, timeout_s=timeout_s, host=self._host, ended=ended)
        with self._lock:
            forgotten = {each for each in self._running if each.overdue}
            self._running.add(running)
            closed = self._closed
        for each in forgotten | ({running} if closed else set()):
            each.close()
        try:
            self._start(channel, kept)
        except BaseException:
            running.close()
            raise
        running.begin()
        return running

    def sweep(self) -> None:
        """End on the far side what was lost with the last transport."""
        now = time.monotonic()
        with self._lock:
            lost = {name: until for name, until in self._lost.items() if until > now}
            self._lost = {}
        if not lost:
            return
        try:
            over = any(
                isinstance(said, Exit) for said in self.run(sweeping(list(lost)[-SWEPT_MAX:]), timeout_s=SWEEP_S)
            )
        except ConnectionProblem as problem:
            over = False
            log.warning("ssh.sweep-failed", extra={"host": self._host, "why": problem.sentence})
        if not over:
            with self._lock:
                self._lost.update(lost)

    def close(self) -> None:
        """End every program."""
        with self._lock:
            self._closed = True
            running = set(self._running)
        for each in running:
            each.close()

    def _start(self, channel: paramiko.Channel, kept: Kept) -> None:
        try:
            channel.exec_command(kept.command)
            channel.settimeout(SESSION_S)
            channel.sendall(kept.input)
        except (TimeoutError, OSError, EOFError) as error:
            if channel.closed and self._line.standing().phase is Phase.UP:
                return  # the account ended it at once: what it said is told by whoever reads
            raise Unreachable(
                f"The line to {self._host} was lost before the program began.", hint="Try again."
            ) from error
        except paramiko.SSHException as error:
            raise Forbidden(
                f"{self._host} runs no programs for this user.",
                hint="The account may be for forwarding only: look at its sshd_config and at the key's options.",
            ) from error

    def _ended(self, running: Running, lost: str | None, until: float) -> None:
        with self._lock:
            self._running.discard(running)
            if lost is not None:
                now = time.monotonic()
                self._lost = {name: end for name, end in self._lost.items() if end > now}
                self._lost[lost] = until


class ChannelSession:
    """A keeper behind a channel."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._came = threading.Event()
        self._heard_at = time.monotonic()
        channel.in_buffer.set_event(self._came)
        channel.in_stderr_buffer.set_event(self._came)

    def read(self, timeout_s: float) -> tuple[Source, bytes] | None:
        """Give what came; see `Session`."""
        silent = self._channel.eof_received or self._channel.closed
        got = self._read()
        if got is None and (self._channel.status_event if silent else self._came).wait(timeout_s):
            got = self._read()
        return got

    def status(self) -> int | None:
        """Give the exit status of the program; None when the line was lost before it came."""
        status = int(self._channel.exit_status)
        return status if status >= 0 else None

    def close(self) -> None:
        """Close the channel: sshd ends the lifeline then."""
        self._channel.close()

    def _read(self) -> tuple[Source, bytes] | None:
        channel = self._channel
        silent = channel.eof_received or channel.closed  # before looking: the last data may come with the end
        over = channel.status_event.is_set()
        if channel.recv_ready():
            return "stdout", self._heard(channel.recv(READ_BYTES))
        if channel.recv_stderr_ready():
            return "stderr", self._heard(channel.recv_stderr(READ_BYTES))
        if over and (silent or time.monotonic() - self._heard_at > HELD_S):
            raise EOFError
        return None

    def _heard(self, data: bytes) -> bytes:
        self._heard_at = time.monotonic()
        return data


def _session(carrier: Carrier, timeout_s: float) -> paramiko.Channel:
    return carrier.open("session", timeout_s=timeout_s)
