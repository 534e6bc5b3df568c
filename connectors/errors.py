"""What can go wrong on the way to a runtime.

    ConnectionProblem
    ├── Unreachable       nobody answers at the address
    ├── LoginRefused      the far side does not accept who we are
    ├── HostKeyUnknown    nobody has said yet that this host key is the right one
    ├── HostKeyChanged    the far side is not who it was
    ├── Forbidden         the far side is there, and refuses this use of it
    ├── WrongRoute        the way would not lead through the chosen tunnel
    └── NotAvailable      this kind of connection cannot be used here

Each carries one sentence for the page and, where there is something to do, a hint. Neither ever holds a credential.
"""

from __future__ import annotations


class ConnectionProblem(Exception):
    """Say why a connection does not carry: `sentence` is what happened, `hint` what to do next."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class Unreachable(ConnectionProblem):
    """Nobody answers at the address."""


class LoginRefused(ConnectionProblem):
    """The far side does not accept the identity that was offered."""


class HostKeyUnknown(ConnectionProblem):
    """No key of this host is known. `host` and `port` say of which, `line` is what known_hosts would need to have."""

    def __init__(self, sentence: str, *, hint: str = "", host: str, port: int, line: str, fingerprint: str) -> None:
        super().__init__(sentence, hint=hint)
        self.host = host
        self.port = port
        self.line = line
        self.fingerprint = fingerprint


class HostKeyChanged(ConnectionProblem):
    """The far side shows another key than the one that was trusted: an alarm, never a question."""


class Forbidden(ConnectionProblem):
    """The far side does not allow what was asked of it: forwarding, more sessions, this program."""


class WrongRoute(ConnectionProblem):
    """Packets would not go through the tunnel that was chosen."""


class NotAvailable(ConnectionProblem):
    """This kind of connection does not exist here yet, or lacks what it needs."""
