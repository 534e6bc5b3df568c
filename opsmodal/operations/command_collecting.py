r"""Takes the output of a one-shot command: both streams apart, as text, up to a bound; and ends it when nobody waits.

A command that writes more than the bound goes on, and the rest is dropped: it may have to end well (`kubectl delete`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from connectors.base import Ended, Exit, Output
from connectors.errors import ConnectionProblem
from runtimes.base import Stream
from runtimes.errors import RuntimeProblem

log = logging.getLogger(__name__)

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
    is_way_lost: bool = False
    """Whether the stream itself said that the way to the command was lost."""

    @property
    def timed_out(self) -> bool:
        """Whether it took longer than it may."""
        return self.reason == Ended.TIMEOUT


@dataclass(slots=True)
class _Taken:
    """The pieces so far, and the end: what the stream said, and why it was closed from here where it was."""

    max_bytes: int
    pieces: dict[str, list[bytes]] = field(default_factory=lambda: {"stdout": [], "stderr": []})
    count: int = 0
    said: Exit | None = None
    left: Exit | None = None

    def add(self, item: Output | Exit) -> None:
        if isinstance(item, Exit):
            self.said = item
            if item.reason is Ended.LOST:  # whoever wanted it to end cannot be told that it did
                self.left = None
        elif self.left is None:
            if room := max(0, self.max_bytes - self.count):
                self.pieces[item.source].append(item.data[:room])
            self.count += len(item.data)

    def leave(self, why: Exit) -> bool:
        """Give up waiting; False where it has said how it ended: that is what counts."""
        if self.said is None:
            self.left = why
        return self.said is None


def collect(stream: Stream[Output | Exit], *, limit_s: float, max_bytes: int, is_gone: Callable[[], bool]) -> Collected:
    """Read a command to its end, or until whoever asked `is_gone`; the stream is closed either way.

    A stream that breaks is one that was lost: what came before that is given.
    """
    began, taken, broken = time.monotonic(), _Taken(max_bytes), SILENT_END
    try:
        with closing(stream), _watched(stream, taken, until=began + limit_s + GRACE_S, is_gone=is_gone):
            for item in stream:
                taken.add(item)
    except (RuntimeProblem, ConnectionProblem) as problem:
        log.warning("stream of a command broke", extra={"why": problem.sentence})
        broken = Exit(code=None, reason=Ended.LOST, sentence=problem.sentence)
    over = taken.left or taken.said or broken
    return Collected(
        stdout=b"".join(taken.pieces["stdout"]),
        stderr=b"".join(taken.pieces["stderr"]),
        exit_code=over.code,
        reason=STOPPED if over is taken.left and over.reason is not Ended.TIMEOUT else over.reason.value,
        sentence=over.sentence,
        duration_ms=int((time.monotonic() - began) * 1000),
        bytes_count=taken.count,
        truncated=taken.count > max_bytes,
        is_way_lost=over is taken.said and over.reason is Ended.LOST,
    )


@contextmanager
def _watched(
    stream: Stream[Output | Exit], taken: _Taken, *, until: float, is_gone: Callable[[], bool]
) -> Iterator[None]:
    """Close a stream when nobody waits for it, also while it says nothing."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            if is_gone():
                why = Exit(code=None, sentence="It was stopped, or whoever asked for it went away.")
            elif time.monotonic() > until:
                why = Exit(code=None, reason=Ended.TIMEOUT, sentence="It did not end in time.")
            else:
                continue
            if taken.leave(why):
                stream.close()
            return

    def watch() -> None:
        try:
            look()
        except Exception:  # the top of a thread
            log.exception("command not watched, or not ended")

    watcher = threading.Thread(target=watch, name="command-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(JOIN_S)


def as_text(data: bytes) -> str:
    r"""Show bytes as text: what is no UTF-8 as `\xNN`, so that nothing is lost or passes for something else."""
    return data.decode(errors="backslashreplace")
