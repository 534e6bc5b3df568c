"""The channels of one line: who may open one now, and what a server that refuses one means.

Two bounds, because servers have two: sessions (programs, `MaxSessions`, ten by default) and forwarded connections. What
a server allows is learned from what it refuses, since it says no number, and tried anew a minute later: a session that
was closed here counts at the server until its program has ended, so what was learned may be too little.
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
AGAIN_S, AGAIN_MAX_S = 0.1, 1.0
RELEASE_S = 3.0
"""So long a server may take to count a closed session as over, before it is believed that it opens none at all."""
LEARN_AGAIN_S = 60.0
Ask = Callable[[Carrier, float], paramiko.Channel]


class Channels:
    """Open channels on whatever transport is up, at most so many at once, in fair order."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._forwards, self._sessions = Turns(FORWARDS_MAX), Turns(SESSIONS_MAX)
        self._refused_at = 0.0

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
        self, up: Callable[[float], Carrier], ask: Ask, *, party: str, timeout_s: float, session: bool
    ) -> paramiko.Channel:
        """Wait for a turn and a transport, and ask. Raise a ConnectionProblem when nothing comes of it in time."""
        deadline = time.monotonic() + timeout_s
        turns = self._sessions if session else self._forwards
        self._try_more()
        if not turns.take(party, timeout_s=timeout_s):
            raise self._full(turns, timeout_s)
        try:
            carrier = up(deadline)
            channel = self._session(carrier, ask, deadline) if session else self._asked(carrier, ask, deadline)
        except BaseException:
            turns.give()
            raise
        carrier.at_end(channel, turns.give)
        return channel

    def _asked(self, carrier: Carrier, ask: Ask, deadline: float) -> paramiko.Channel:
        try:
            return ask(carrier, max(0.0, deadline - time.monotonic()))
        except Refused as refused:
            raise self._said(refused) from refused
        except (paramiko.SSHException, EOFError, OSError) as lost:
            if carrier.is_active() and isinstance(lost, paramiko.SSHException):
                raise Unreachable(f"{self._host} did not open a channel: {words(lost)}.") from lost
            raise Unreachable(f"The line to {self._host} was lost.", hint="Try again.") from lost

    def _session(self, carrier: Carrier, ask: Ask, deadline: float) -> paramiko.Channel:
        """Ask for a session; when the server has no more, learn how many it allows, and wait for one to end."""
        alone_until, pause_s = time.monotonic() + RELEASE_S, AGAIN_S
        while True:
            try:
                return self._asked(carrier, ask, deadline)
            except Forbidden as refused:
                now, others = time.monotonic(), self._sessions.used - 1
                if not isinstance(refused.__cause__, Refused):
                    raise
                self._learn(others)
                if now + pause_s > (deadline if others else min(deadline, alone_until)):
                    raise
                time.sleep(pause_s)
                pause_s = min(AGAIN_MAX_S, pause_s * 2)

    def _learn(self, others: int) -> None:
        self._refused_at = time.monotonic()
        if 0 < others < self._sessions.limit:
            self._sessions.allow(others)

    def _try_more(self) -> None:
        now = time.monotonic()
        if self._sessions.limit < SESSIONS_MAX and now - self._refused_at > LEARN_AGAIN_S:
            self._refused_at = now
            self._sessions.allow(self._sessions.limit + 1)

    def _full(self, turns: Turns, timeout_s: float) -> ConnectionProblem:
        if turns is self._sessions and turns.limit < SESSIONS_MAX:
            return self._no_session(turns.limit)
        return Unreachable(
            f"All {turns.limit} channels to {self._host} were in use for {timeout_s:.3g} s.",
            hint="Close a few streams, or try again later.",
        )

    def _no_session(self, others: int) -> Forbidden:
        if not others and self._sessions.limit < SESSIONS_MAX:
            others = self._sessions.limit  # what was closed here may still run there
        said = f"allows {others} at once, and no more" if others else "allows none"
        return Forbidden(
            f"{self._host} opened no session: it {said}.",
            hint="Raise MaxSessions in its sshd_config; a key's options may forbid sessions, too.",
        )

    def _said(self, refused: Refused) -> ConnectionProblem:
        if refused.kind == "session" and refused.code in (PROHIBITED, CONNECT_FAILED):
            return self._no_session(self._sessions.used - 1)
        if refused.code == PROHIBITED:
            return Forbidden(
                f"{self._host} does not allow this forwarding.",
                hint="Its sshd_config (AllowTcpForwarding, AllowStreamLocalForwarding, PermitOpen) or the key's "
                "options there forbid it.",
            )
        return Unreachable(f"{self._host} does not reach the target: {words(refused.words)}.")
