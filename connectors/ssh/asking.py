"""The channels of one line: who may open one now, and what a server that refuses one means.

Two bounds, because servers have two: sessions (programs, `MaxSessions`, ten by default) and forwarded connections. What
a server allows is learned from what it refuses; it says no number.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import paramiko

from connectors.errors import ConnectionProblem, Forbidden, Unreachable
from connectors.ssh.carrier import Carrier, Refused
from connectors.ssh.dialling import CONNECT_FAILED, PROHIBITED, words
from connectors.ssh.turns import Turns

FORWARDS_MAX = 128
"""A page needs a handful, each follow one; sshd has no bound of its own below its file descriptors (1,024)."""
SESSIONS_MAX = 10
"""sshd_config(5): the default of MaxSessions."""
AGAIN_S = 0.1
"""A session that we closed counts at the server until its program has ended."""
RELEASE_S = 3.0


class Channels:
    """Open channels on whatever transport is up, at most so many at once, in fair order."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._forwards, self._sessions = Turns(FORWARDS_MAX), Turns(SESSIONS_MAX)

    @property
    def in_use(self) -> int:
        return self._forwards.used + self._sessions.used

    def facts(self) -> list[tuple[str, str]]:
        """Say how much is in use, for the page."""
        return [
            ("channels", f"{self._forwards.used} of {self._forwards.limit}"),
            ("sessions", f"{self._sessions.used} of {self._sessions.limit}"),
            ("waiting", str(self._forwards.waiting + self._sessions.waiting)),
        ]

    def open(
        self,
        up: Callable[[float], Carrier],
        ask: Callable[[Carrier, float], paramiko.Channel],
        *,
        party: str,
        timeout_s: float,
        session: bool,
    ) -> paramiko.Channel:
        """Wait for a turn and a transport, and ask. Raise a ConnectionProblem when nothing comes of it in time."""
        deadline = time.monotonic() + timeout_s
        turns = self._sessions if session else self._forwards
        turns.take(party, timeout_s=timeout_s)
        try:
            carrier = up(deadline)
            channel = self._session(carrier, ask, deadline) if session else self._asked(carrier, ask, deadline)
        except BaseException:
            turns.give()
            raise
        carrier.at_end(channel, turns.give)
        return channel

    def _asked(
        self, carrier: Carrier, ask: Callable[[Carrier, float], paramiko.Channel], deadline: float
    ) -> paramiko.Channel:
        try:
            return ask(carrier, max(0.0, deadline - time.monotonic()))
        except Refused as refused:
            raise self._said(refused) from refused
        except (paramiko.SSHException, EOFError, OSError) as lost:
            if carrier.is_active():
                raise Unreachable(f"{self._host} did not open a channel: {words(lost)}.") from lost
            raise Unreachable(f"The line to {self._host} was lost.", hint="Try again.") from lost

    def _session(
        self, carrier: Carrier, ask: Callable[[Carrier, float], paramiko.Channel], deadline: float
    ) -> paramiko.Channel:
        """Ask for a session; when the server has no more, learn how many it allows, and wait for one to end."""
        until = min(deadline, time.monotonic() + RELEASE_S)
        while True:
            try:
                return self._asked(carrier, ask, deadline)
            except Forbidden:
                others = self._sessions.used - 1
                if 0 < others < self._sessions.limit:
                    self._sessions.allow(others)
                if time.monotonic() + AGAIN_S > until:
                    raise
                time.sleep(AGAIN_S)

    def _said(self, refused: Refused) -> ConnectionProblem:
        if refused.kind == "session" and refused.code in (PROHIBITED, CONNECT_FAILED):
            return Forbidden(
                f"{self._host} opens no further session: {self._sessions.used - 1} are in use.",
                hint="Its sshd_config (MaxSessions) or the key's options there forbid more.",
            )
        if refused.code == PROHIBITED:
            return Forbidden(
                f"{self._host} does not allow this forwarding.",
                hint="Its sshd_config (AllowTcpForwarding, AllowStreamLocalForwarding, PermitOpen) or the key's "
                "options there forbid it.",
            )
        return Unreachable(f"{self._host} does not reach the target: {words(refused.words)}.")
