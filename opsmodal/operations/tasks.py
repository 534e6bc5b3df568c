"""What goes on in the background for a service: who may see the service sees it, and who may manage it stops it.

What programs printed on the way is for who may manage, as the output of other people's commands is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from opsmodal import actions
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.recording import STOPPED, Outcome
from opsmodal.permissions import Actor, Permission
from opsmodal.tasks import Ended, Task, Tasks

UPDATE = "update"
CLEANUP = "cleanup"
"""The kind of a task whose steps hold what nodes printed: names of images, also of other services."""


class TaskOperations:
    """Read, follow and stop tasks."""

    def __init__(self, door: Door, tasks: Tasks) -> None:
        self._door = door
        self._tasks = tasks

    def get(self, actor: Actor, name: str, task: str) -> Task:
        """Read how a task stands. Raise NotThere for one that is not of this service."""
        leave = self._door.enter(actor, actions.JOB_VIEW, name)
        return seen(self._tasks.get(task, service=name), leave)

    def follow(self, actor: Actor, name: str, task: str) -> Callable[[float], Task]:
        """Give what waits until a task is no longer as it was last given, or so many seconds, and gives it then."""
        leave = self._door.enter(actor, actions.JOB_VIEW, name)
        last = self._tasks.get(task, service=name)

        def wait(timeout_s: float) -> Task:
            nonlocal last
            last = self._tasks.wait(last, timeout_s)
            return seen(last, leave)

        return wait

    def latest(self, actor: Actor, name: str) -> tuple[Task, ...]:
        """List the tasks of a service that run or ended a moment ago, newest first."""
        leave = self._door.enter(actor, actions.JOB_VIEW, name)
        return tuple(seen(task, leave) for task in self._tasks.latest(name))

    def may_stop(self, actor: Actor, name: str) -> bool:
        """Tell whether this person has the button."""
        leave = self._door.enter(actor, actions.JOB_VIEW, name)
        return self._door.may(leave.permissions, actions.JOB_STOP)

    def stop(self, actor: Actor, name: str, task: str) -> Task:
        """Ask a task to end, and give it as it stands then."""
        leave = self._door.enter(actor, actions.JOB_STOP, name, target=task)
        found = self._tasks.get(task, service=name)
        with self._door.act(leave, target=f"{found.kind} of {found.target or name}"):
            return self._tasks.stop(task, service=name, person=actor.name)


def seen(task: Task, leave: Pass) -> Task:
    """Give a task as somebody may see it."""
    if task.kind != CLEANUP or Permission.MANAGE in leave.permissions:
        return task
    return replace(task, steps=tuple(replace(step, detail="") for step in task.steps))


def noted(outcome: Outcome) -> Ended:
    """Give what writes into the row of an action, kept open for a task, that it was stopped or failed."""

    def note(task: Task) -> None:
        if task.state == "stopped":
            outcome.word = STOPPED
        if task.state == "failed":
            outcome.word = "failed"
        outcome.detail = f"{outcome.detail} {task.sentence}".strip()

    return note
