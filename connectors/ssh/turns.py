"""Who comes next when a line has no free channel: the parties in turn, each one's own requests in their order.

One stream page with fifty follows must not keep another person's page waiting behind all fifty. The queue is bounded
and everybody in it has a deadline.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from connectors.errors import Unreachable

WAITING_MAX = 1_000
"""Requests that wait at one line; more are refused at once rather than late."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One request; `called` is set when its turn has come."""

    party: str
    called: threading.Event = field(default_factory=threading.Event)


class Queue:
    """The order alone: no clock, no threads."""

    def __init__(self) -> None:
        self._parties: OrderedDict[str, deque[Ticket]] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._parties.values())

    def add(self, ticket: Ticket) -> None:
        """Put a request behind the others of its party."""
        self._parties.setdefault(ticket.party, deque()).append(ticket)

    def next(self) -> Ticket | None:
        """Take the oldest request of the party that has waited longest for its turn."""
        if not self._parties:
            return None
        party, waiting = self._parties.popitem(last=False)
        ticket = waiting.popleft()
        if waiting:
            self._parties[party] = waiting
        return ticket

    def drop(self, ticket: Ticket) -> bool:
        """Take a request out; False when its turn has come already."""
        waiting = self._parties.get(ticket.party)
        if waiting is None or ticket not in waiting:
            return False
        waiting.remove(ticket)
        if not waiting:
            del self._parties[ticket.party]
        return True


class Turns:
    """At most `limit` at once; thread-safe."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._queue = Queue()
        self._limit, self._used = limit, 0

    @property
    def used(self) -> int:
        return self._used

    @property
    def limit(self) -> int:
        return self._limit

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._queue)

    def take(self, party: str, *, timeout_s: float) -> bool:
        """Wait for a turn; False when none came in time. Raise Unreachable when too many wait already."""
        ticket = Ticket(party)
        with self._lock:
            if self._used < self._limit and not len(self._queue):
                self._used += 1
                return True
            if len(self._queue) >= WAITING_MAX:
                raise Unreachable(f"{WAITING_MAX} requests wait for this line already.", hint="Try again later.")
            self._queue.add(ticket)
            self._call()
        if ticket.called.wait(max(0.0, timeout_s)):
            return True
        with self._lock:
            return not self._queue.drop(ticket)  # its turn may have come in this very moment

    def give(self) -> None:
        """Give a turn back."""
        with self._lock:
            self._used -= 1
            self._call()

    def allow(self, limit: int) -> None:
        """Set another limit; what is in use above it stays until it is given back."""
        with self._lock:
            self._limit = limit
            self._call()

    def _call(self) -> None:
        while self._used < self._limit and (ticket := self._queue.next()) is not None:
            self._used += 1
            ticket.called.set()
