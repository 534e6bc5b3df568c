"""The tasks of this process, and how those of the others are read and stopped.

One thread writes how all tasks of this process stand, says that they live, and looks for those that are to end; it
begins with the first task and ends after the last. At most PERSON_MAX tasks of a person run across all workers (a few
more when several workers begin one in the same moment), and HERE_MAX in this one. It refuses to begin what it cannot
write down.
"""

from __future__ import annotations

import logging
import secrets
import threading
from contextlib import ExitStack
from datetime import timedelta
from time import monotonic

from opsmodal.errors import NotThere, TooMany
from opsmodal.store.errors import StoreProblem
from opsmodal.tasks.records import TaskRecords
from opsmodal.tasks.running import Run, Running
from opsmodal.tasks.task import Ended, Task

log = logging.getLogger(__name__)

PERSON_MAX = 10
HERE_MAX = 60
"""Tasks at once in one process: a thread and, for a rollout, two small reads a second each."""
LOOK_S = 0.5
"""How soon other workers see how far a task is, and how soon one that is to stop knows."""
BEAT_S = 5.0
JOIN_S = 10.0
RETRY_S = 10.0
SHOWN_FOR = timedelta(minutes=15)
"""How long a page shows a task that it need not be asked for."""
SHOWN_MAX = 10
WITH_THE_SERVER = "The opsmodal server was shut down."
WATCH_S = 0.25


def _nothing(_task: Task) -> None:
    """Nobody wants to be told."""


class Tasks:
    """Begin tasks, and read and stop those of all workers."""

    def __init__(self, records: TaskRecords) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._beginning = threading.Lock()
        self._running: dict[str, Running] = {}
        self._owed: dict[str, Task] = {}
        """Ends that the store did not take yet."""
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def start(
        self,
        *,
        kind: str,
        service: str,
        person: str,
        run: Run,
        target: str = "",
        sentence: str = "",
        held: ExitStack | None = None,
        ended: Ended = _nothing,
    ) -> Task:
        """Begin a task and give it as it begins. Raise TooMany and StoreProblem; then `held` is still the caller's.

        `run` goes on in a thread of its own and tells how far it is; it fails by what it raises, or when the last that
        it told is a failure. `held` is let go when it is over, with what was raised; `ended` is told before that.
        """
        task_id, now = secrets.token_urlsafe(12), self._records.now()
        task = Task(
            id=task_id,
            kind=kind,
            service=service,
            person=person,
            target=target,
            sentence=sentence,
            started_at=now,
        )
        with self._beginning:  # one after another, or a burst of requests finds the same room, each for itself
            self._demand_room(person)
            self._records.add(task)
            running = Running(task, run, held=held or ExitStack(), ended=ended, over=self._end, now=self._records.now)
            with self._lock:
                self._running[task_id] = running
                self._rouse()
        running.start()
        return task

    def get(self, task_id: str, *, service: str) -> Task:
        """Give a task of this service as it stands. Raise NotThere and StoreProblem."""
        with self._lock:
            here = self._running.get(task_id)
            task = here.task if here else self._owed.get(task_id)
        if task is None:
            task = self._records.get(task_id, service=service)
        if task is None or task.service != service:
            raise NotThere(f"There is no job {task_id[:40]!r} here.", hint="Jobs are remembered for seven days.")
        return task

    def stop(self, task_id: str, *, service: str, person: str) -> Task:
        """Ask a task to end, and give it as it stands: it ends with the next thing that it tells.

        Raise NotThere and StoreProblem.
        """
        task = self.get(task_id, service=service)
        if task.is_over:
            return task
        self._records.want_stop(task_id, person)
        with self._lock:
            here = self._running.get(task_id)
        if here is not None:
            here.stop(_by(person))
            here.join(LOOK_S)
        return self.get(task_id, service=service)

    def latest(self, service: str) -> tuple[Task, ...]:
        """List what runs on a service and what ended a moment ago, newest first. Raise StoreProblem."""
        since = self._records.now() - SHOWN_FOR
        found = self._records.latest(service, since=since, limit=SHOWN_MAX)
        with self._lock:
            here = {task_id: running.task for task_id, running in self._running.items()}
        return tuple(here.get(task.id, task) for task in found)

    def wait(self, seen: Task, timeout_s: float) -> Task:
        """Give a task when it is no longer as it was `seen`, or after that time. Raise NotThere and StoreProblem."""
        until = monotonic() + timeout_s
        while (task := self.get(seen.id, service=seen.service)) == seen and monotonic() < until:
            self._closing.wait(WATCH_S if seen.id in self._running else LOOK_S)
        return task

    def close(self) -> None:
        """End every task of this process and write their ends. May be called twice."""
        self._closing.set()
        with self._lock:
            running, writer = list(self._running.values()), self._writer
        for each in running:
            each.stop(WITH_THE_SERVER)
        until = monotonic() + JOIN_S
        for each in running:
            each.join(max(0.0, until - monotonic()))
        if writer is not None:
            writer.join(max(0.0, until - monotonic()))

    def _demand_room(self, person: str) -> None:
        if len(self._running) >= HERE_MAX or self._closing.is_set():
            hint = "Wait until one of them has ended."
            raise TooMany("Too much goes on at once on this server.", hint=hint, retry_after_s=RETRY_S)
        if self._records.count(person) >= PERSON_MAX:
            hint = "Stop one of them, or wait until one has ended."
            raise TooMany(f"You already have {PERSON_MAX} jobs running.", hint=hint, retry_after_s=RETRY_S)

    def _end(self, task: Task) -> None:
        """Write the end of a task; what the store does not take is written later, by the writer."""
        try:
            self._records.save([task])
        except StoreProblem as problem:
            log.warning("end of a task not written", extra={"task": task.id, "why": problem.sentence})
            with self._lock:
                self._owed[task.id] = task
        with self._lock:
            self._running.pop(task.id, None)

    def _rouse(self) -> None:
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_on, name="tasks", daemon=True)
            self._writer.start()

    def _write_on(self) -> None:
        beaten = monotonic()
        while not self._closing.wait(LOOK_S):
            with self._lock:
                running, owed = list(self._running.values()), list(self._owed.values())
                if not running and not owed:
                    self._writer = None
                    return
            try:
                beaten = self._write(running, owed, beaten)
            except StoreProblem as problem:
                log.warning("tasks not written", extra={"why": problem.sentence})
            except Exception:  # the top of a thread
                log.exception("tasks not written")

    def _write(self, running: list[Running], owed: list[Task], beaten: float) -> float:
        changed = [each for each in running if not each.is_saved]
        if changed or owed:
            for each in changed:
                each.is_saved = True  # before it is read: what it tells meanwhile counts as new
            self._records.save([*(each.task for each in changed if not each.task.is_over), *owed])
            with self._lock:
                for task in owed:
                    self._owed.pop(task.id, None)
        ids = [each.task.id for each in running]
        if ids and monotonic() - beaten >= BEAT_S:
            self._records.beat(ids)
            beaten = monotonic()
        wanted = self._records.to_stop(ids) if ids else {}
        for each in running:
            if each.task.id in wanted:
                each.stop(_by(wanted[each.task.id]))
        return beaten


def _by(person: str) -> str:
    return f"Stopped by {person}."
