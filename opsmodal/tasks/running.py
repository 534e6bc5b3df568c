"""One task that runs in this process: its thread, where it stands, and its end.

What it holds (its row in the audit log, above all) is let go with its end, whichever that is. It refuses to be ended
from outside: it is asked to, and ends with the next thing that it tells.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime

from connectors.errors import ConnectionProblem
from opsmodal.errors import Refusal
from opsmodal.store.errors import StoreProblem
from opsmodal.tasks.task import INSIDE, INSIDE_HINT, Ended, Stopped, Task, Telling, done, failed, stopped, told
from runtimes.errors import RuntimeProblem
from runtimes.planning import Progress

log = logging.getLogger(__name__)

Run = Callable[[Telling], None]


class Running:
    """A task of this process, from its beginning on."""

    def __init__(
        self, task: Task, run: Run, *, held: ExitStack, ended: Ended, over: Ended, now: Callable[[], datetime]
    ) -> None:
        self.task = task
        self.is_saved = True
        """Whether the store has what `task` is just now."""
        self._run = run
        self._held = held
        self._ended = ended
        self._over = over
        self._now = now
        self._last: Progress | None = None
        self._stop = ""
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._go, name=f"task-{task.id[:8]}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, sentence: str) -> None:
        """Ask it to end; the first who asks is named."""
        self._stop = self._stop or sentence
        self._asked.set()

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def tell(self, progress: Progress) -> None:
        """Take in how far it is. Raise Stopped when it is to end."""
        if self._asked.is_set():
            raise Stopped(self._stop)
        self._last = progress
        after = told(self.task, progress)
        if after != self.task:
            self.task, self.is_saved = after, False

    def _go(self) -> None:
        try:
            with self._held:
                self.task = self._through()
                self._ended(self.task)
        except (RuntimeProblem, ConnectionProblem, Refusal, StoreProblem) as problem:
            self.task = failed(self.task, problem.sentence, problem.hint, self._now())
        except Exception:  # the top of a thread
            log.exception("task failed", extra={"task": self.task.id, "kind": self.task.kind})
            self.task = failed(self.task, INSIDE, INSIDE_HINT, self._now())
        self._over(self.task)

    def _through(self) -> Task:
        try:
            self._run(self.tell)
        except Stopped as why:
            return stopped(self.task, why.sentence, self._now())
        return done(self.task, self._last, self._now())
