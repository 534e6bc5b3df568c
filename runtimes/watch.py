"""Keeps one collection in memory as it is: list it, watch it, and list it again when the watch cannot be trusted.

However many people look, a collection is asked for once. It knows no runtime: a Source says how to list and to watch.
It refuses to go on from a stream that gave events out of order, and to ask a server that is down faster and faster.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from runtimes.base import Counts, Snapshot, Stream
from runtimes.collection import Collection
from runtimes.errors import Denied, Expired, Invalid, Missing, RuntimeProblem, Unavailable, Unsupported
from runtimes.interest import Interest
from runtimes.replica import Change, Listed
from runtimes.watched import Pace, Source

T = TypeVar("T")

PAGES_MAX = 200
READ_MAX_S = 30.0
"""Longest that a reader waits for the first list."""
WATCH_AGAIN_S = 60.0
"""How often a watch is tried again that was refused while lists are allowed: a role with `list` and no `watch`."""
JOIN_MAX_S = 15.0
"""How long `close` waits for the thread. Longer than the 10 s that a request may take to fail."""

REFUSALS = (Denied, Invalid, Missing, Unsupported)
"""What readers must be told instead of being shown older data."""

_log = logging.getLogger(__name__)


class Reflector(Generic[T]):
    """One live collection. It starts with its first reader and stops when there has been none for a while.

    `given_back` is called when it has stopped and holds nothing any more.
    """

    def __init__(
        self,
        source: Source[T],
        *,
        name: str,
        pace: Pace | None = None,
        given_back: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._source = source
        self._given_back = given_back
        self._pace = pace or Pace()
        self._shown: Collection[T] = Collection(name, self._pace, start=self._start)
        self._thread: threading.Thread | None = None
        self._stream: Stream[Change[T]] | None = None
        self._watch_from = 0.0

    @property
    def running(self) -> bool:
        """Whether the collection is being kept."""
        return self._shown.running

    @property
    def polling(self) -> bool:
        """Whether it may be listed and not watched."""
        return self._shown.polling

    @property
    def counts(self) -> Counts:
        """Say how large and how old the collection is."""
        return self._shown.counts

    def read(self, *, wait_s: float = READ_MAX_S) -> Snapshot[T]:
        """Give what is there, at once when it is known, else after a first list. Raise RuntimeProblem."""
        return self._shown.read(wait_s)

    def peek(self) -> Snapshot[T] | None:
        """Give what is there without keeping it there; None where nothing is being watched."""
        return self._shown.peek()

    def watch(self) -> Interest:
        """Keep it current until that is closed, without waiting for a first list. Raise Unavailable when closed."""
        return self._shown.watch()

    def stir(self) -> None:
        """Tell those who wait that something which belongs to the items, and is kept elsewhere, is new."""
        self._shown.stir()

    def settle(self, key: str, seen: Callable[[T | None], bool], *, within_s: float) -> bool:
        """Wait until an item is as somebody who has just changed it expects; never asks the runtime for it."""
        return self._shown.settle(key, seen, within_s)

    def stop(self) -> None:
        """Let the thread end soon, and refuse readers; does not wait for it. May be called twice."""
        with self._shown.news:
            self._shown.closed = True
            stream = self._stream
            self._shown.news.notify_all()
        if stream is not None:
            _close(stream)

    def close(self) -> None:
        """End everything and join the thread. May be called twice."""
        self.stop()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_MAX_S)
            if thread.is_alive():
                _log.warning("watch thread still busy after close", extra={"thread_name": thread.name})

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=f"watch: {self.name}", daemon=True)
        self._thread, self._shown.running = thread, True
        try:
            thread.start()
        except RuntimeError as error:
            self._thread, self._shown.running = None, False
            raise Unavailable("The machine has no thread left to watch with.", hint="Try again later.") from error

    def _run(self) -> None:
        try:
            self._rounds()
        except Exception as error:  # noqa: BLE001  the top of a thread: readers learn of it, the next one starts another
            _log.exception("watch failed", extra={"collection": self.name})
            told = Unavailable(f"Reading {self.name} failed: {type(error).__name__}.", hint="The log says more.")
            self._shown.lose(told, refused=True)
        finally:
            with self._shown.news:
                if self._mine() and self._shown.running:
                    self._shown.reset()
            self._given_back()

    def _rounds(self) -> None:
        pause_s = self._pace.backoff_first_s
        while not self._ending():
            began = monotonic()
            self._round()
            if monotonic() - began > self._pace.backoff_max_s:
                pause_s = self._pace.backoff_first_s
            self._rest(pause_s)
            pause_s = min(pause_s * 2, self._pace.backoff_max_s)

    def _round(self) -> None:
        """List, then watch until that breaks."""
        self._shown.begin()
        try:
            self._list()
            lasting = True
            while lasting and self._may_watch() and not self._ending():
                lasting = self._watch()
        except RuntimeProblem as problem:
            self._lose(problem)
        except OSError as error:
            self._lose(Unavailable(f"Reading {self.name} failed: {error.strerror or type(error).__name__}."))

    def _lose(self, problem: RuntimeProblem) -> None:
        _log.debug("watch lost", extra={"collection": self.name, "why": problem.sentence})
        self._shown.lose(problem, refused=isinstance(problem, REFUSALS))

    def _list(self) -> None:
        items: list[Listed[T]] = []
        next_page = ""
        for _ in range(PAGES_MAX):
            page = self._source.list(next_page)
            items += page.items
            next_page = page.next_page
            if not next_page:
                self._shown.become(items, page.version)
                return
            if self._shown.closed:
                return
        raise Unavailable(f"There is more of {self.name} than can be kept: over {PAGES_MAX} pages.")

    def _may_watch(self) -> bool:
        self._shown.polling = monotonic() < self._watch_from
        return not self._shown.polling

    def _watch(self) -> bool:
        """Watch until the stream ends or is cut; say whether it lasted. Raise what opening it says, or Expired."""
        try:
            stream = self._source.watch(self._shown.version)
        except (Denied, Missing, Unsupported) as problem:
            # Lists are allowed, so people see something; what may not be watched is listed when they look.
            _log.info("watch refused, listing instead", extra={"collection": self.name, "why": problem.sentence})
            self._watch_from = monotonic() + WATCH_AGAIN_S
            return True
        began = monotonic()
        try:
            self._take(stream)
        except (Unavailable, OSError):
            # What came until the cut is whole and in order: another watch goes on from there.
            _log.debug("watch cut", exc_info=True, extra={"collection": self.name})
        finally:
            with self._shown.news:
                if self._mine():  # else it ended for want of readers, and another has been started since
                    self._stream = None
                    self._shown.watching(live=False)
            _close(stream)
        return monotonic() - began >= self._pace.short_watch_s

    def _take(self, stream: Stream[Change[T]]) -> None:
        with self._shown.news:
            self._stream = stream
            if self._shown.closed:
                return
        self._shown.watching(live=True)
        for change in stream:
            if not self._shown.apply(change):
                raise Expired(f"The watch of {self.name} gave events out of order.")
            if self._ending():
                return

    def _rest(self, pause_s: float) -> None:
        """Wait before the next try."""
        pause_s *= random.uniform(0.5, 1.0)  # noqa: S311  jitter against a thundering herd, not a secret
        floor_s = min(self._pace.demand_gap_s, pause_s)
        if self._shown.polling:
            pause_s = self._pace.poll_s if self._shown.subscribers else self._pace.idle_s
        self._shown.rest(floor_s, pause_s)

    def _ending(self) -> bool:
        with self._shown.news:
            if self._shown.closed or not self._mine():
                return True
            if self._shown.idle():
                self._shown.reset()
                return True
            return False

    def _mine(self) -> bool:
        return self._thread is threading.current_thread()


def _close(stream: Stream[Change[T]]) -> None:
    try:
        stream.close()
    except (RuntimeProblem, OSError, ValueError):  # ValueError: a bare generator that is running cannot be closed
        _log.debug("watch could not be closed", exc_info=True)
