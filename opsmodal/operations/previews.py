"""A change before it is done: its plan, and what somebody has to say to it. Pure but for the door that is asked.

The page shows a preview as a question with one button, the API gives the plan. It refuses to stand in for the guard:
what is dangerous is confirmed again when it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from opsmodal.operations.door import Door
from opsmodal.operations.guards import TRUE, Confirmation
from opsmodal.operations.permits import Leave
from runtimes.planning import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a change would do. `confirm` is the word to send with it, "" where it needs none."""

    plan: Plan
    confirm: str = ""
    reason_wanted: bool = False

    @property
    def is_typed(self) -> bool:
        """Whether the word is to be typed by hand."""
        return self.confirm not in ("", TRUE)


def previewed(door: Door, leave: Leave, plan: Plan) -> Preview:
    """Give the preview of a plan under a leave: whether it is dangerous is its action's to say."""
    word = (leave.place if leave.is_production else TRUE) if leave.action.dangerous else ""
    return Preview(plan=plan, confirm=word, reason_wanted=door.wants_reason(leave))


def confirmation(plan: Callable[[], Plan]) -> Confirmation:
    """Make the guard of a dangerous change, which is planned only when somebody is asked."""
    once = cache(plan)
    return Confirmation(
        hits=lambda: once().hits or (once().target,),
        label=lambda: once().summary,
        command=lambda: once().command,
    )
