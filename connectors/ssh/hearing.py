"""When something was last heard on a transport, and the question that is asked when it is long ago.

Who judges the silence is the clock of the lines, not this: the thread that reads may itself be stuck behind one that
writes into a dead link.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from paramiko.message import Message
from paramiko.packet import Packetizer

PULSE_S = 5.0
"""So long nothing was heard: the far side is asked for a sign of life, which RFC 4254 section 4 obliges it to answer.
"""


class Hearing(Packetizer):  # type: ignore[misc]  # paramiko has no types
    """Note when something was heard, and ask for a sign of life when it is long ago."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.heard = time.monotonic()
        self.pulse: Callable[[], None] | None = None
        self._asked = self.heard

    def read_message(self) -> tuple[int, Message]:
        got: tuple[int, Message] = super().read_message()
        self.heard = time.monotonic()
        return got

    def _check_keepalive(self) -> None:
        """Called by the reading thread each time nothing came for a tenth of a second."""
        now = time.monotonic()
        if self.pulse is not None and now - self.heard > PULSE_S and now - self._asked > PULSE_S:
            self._asked = now
            self.pulse()
