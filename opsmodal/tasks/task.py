"""A task as a value, and what becomes of it by what it tells of itself. Pure.

A task is what goes on after the request that began it: it has steps, an end, and a sentence for both. It refuses to
hold anything that only one process has: every worker answers for every task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from runtimes.planning import Progress, Step

State = Literal["running", "done", "failed", "stopped"]
DEAD_AFTER = timedelta(seconds=60)
"""Twelve beats: a store that is away for a moment, and clocks that differ a little, lose nothing."""
LOST = "The opsmodal process that followed this has ended."
LOST_HINT = "What it began may go on, or may be half done: look at it before you try again."
INSIDE = "Something went wrong inside opsmodal."
INSIDE_HINT = "The server's log has the details. Look at what was begun before you try again."


class Stopped(Exception):
    """Raised by `Telling` in a task that somebody has stopped; `sentence` says who or what did."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. `kind` is a short word ("rollout"), `target` what it is about (`deployment/web`).

    `sentence` is where it stands in one line; `error` and `hint` are said of one that failed. Times are in UTC.
    `stop_by` names who has asked for its end, to which it may not have come yet.
    """

    id: str
    kind: str
    service: str
    person: str
    target: str = ""
    state: State = "running"
    sentence: str = ""
    steps: tuple[Step, ...] = ()
    started_at: datetime
    ended_at: datetime | None = None
    error: str = ""
    hint: str = ""
    stop_by: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state != "running"


Telling = Callable[[Progress], None]
"""What a task calls again and again to tell how far it is. Raises Stopped when it is to end."""
Ended = Callable[[Task], None]
"""Told once of a task that is over."""


def told(task: Task, progress: Progress) -> Task:
    """Give a task as it is after it told this of itself."""
    return replace(task, sentence=progress.sentence, hint=progress.hint, steps=progress.steps)


def done(task: Task, last: Progress | None, at: datetime) -> Task:
    """Give a task that has run through: failed where that is the last thing it told."""
    if last is not None and last.state == "failed":
        return failed(task, last.sentence, last.hint, at)
    return replace(task, state="done", ended_at=at)


def failed(task: Task, error: str, hint: str, at: datetime) -> Task:
    """Give a task that failed, with why and what to do."""
    return replace(task, state="failed", sentence=error, error=error, hint=hint, ended_at=at)


def stopped(task: Task, sentence: str, at: datetime) -> Task:
    """Give a task that was stopped. What it began may go on: its hint stays."""
    return replace(task, state="stopped", sentence=sentence, ended_at=at)


def lost(task: Task, at: datetime) -> Task:
    """Give a task whose worker is not heard of any more."""
    return failed(task, LOST, LOST_HINT, at)
