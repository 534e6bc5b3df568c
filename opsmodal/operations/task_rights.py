"""Holds what goes on in the background to the rights of whoever began it, as open streams are held to theirs.

What is lost is found within a second or two, and ends the task with the next thing that it tells. A sign-out ends none,
where the person has the right by themselves: what was begun goes on when the page is left, and half an installation is
worse than a whole one.
"""

from __future__ import annotations

from collections.abc import Callable

from opsmodal.access import Watch
from opsmodal.operations.permits import Pass
from opsmodal.tasks import Stopped
from runtimes.planning import Progress
from runtimes.upkeep import Telling

LOST = "Stopped, since whoever began it may not do this any more."


def held(watch: Watch, leave: Pass, run: Callable[[Telling], None], *, target: str) -> Callable[[Telling], None]:
    """Give a run that is stopped when the right ends under which it was begun. It raises StoreProblem as well."""

    def while_permitted(tell: Telling) -> None:
        with watch.hold_person(leave.actor, leave.action, service=leave.place, target=target) as access:

            def told(progress: Progress) -> None:
                if access.ended is not None:
                    raise Stopped(f"{LOST} {access.ended.detail}")
                tell(progress)

            run(told)

    return while_permitted
