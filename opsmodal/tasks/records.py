"""Tasks in the store, where every worker finds them: written by the worker that runs one, read by all.

A task whose worker has not been heard of for long is told of as failed by whoever reads it. Tasks that are over are
kept for KEPT and then swept by whoever begins another. It refuses to say who may read or stop one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select, update

from opsmodal.store.store import Store
from opsmodal.store.tables import TaskRow
from opsmodal.tasks.task import DEAD_AFTER, Task, lost
from runtimes.planning import Step

KEPT = timedelta(days=7)
SENTENCE_MAX_CHARS = 2_000
"""Longer than any of ours; a runtime's own words may stand in one."""
STEPS_MAX = 200
RUNNING = "running"


class TaskRecords:
    """The tasks of all workers."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self.now = now

    def add(self, task: Task) -> None:
        """Write down a task that begins, and sweep old ones. Raise StoreProblem."""
        with self._store.writing() as connection:
            connection.execute(delete(TaskRow).where(TaskRow.started_at <= self.now() - KEPT))
            connection.execute(insert(TaskRow).values(id=task.id, heard_at=self.now(), stop_by="", **_values(task)))

    def save(self, tasks: Iterable[Task]) -> None:
        """Write how tasks stand. Raise StoreProblem."""
        with self._store.writing() as connection:
            for task in tasks:
                # An end is written once: what was on its way to the store before it must not undo it.
                open_row = (TaskRow.id == task.id, TaskRow.state == RUNNING)
                values = {**_values(task), "heard_at": self.now()}
                connection.execute(update(TaskRow).where(*open_row).values(values))

    def beat(self, ids: Collection[str]) -> None:
        """Say of tasks that they go on. Raise StoreProblem."""
        with self._store.writing() as connection:
            connection.execute(update(TaskRow).where(TaskRow.id.in_(ids)).values(heard_at=self.now()))

    def want_stop(self, task_id: str, person: str) -> None:
        """Ask whoever runs a task to end it, in somebody's name. Raise StoreProblem."""
        with self._store.writing() as connection:
            connection.execute(update(TaskRow).where(TaskRow.id == task_id).values(stop_by=person))

    def to_stop(self, ids: Collection[str]) -> dict[str, str]:
        """Say which of these tasks somebody wants to end, and who. Raise StoreProblem."""
        wanted = select(TaskRow.id, TaskRow.stop_by).where(TaskRow.id.in_(ids), TaskRow.stop_by != "")
        with self._store.looking() as connection:
            return {row.id: row.stop_by for row in connection.execute(wanted)}

    def get(self, task_id: str, *, service: str) -> Task | None:
        """Give a task of this service; None where there is none. Raise StoreProblem."""
        with self._store.reading() as session:
            row = session.get(TaskRow, task_id)
        return self._task(row) if row is not None and row.service == service else None

    def latest(self, service: str, *, since: datetime, limit: int) -> tuple[Task, ...]:
        """List the tasks of a service that run or began after `since`, newest first. Raise StoreProblem."""
        wanted = select(TaskRow).where(TaskRow.service == service, TaskRow.started_at > since)
        with self._store.reading() as session:
            rows = session.scalars(wanted.order_by(TaskRow.started_at.desc(), TaskRow.id.desc()).limit(limit))
            return tuple(self._task(row) for row in rows)

    def count(self, person: str) -> int:
        """Count the tasks of a person that run, across all workers. Raise StoreProblem."""
        alive = (TaskRow.state == RUNNING, TaskRow.heard_at > self.now() - DEAD_AFTER)
        with self._store.looking() as connection:
            wanted = select(func.count()).select_from(TaskRow).where(TaskRow.person == person, *alive)
            return int(connection.scalar(wanted) or 0)

    def _task(self, row: TaskRow) -> Task:
        task = _as_task(row)
        is_lost = not task.is_over and row.heard_at <= self.now() - DEAD_AFTER
        return lost(task, row.heard_at) if is_lost else task


def _values(task: Task) -> dict[str, Any]:
    return {
        "kind": task.kind,
        "target": task.target,
        "service": task.service,
        "person": task.person,
        "state": task.state,
        "sentence": task.sentence[:SENTENCE_MAX_CHARS],
        "steps": msgspec.json.encode(task.steps[:STEPS_MAX]).decode(),
        "error": task.error[:SENTENCE_MAX_CHARS],
        "hint": task.hint[:SENTENCE_MAX_CHARS],
        "started_at": task.started_at,
        "ended_at": task.ended_at,
    }


def _as_task(row: TaskRow) -> Task:
    return Task(
        id=row.id,
        kind=row.kind,
        service=row.service,
        person=row.person,
        target=row.target,
        state=row.state,  # type: ignore[arg-type]  # written by us, from the same words
        sentence=row.sentence,
        steps=_STEPS.decode(row.steps),
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=row.error,
        hint=row.hint,
        stop_by=row.stop_by,
    )


_STEPS: msgspec.json.Decoder[tuple[Step, ...]] = msgspec.json.Decoder(tuple[Step, ...])
