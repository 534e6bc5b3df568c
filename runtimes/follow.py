"""Follow many log sources as one stream that goes on across cuts, restarts and new instances.

Adapters say which sources there are and how to open one; everything that is hard about following is here, once:
threads, back-pressure, resuming without losing or repeating a line, ending. It refuses to hide a refusal: when the
runtime denies a source, the reader gets that error instead of a stream that is silently incomplete.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from time import monotonic
from types import TracebackType
from typing import Self

from runtimes.base import LogLine, Stream
from runtimes.errors import Missing, RuntimeProblem
from runtimes.inbox import Inbox
from runtimes.lines import Position
from runtimes.source import LASTING, Pace, Source

Key = tuple[str, str]
"""(instance, container)."""

Opener = Callable[[Position], Stream[LogLine]]
"""Open a source from `position.since` (None: as it was first asked for, with its tail).

It need not skip anything, `follow` does. The stream's `close()` comes from any thread, maybe twice, and must end a read
that blocks in another one; a bare generator cannot do that. Raise, from opening or reading: Missing when the source is
gone for good; Conflict, Unavailable or OSError when another try may help (a container that has not started, a cut
line); Denied, Invalid or Unsupported when none will.
"""

SOURCES_MAX = 200
"""Sources followed at once, each a thread and a connection; the rest is named in `problems`."""

POSITIONS_MAX = 200
"""Sources that are gone whose position is kept: a container that stops and starts again goes on where it stood."""

OPENING_PATIENCE_S = 1.0
"""How long the first lines wait for the sources that are still being opened, so that the tails come merged by time."""

JOIN_MAX_S = 15.0
"""How long `close` waits for its threads. Longer than the 10 s that opening a source may take."""

_log = logging.getLogger(__name__)


def follow(
    sources: Callable[[], Mapping[Key, Opener]],
    *,
    rediscover_s: float = 5.0,
    backoff_first_s: float = 0.2,
    backoff_max_s: float = 15.0,
    keep_waiting: bool = False,
    positions: Mapping[Key, Position] | None = None,
) -> Follow:
    """Follow what `sources` names, asked again every `rediscover_s`; a broken source is resumed where it was cut.

    A source that disappears from the mapping ends when it is drained. One that failed with Missing has ended, until
    the mapping gives another (unequal) opener under its key: a pod recreated under its name. Without `keep_waiting`
    the stream ends when no source is left; with it, it goes on until it is closed. What `sources` raises at first is
    raised here; later a lasting problem (Denied …) is raised at the reader, and anything else is tried again.
    `positions` are where an earlier follow left its sources: they go on from there.
    """
    pace = Pace(rediscover_s=rediscover_s, backoff_first_s=backoff_first_s, backoff_max_s=backoff_max_s)
    return Follow(sources, pace=pace, keep_waiting=keep_waiting, positions=positions or {})


class Follow:
    """The lines of all sources, roughly by time. One thread reads; `close` may come from any, and more than once.

    Whoever opens it closes it (or reads it to its end): it owns a thread for each source and one that looks for more.
    """

    def __init__(
        self,
        sources: Callable[[], Mapping[Key, Opener]],
        *,
        pace: Pace,
        keep_waiting: bool,
        positions: Mapping[Key, Position],
    ) -> None:
        self._sources = sources
        self._pace = pace
        self._keep_waiting = keep_waiting
        self._inbox = Inbox()
        self._ahead: deque[LogLine] = deque()
        self._lock = threading.Lock()
        self._followed: dict[Key, Source] = {}
        self._positions = dict(islice(positions.items(), POSITIONS_MAX))
        self._problem = ""
        self._closed = threading.Event()
        self._discovery = threading.Thread(target=self._discover, name="follow: discovery", daemon=True)
        try:
            self._adopt(sources(), patience_s=OPENING_PATIENCE_S)
            self._discovery.start()
        except BaseException:  # also when the machine has no thread left: end those that were started
            self.close()
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LogLine:
        if self._closed.is_set():
            self._ahead.clear()
        if not self._ahead:
            self._ahead.extend(self._take())
        if not self._ahead:
            raise StopIteration
        return self._ahead.popleft()

    def batches(self) -> Iterator[Sequence[LogLine]]:
        """Give the lines as they come, all that are there at once."""
        while batch := self._take():
            yield batch

    def _take(self) -> Sequence[LogLine]:
        try:
            batch = self._inbox.take()
        except Exception:
            self.close()
            raise
        if not batch:
            self.close()
        return batch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def problems(self) -> Mapping[Key, str]:
        """What is wrong right now, a sentence for each source that is being tried again; ("", "") is the discovery."""
        with self._lock:
            current = {key: source.problem for key, source in self._followed.items() if source.problem}
            return {("", ""): self._problem, **current} if self._problem else current

    def close(self) -> None:
        """End every thread and close every source; lines that wait are dropped."""
        self._closed.set()
        self._inbox.close()
        with self._lock:
            followed = list(self._followed.values())
        for source in followed:
            source.stop()
        deadline = monotonic() + JOIN_MAX_S
        for thread in [self._discovery, *(source.thread for source in followed)]:
            if thread is threading.current_thread() or not thread.is_alive():
                continue
            thread.join(max(0.0, deadline - monotonic()))
            if thread.is_alive():
                _log.warning("log thread still busy after close", extra={"thread_name": thread.name})

    def _discover(self) -> None:
        try:
            while not self._closed.wait(self._pace.rediscover_s):
                if self._look_again() and not self._keep_waiting and not self._alive():
                    self._inbox.finish()
                    return
        except Exception as error:  # noqa: BLE001  the top of a thread: the reader must learn of it
            if not isinstance(error, RuntimeProblem):
                _log.exception("log discovery failed")
            self._inbox.fail(error)

    def _look_again(self) -> bool:
        try:
            current = self._sources()
        except Missing:
            current = {}
        except LASTING:
            raise
        except (RuntimeProblem, OSError) as problem:
            self._problem = str(problem) or "The log sources cannot be listed."
            return False
        self._problem = ""
        self._adopt(current)
        return True

    def _adopt(self, current: Mapping[Key, Opener], *, patience_s: float = 0.0) -> None:
        with self._lock:
            for key in [key for key in self._followed if key not in current]:
                if self._followed[key].leave():
                    self._keep_position(key, self._followed.pop(key).position)
            for key, opener in current.items():
                self._take_up(key, opener, patience_s)
            left_out = len(current.keys() - self._followed.keys())
            if left_out:
                self._problem = f"Following the first {SOURCES_MAX} log sources; {left_out} more are left out."

    def _take_up(self, key: Key, opener: Opener, patience_s: float) -> None:
        known = self._followed.get(key)
        if self._closed.is_set() or (known is None and len(self._followed) >= SOURCES_MAX):
            return
        if known is None:
            position = self._positions.pop(key, None) or Position()
            source = Source(key, opener, position, inbox=self._inbox, pace=self._pace, patience_s=patience_s)
        elif known.thread.is_alive():
            known.stay()
            return
        elif known.missing and known.opener == opener:
            return
        else:
            source = Source(key, opener, known.position, inbox=self._inbox, pace=self._pace)
        self._followed[key] = source
        source.thread.start()

    def _keep_position(self, key: Key, position: Position) -> None:
        self._positions[key] = position
        if len(self._positions) > POSITIONS_MAX:
            del self._positions[next(iter(self._positions))]

    def _alive(self) -> bool:
        with self._lock:
            return any(source.thread.is_alive() for source in self._followed.values())
