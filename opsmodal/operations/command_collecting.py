r"""Takes the output of a one-shot command: both streams apart, as text, up to a bound; and ends it when nobody waits.

A command that writes more than the bound goes on, and the rest is dropped: it may have to end well (`kubectl delete`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from connectors.base import Ended, Exit, Output
from runtimes.base import Stream

STOPPED = "stopped"
"""Why a command is over whose client went away."""
LOOK_S = 0.25
"""How often it is asked whether somebody waits still."""
GRACE_S = 15.0
"""What ends a command takes a few seconds itself: a stream that is this late is closed from here."""
JOIN_S = 10.0
SILENT_END = Exit(code=None, reason=Ended.LOST, sentence="It ended without saying how.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a command gave. `reason` is exited, timeout, lost or stopped; `bytes_count` counts what was dropped, too."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None
    reason: str
    sentence: str
    duration_ms: int
    bytes_count: int
    truncated: bool

    @property
    def timed_out(self) -> bool:
        """Whether it took longer than it may."""
        return self.reason == Ended.TIMEOUT


@dataclass(slots=True)
class _Taken:
    """The pieces so far."""

    max_bytes: int
    pieces: dict[str, list[bytes]] = field(default_factory=lambda: {"stdout": [], "stderr": []})
    count: int = 0

    def add(self, output: Output) -> None:
        room = max(0, self.max_bytes - self.count)
        if room:
            self.pieces[output.source].append(output.data[:room])
        self.count += len(output.data)


def collect(stream: Stream[Output | Exit], *, limit_s: float, max_bytes: int, is_gone: Callable[[], bool]) -> Collected:
    """Read a command to its end, or until whoever asked `is_gone`; the stream is closed either way."""
    began, taken, end = time.monotonic(), _Taken(max_bytes), SILENT_END
    with closing(stream), _watched(stream, until=began + limit_s + GRACE_S, is_gone=is_gone) as left:
        for item in stream:
            if isinstance(item, Exit):
                end = item
            elif not left:
                taken.add(item)
    over = left[0] if left else end
    return Collected(
        stdout=b"".join(taken.pieces["stdout"]),
        stderr=b"".join(taken.pieces["stderr"]),
        exit_code=over.code,
        reason=STOPPED if left and over.reason is not Ended.TIMEOUT else over.reason.value,
        sentence=over.sentence,
        duration_ms=int((time.monotonic() - began) * 1000),
        bytes_count=taken.count,
        truncated=taken.count > max_bytes,
    )


@contextmanager
def _watched(stream: Stream[Output | Exit], *, until: float, is_gone: Callable[[], bool]) -> Iterator[list[Exit]]:
    """Close a stream when nobody waits for it, also while it says nothing; the list then holds why."""
    left, over = list[Exit](), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            if is_gone():
                left.append(Exit(code=None, sentence="It was stopped, or whoever asked for it went away."))
            elif time.monotonic() > until:
                left.append(Exit(code=None, reason=Ended.TIMEOUT, sentence="It did not end in time."))
            if left:
                stream.close()
                return

    watcher = threading.Thread(target=look, name="command-watch", daemon=True)
    watcher.start()
    try:
        yield left
    finally:
        over.set()
        watcher.join(JOIN_S)


def as_text(data: bytes) -> str:
    r"""Show bytes as text: what is no UTF-8 as `\xNN`, so that nothing is lost or passes for something else."""
    return data.decode(errors="backslashreplace")
