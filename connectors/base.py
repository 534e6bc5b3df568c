"""The contract of a connection, next to its values. A connector opens one; a runtime only ever uses one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that can be dialled from this machine: `https://host:port`, `tcp://host:port` or `unix:///path`."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The answer to "does this way carry?": `latency_ms` is None when nothing answered; `sentence` is for the page."""

    ok: bool
    latency_ms: float | None
    sentence: str


class Connection(Protocol):
    """A way to a target. Safe to use from several threads; `close()` may be called twice."""

    kind: str

    def reach(self, address: str) -> Endpoint:
        """Give what to dial for `address`. Raise a ConnectionProblem when there is no way."""
        ...

    def probe(self, address: str, *, timeout_s: float) -> Probe:
        """Try whether somebody answers at `address`; never raise for a target that does not."""
        ...

    def close(self) -> None:
        """Give back what the way holds open."""
        ...
