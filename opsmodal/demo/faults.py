"""Faults that a test can switch on: what a client must survive when the API server or the way to it is not well.

A fault holds for all paths that start with its prefix until it is switched off, or for a number of requests.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal["cut", "status", "half", "silence", "delay", "deny"]
READING = frozenset({"GET", "HEAD"})
FOREVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request. `cut` closes the connection without a word, `half` in the middle of the body.

    `deny` is an admission webhook that lets nothing be written, and says `words`.
    """

    kind: FaultKind
    prefix: str = "/"
    status: int = 500
    retry_after_s: int | None = None
    delay_s: float = 0.0
    words: str = ""


class Faults:
    """Switch faults on and off. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on: list[tuple[Fault, list[int]]] = []
        self._cleared = threading.Event()
        self._cleared.set()
        self.watch_drops = 0
        """How often watches were dropped: each watch ends when this grows."""

    def cut(self, prefix: str = "/", *, times: int = FOREVER) -> None:
        """Close the connection without an answer."""
        self._add(Fault(kind="cut", prefix=prefix), times)

    def answer(self, status: int, prefix: str = "/", *, retry_after_s: int | None = None, times: int = FOREVER) -> None:
        """Answer with `status` (401, 403, 404, 410, 429, 500, 503 …) in the API server's words."""
        self._add(Fault(kind="status", prefix=prefix, status=status, retry_after_s=retry_after_s), times)

    def half(self, prefix: str = "/", *, times: int = FOREVER) -> None:
        """Send the head and the first half of the body, then close."""
        self._add(Fault(kind="half", prefix=prefix), times)

    def silence(self, prefix: str = "/", *, times: int = FOREVER) -> None:
        """Take the request and never answer, until the faults are cleared or the cluster stops."""
        self._add(Fault(kind="silence", prefix=prefix), times)

    def delay(self, delay_s: float, prefix: str = "/", *, times: int = FOREVER) -> None:
        """Answer rightly, but `delay_s` later."""
        self._add(Fault(kind="delay", prefix=prefix, delay_s=delay_s), times)

    def deny(self, words: str, prefix: str = "/", *, times: int = FOREVER) -> None:
        """Let an admission webhook deny whatever is written, with these words; reading goes on."""
        self._add(Fault(kind="deny", prefix=prefix, words=words), times)

    def drop_watches(self) -> None:
        """End every watch and every followed log that is open now, in the middle of its stream."""
        with self._lock:
            self.watch_drops += 1

    def clear(self) -> None:
        """Switch everything off, and let silent requests go."""
        with self._lock:
            self._on.clear()
            self._cleared.set()

    def _add(self, fault: Fault, times: int) -> None:
        with self._lock:
            self._on.append((fault, [times]))
            self._cleared.clear()

    def of(self, path: str, method: str = "GET") -> Fault | None:
        """Give the fault that a request for `path` meets; counts the request."""
        with self._lock:
            for fault, left in self._on:
                if fault.kind == "deny" and method in READING:
                    continue
                if path.startswith(fault.prefix) and left[0] != 0:
                    left[0] -= 1 if left[0] > 0 else 0
                    return fault
        return None

    def wait_cleared(self, timeout_s: float) -> bool:
        """Wait until the faults are cleared; tell whether they were."""
        return self._cleared.wait(timeout_s)
