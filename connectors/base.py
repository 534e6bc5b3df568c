"""The contract of a connection, next to its values. A connector opens one; a runtime only ever uses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from connectors.errors import ConnectionProblem
from connectors.stream import Stream


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that can be dialled from this machine: `https://host:port`, `tcp://host:port` or `unix:///path`."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The answer to "does this way carry?": `latency_ms` is None when nothing answered; `sentence` is for the page.

    `problem` is what was raised on the way, for whoever has to tell one from the other: a host key that is unknown,
    or has changed.
    """

    ok: bool
    latency_ms: float | None
    sentence: str
    hint: str = ""
    problem: ConnectionProblem | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that a command wrote, as they came."""

    source: Literal["stdout", "stderr"]
    data: bytes


class Ended(StrEnum):
    """Why a command is over."""

    EXITED = "exited"
    TIMEOUT = "timeout"
    LOST = "lost"
    """The way to it was lost: what it has done is unknown; its process group is ended as soon as that is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The end of a command, once and last: its exit status, 128 + the number of the signal that ended it, or None."""

    code: int | None
    reason: Ended = Ended.EXITED
    sentence: str = ""


class Phase(StrEnum):
    """Where a connection stands."""

    IDLE = "idle"
    """Nothing is held open; the next use opens it."""
    OPENING = "opening"
    UP = "up"
    DOWN = "down"
    """The last try failed; it is tried again when it is used, and no sooner than its back-off says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a connection is just now, without trying anything: `facts` are (name, value) pairs for the page.

    `problem` is why the last use was not carried, also of a way that is up: nobody listens at the target, say.
    """

    phase: Phase
    since: datetime | None = None
    sentence: str = ""
    hint: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    problem: ConnectionProblem | None = None


class Connection(Protocol):
    """A way to a target. Safe to use from several threads; `close()` may be called twice.

    It is made without dialling anything: what it needs is opened by its first use, shared, kept up while used, opened
    again after it was lost, and given back after idle time.
    """

    kind: str

    @property
    def has_host(self) -> bool:
        """Whether it leads to a host that `run` can run programs on."""
        ...

    def reach(self, address: str) -> Endpoint:
        """Give what to dial for `address`: the same each time, as long as the connection is not closed.

        Raise a ConnectionProblem when there is no way.
        """
        ...

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Stream[Output | Exit]:
        """Run a program on the host at the far end: no shell sees `argv`, and Exit is the last thing that comes.

        After `timeout_s`, or when the stream is closed, its process group is ended there. Raise NotAvailable where
        this connection leads to no host, another ConnectionProblem when the host cannot be reached.
        """
        ...

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        """Try whether somebody answers at `address`; never raise for a target that does not."""
        ...

    def standing(self) -> Standing:
        """Say how this connection is, at once and without trying it."""
        ...

    def again(self) -> None:
        """Let the next use try at once, whatever the pause after a failure says: a person has mended something."""
        ...

    def close(self) -> None:
        """Give back what the way holds open."""
        ...
