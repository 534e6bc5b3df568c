"""A follow of logs that goes on over another connection when Auto leaves the one it came by: no line lost or repeated.

A follow mends a cut line by itself, over the way that it was opened with. So it is looked after: when it has been in
trouble for a moment, Auto is told, and where Auto then has another way, the follow is opened anew over that one from
exactly where it stood. One that is well is left where it is, also when a better way has come back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from connectors.errors import ConnectionProblem
from opsmodal.choices import AUTO
from opsmodal.fleet import Fleet
from runtimes.base import LogLine, LogQuery, Runtime, Stream
from runtimes.errors import RuntimeProblem, Unavailable
from runtimes.lines import RESUME_OVERLAP_S, Position, batched

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often a follow is asked whether it is in trouble."""
LASTS_LOOKS = 2
"""Looks in a row that must find trouble: a container that restarts is no reason to doubt its way."""
RETRY_S = 3.0
"""How often it is opened anew while no way carries: as often as the fleet tries."""
JOIN_S = 5.0
PLACES_MAX = 500
"""Logs whose place is remembered, as for pages that come back."""

Open = Callable[[Runtime, LogQuery], Stream[LogLine]]


def followed(fleet: Fleet, runtime: str, query: LogQuery, ask: Open, *, over: str) -> Stream[LogLine]:
    """Follow over the chosen way, or over whichever Auto takes where there are several. Raise what opening says."""
    if over != AUTO or len(fleet.ways(runtime)) == 1:
        return ask(fleet.runtime(runtime, over=over), query)
    return Followed(fleet, runtime, query, ask)


class Followed:
    """The lines of a follow, whichever way they come. `close` may come from any thread, and twice."""

    def __init__(self, fleet: Fleet, runtime: str, query: LogQuery, ask: Open) -> None:
        self._fleet = fleet
        self._runtime = runtime
        self._query = query
        self._ask = ask
        self._began_at = datetime.now(UTC)
        self._places: dict[tuple[str, str], Position] = {key: Position.at(mark) for key, mark in query.marks.items()}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._leaving = False
        self._over = ""
        self._stream = self._opened(query)
        self._looker = threading.Thread(target=self._look_after, name=f"follow over auto: {runtime}", daemon=True)
        self._looker.start()

    def __iter__(self) -> Iterator[LogLine]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[Sequence[LogLine]]:
        """Give the lines as they come. Raise what the runtime says when no other way is left."""
        while not self._closed.is_set():
            try:
                for batch in batched(self._stream):
                    self._remember(batch)
                    yield batch
            except (Unavailable, ConnectionProblem) as problem:
                if self._closed.is_set() or not (self._leaving or self._is_lost(problem.sentence)):
                    raise
                self._leaving = True
            if not self._leaving:
                return
            self._move()

    def close(self) -> None:
        """End it."""
        self._closed.set()
        with self._lock:
            stream = self._stream
        stream.close()
        if self._looker is not threading.current_thread():
            self._looker.join(JOIN_S)

    def _opened(self, query: LogQuery) -> Stream[LogLine]:
        def ask(runtime: Runtime) -> Stream[LogLine]:
            return self._ask(runtime, query)

        stream = self._fleet.read(self._runtime, ask)
        self._over = self._fleet.connection_in_use(self._runtime)
        return stream

    def _move(self) -> None:
        """Open it anew over the way that is in use now, from where it stood; tried again until it is closed."""
        self._stream.close()
        stream: Stream[LogLine] | None = None
        while stream is None and not self._closed.is_set():
            try:
                stream = self._opened(self._left())
            except (Unavailable, ConnectionProblem):
                self._closed.wait(RETRY_S)
        if stream is None:
            return
        with self._lock:
            self._stream, self._leaving = stream, False
            is_over = self._closed.is_set()
        if is_over:
            stream.close()

    def _left(self) -> LogQuery:
        since = self._began_at - timedelta(seconds=RESUME_OVERLAP_S)
        marks: Mapping[tuple[str, str], str] = {key: at.mark for key, at in self._places.items() if at.mark}
        return replace(self._query, tail=None, since=since, marks=marks)

    def _remember(self, batch: Sequence[LogLine]) -> None:
        for line in batch:
            place = self._places.setdefault((line.instance, line.container), Position())
            place.take(None if line.at is None else line.nanoseconds, line.text)
        while len(self._places) > PLACES_MAX:
            del self._places[next(iter(self._places))]

    def _look_after(self) -> None:
        looks = 0
        while not self._closed.wait(LOOK_S):
            try:
                trouble = next(iter(getattr(self._stream, "problems", {}).values()), "")
                looks = looks + 1 if trouble and not self._leaving else 0
                if looks >= LASTS_LOOKS and self._is_lost(trouble):
                    looks = 0
                    self._leave()
            except RuntimeProblem as problem:
                log.debug("follow not looked after", extra={"runtime": self._runtime, "why": problem.sentence})
            except Exception:  # the top of a thread: the follow itself goes on
                log.exception("follow not looked after", extra={"runtime": self._runtime})

    def _is_lost(self, sentence: str) -> bool:
        """Tell Auto, and say whether it takes another way now."""
        return self._fleet.lost(self._runtime, self._over, sentence) not in ("", self._over)

    def _leave(self) -> None:
        """Wake whoever reads: the lines end here, and go on over another way."""
        with self._lock:
            self._leaving, stream = True, self._stream
        stream.close()
