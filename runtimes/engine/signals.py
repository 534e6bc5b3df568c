"""Listens to an engine's events and keeps of them only which containers they speak of.

An engine drops the events of a listener that is slow (dockerd queues 1,024), so a thread of its own reads all the
time, and nobody asks the engine anything on it. What it keeps is a set of ids: a storm of events in one container is
one entry, and more than SIGNALLED_MAX of them are "all of them". It refuses to queue, and to believe what an event says
of a container: that is asked again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import msgspec

from runtimes.engine import problems
from runtimes.engine.answers import EngineEvent
from runtimes.engine.api import UNREADABLE, Download
from runtimes.engine.problems import Place
from runtimes.errors import RuntimeProblem, Unavailable, Unsupported

SIGNALLED_MAX = 500
"""Containers that wait to be looked at again; with more, looking at all of them is as quick."""
LINE_MAX_BYTES = 1024 * 1024
"""An event carries all labels of its container; engines allow some 100 KB of them."""
JOIN_MAX_S = 5.0

_log = logging.getLogger(__name__)
_DECODER = msgspec.json.Decoder(EngineEvent, strict=False)


class Signals:
    """Which containers changed since they were last asked for. Owns a thread, joined by `close()`."""

    def __init__(self, body: Download, *, place: Place, name: str) -> None:
        self._body = body
        self._place = place
        self._news = threading.Condition()
        self._ids: set[str] = set()
        self._all = False
        self._ended: RuntimeProblem | None = None
        self.heard = False
        """Whether there was any event."""
        self._thread = threading.Thread(target=self._listen, name=f"events: {name}", daemon=True)
        self._thread.start()

    def take(self, *, timeout_s: float) -> frozenset[str] | None:
        """Give the ids that came since the last call, none after `timeout_s`; None for "any of them may have changed".

        Raise Unavailable when the events have ended, after the last of them was given; Unsupported when the engine said
        that it has none.
        """
        with self._news:
            self._news.wait_for(lambda: self._ids or self._all or self._ended, timeout_s)
            ids, every = frozenset(self._ids), self._all
            self._ids, self._all = set(), False
            if self._ended is not None and not ids and not every:
                raise self._ended
            return None if every else ids

    def close(self) -> None:
        """End the listening; may be called twice and from any thread."""
        self._end(Unavailable("The events are no longer listened to."))
        self._body.close()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_MAX_S)

    def _listen(self) -> None:
        try:
            for event in self._events():
                with self._news:
                    self.heard = True
                    self._all = self._all or len(self._ids) >= SIGNALLED_MAX
                    self._ids.add(event.actor.id)
                    if self._all:
                        self._ids.clear()
                    self._news.notify_all()
        except RuntimeProblem as problem:
            self._end(problem)
        except Exception as error:  # noqa: BLE001  the top of a thread: who takes learns of it, and opens another
            _log.exception("events failed", extra={"engine": str(self._place)})
            self._end(Unavailable(f"The events of {self._place} could not be read: {type(error).__name__}."))
        else:
            self._end(Unavailable(f"{self._place.title} at {self._place} ended its events."))

    def _events(self) -> Iterator[EngineEvent]:
        held = b""
        try:
            for chunk in self._body:
                *lines, held = (held + chunk).split(b"\n")
                yield from (self._event(line) for line in lines if line.strip())
                if len(held) > LINE_MAX_BYTES:
                    raise problems.not_an_engine(self._place)
        except UNREADABLE as error:
            raise problems.not_an_engine(self._place) from error

    def _event(self, line: bytes) -> EngineEvent:
        event = _DECODER.decode(line)
        if not event.actor.id:
            # Podman that keeps no events (events_logger = "none") says so in the body, after an answer of 200.
            words = problems.message(line).rstrip(".") or "no events can be read"
            raise Unsupported(f"{self._place.title} at {self._place} gives no events: {words}.", detail=words)
        return event

    def _end(self, problem: RuntimeProblem) -> None:
        with self._news:
            self._ended = self._ended or problem
            self._news.notify_all()
