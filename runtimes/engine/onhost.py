"""Runs a program on the engine's host, over the connection that the runtime was opened with.

The connection's own keeper ends what it started there. Refuses a connection that leads to no host in a sentence.
"""

from __future__ import annotations

import os
import pwd

from connectors.base import Connection
from connectors.errors import ConnectionProblem, Forbidden, LoginRefused, NotAvailable
from runtimes.commands import Command, Started
from runtimes.errors import Denied, Invalid, RuntimeProblem, Unavailable, Unsupported


class OnHost:
    """The programs on one engine's host."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def there(self) -> bool:
        """Whether the connection leads to a host."""
        return self._connection.has_host

    def run(self, command: Command) -> Started:
        """Begin to run. Raise Unsupported without a host, Invalid, Denied or Unavailable as the way says."""
        try:
            stream = self._connection.run(command.argv, timeout_s=command.limit_s)
        except ConnectionProblem as problem:
            raise told(problem, there=self.there) from problem
        return Started(stream=stream, identity=self._identity())

    def _identity(self) -> str:
        if self._connection.kind != "direct":
            return "the connection's user on its host"
        try:
            return f"{pwd.getpwuid(os.geteuid()).pw_name} on this machine"
        except KeyError:  # a container may run as a number without a name
            return f"user {os.geteuid()} on this machine"


def told(problem: ConnectionProblem, *, there: bool) -> RuntimeProblem:
    """Say what was wrong with the way; `there`, whether it leads to a host at all."""
    kind: type[RuntimeProblem] = Unavailable
    if isinstance(problem, NotAvailable):
        kind = Invalid if there else Unsupported
    elif isinstance(problem, Forbidden | LoginRefused):
        kind = Denied
    return kind(problem.sentence, hint=problem.hint)
