"""Lines: the ways through SSH that are open, each shared by all who take the same one, jump hosts included.

A Line is one user's share of a way; the way itself is a `Trunk`, found again by its hops. It is given back when the
last share of it is closed. One thread, the clock, watches all of them.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import paramiko

from connectors.base import Standing
from connectors.errors import Unreachable
from connectors.options import Hop
from connectors.ssh.carrier import Carrier
from connectors.ssh.refusals import Refusals
from connectors.ssh.trunk import IDLE_S, Trunk

log = logging.getLogger(__name__)

TICK_S = 1.0
JOIN_S = 5.0
_numbers = itertools.count()


class Line:
    """A share of one authenticated transport. Made without dialling; safe from several threads."""

    def __init__(self, trunk: Trunk, give_back: Callable[[Trunk], None]) -> None:
        self._trunk, self._give_back = trunk, give_back
        self._number = next(_numbers)
        self._closed = threading.Event()

    def channel(
        self,
        ask: Callable[[Carrier, float], paramiko.Channel],
        *,
        party: str,
        timeout_s: float,
        session: bool = False,
    ) -> paramiko.Channel:
        """Open a channel under the fair queue; when it is closed on both sides, its place is given back.

        `ask` is called with the transport and the seconds that are left; `session` is True for programs and subsystems,
        of which servers allow fewer. Dials first when nothing is up. Raise a ConnectionProblem: LoginRefused,
        HostKeyUnknown, HostKeyChanged, Unreachable, Forbidden.
        """
        if self._closed.is_set():
            raise Unreachable("This connection was closed.", hint="Open the page again.")
        return self._trunk.channel(ask, party=party, timeout_s=timeout_s, session=session)

    def standing(self) -> Standing:
        """Say how the line is, at once and without trying it."""
        return self._trunk.standing()

    def again(self) -> None:
        """Let the next use dial at once, whatever the back-off says: for a person who asks to try it now."""
        self._trunk.again()

    def on_up(self, callback: Callable[[], None]) -> None:
        """Call back in the dialling thread each time the line came up, the first time included."""
        self._trunk.listen(self._number, callback)

    def close(self) -> None:
        """Give the share back; the last one ends the transport. May be called twice."""
        if not self._closed.is_set():
            self._closed.set()
            self._trunk.listen(self._number, None)
            self._give_back(self._trunk)


class Lines:
    """All lines of this process; what its neighbours should know of them lies in `folder`."""

    def __init__(self, folder: Path, *, idle_s: float = IDLE_S) -> None:
        self._refusals, self._idle_s = Refusals(folder), idle_s
        self._lock = threading.Lock()
        self._trunks: dict[tuple[Hop, ...], tuple[Trunk, int]] = {}
        self._clock: threading.Thread | None = None
        self._stop = threading.Event()

    def line(self, hops: tuple[Hop, ...]) -> Line:
        """Give a share of the line through `hops`; nothing is dialled."""
        with self._lock:
            if self._stop.is_set():
                raise Unreachable("The connections of this server are being closed.")
            trunk = self._taken(hops)
            if self._clock is None:
                self._clock = threading.Thread(target=self._watch, name="ssh-clock", daemon=True)
                self._clock.start()
        return Line(trunk, self._give_back)

    def close(self) -> None:
        """End every line. May be called twice."""
        self._stop.set()
        with self._lock:
            trunks = [trunk for trunk, _ in self._trunks.values()]
            self._trunks.clear()
            clock = self._clock
        for trunk in trunks:  # jump hosts first: whoever waits for them to be dialled is let go
            trunk.close()
        if clock is not None and clock is not threading.current_thread():
            clock.join(JOIN_S)

    def _taken(self, hops: tuple[Hop, ...]) -> Trunk:
        """Find or make the trunk, and count one more user of it and of those before it. Needs the lock."""
        before = self._taken(hops[:-1]) if len(hops) > 1 else None
        trunk, users = self._trunks.get(hops, (None, 0))
        if trunk is None:
            trunk = Trunk(hops, before=before, refusals=self._refusals, idle_s=self._idle_s)
        self._trunks[hops] = (trunk, users + 1)
        return trunk

    def _give_back(self, trunk: Trunk) -> None:
        over: list[Trunk] = []
        with self._lock:
            for count in range(len(trunk.hops), 0, -1):
                key = trunk.hops[:count]
                if key not in self._trunks:
                    continue
                found, users = self._trunks.pop(key)
                if users > 1:
                    self._trunks[key] = (found, users - 1)
                else:
                    over.append(found)
        for each in reversed(over):  # jump hosts first, as above
            each.close()

    def _watch(self) -> None:
        while not self._stop.wait(TICK_S):
            with self._lock:
                trunks = [trunk for trunk, _ in self._trunks.values()]
            for trunk in trunks:
                try:
                    trunk.tick()
                except Exception:
                    log.exception("ssh.clock-failed", extra={"host": trunk.hop.host})
