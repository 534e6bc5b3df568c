"""Keeps long outputs beside whoever waits for an answer: one thread masks, packs and writes them, and rests in between.

Masking takes a second for 2 MB. Fifty commands that end at once must neither be fifty outputs in memory nor stop the
worker that sends them to their readers, so they take turns, and three quarters of the time nothing is done. It refuses
more than WAITING_MAX at once: those outputs are not kept.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable

from opsmodal.commands.kept import Frame, Rest
from opsmodal.store.errors import StoreProblem

log = logging.getLogger(__name__)

WAITING_MAX = 200
REST_TIMES = 3.0
"""How much longer it rests than it works."""
TRIES = 30
RETRY_S = 10.0
"""Five minutes for a store that is away."""
LOOK_S = 1.0
CLOSE_S = 20.0

Keep = Callable[[str, str, Iterable[Frame], Rest], None]
"""Keep the output of a command of this id, on this service. Raise StoreProblem."""


class Keeping:
    """Outputs that wait to be kept. The thread starts with the first of them, and ends with `close`."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._queue: queue.Queue[tuple[str, str, Iterable[Frame]]] = queue.Queue(WAITING_MAX)
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, command_id: str, service: str, frames: Iterable[Frame]) -> None:
        """Take an output in; it is read when its turn has come."""
        with self._changed:
            try:
                self._queue.put_nowait((command_id, service, frames))
            except queue.Full:
                log.warning("output of a command not kept: too many wait", extra={"command": command_id})
                return
            self._waiting.add(command_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="command-outputs", daemon=True)
                self._thread.start()

    def is_waiting(self, command_id: str) -> bool:
        """Tell whether an output is still to be kept, and so must be there to be read."""
        return command_id in self._waiting

    def wait(self, command_id: str, timeout_s: float) -> bool:
        """Wait until an output does not wait any more; False when it still does by then."""
        with self._changed:
            return self._changed.wait_for(lambda: command_id not in self._waiting, timeout_s)

    def close(self) -> None:
        """Keep what is waiting, without a rest, and end the thread. May be called twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while True:
            try:
                command_id, service, frames = self._queue.get(timeout=LOOK_S)
            except queue.Empty:
                if self._closing.is_set():
                    return
                continue
            try:
                self._try(command_id, service, frames)
            except Exception:  # the top of a thread: the next output may be kept
                log.exception("output of a command not kept", extra={"command": command_id})
            with self._changed:
                self._waiting.discard(command_id)
                self._changed.notify_all()

    def _try(self, command_id: str, service: str, frames: Iterable[Frame]) -> None:
        for _ in range(TRIES):
            try:
                self._keep(command_id, service, frames, self._rest)
            except StoreProblem as problem:
                log.warning("output of a command not kept yet", extra={"command": command_id, "why": problem.sentence})
                if self._closing.wait(RETRY_S):
                    return
            else:
                return

    def _rest(self, worked_s: float) -> None:
        self._closing.wait(worked_s * REST_TIMES)
