"""The one door. Nothing reaches a runtime, the registry or the people without coming through here.

Every action goes permit → guard → slot → intent → action → outcome, and `Door.act` is the only place that says so.
The permit is a `Leave`, which nothing but the permits of `opsmodal.operations.permits` gives. Whatever refuses is
audited with its rule; if the intent cannot be written, the action does not run. It knows no runtime and no web.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from opsmodal.audit import Audit, Row
from opsmodal.choices import Choices
from opsmodal.errors import Refusal
from opsmodal.operations.guards import UNASKED, UNJUDGED, Asked, Confirmation, Consent, Guard, Judged
from opsmodal.operations.permits import Leave, Pass, Permits
from opsmodal.operations.recording import Outcome, recorded
from opsmodal.operations.slots import FREE, Slot, Told
from opsmodal.reasons import NEVER, is_wanted
from opsmodal.registry.registry import Registry

LIMIT = "limit"
"""The rule under which a refusal of a slot is audited."""


NOT_THERE = "not-there"
"""The rule under which an attempt on what does not exist, or belongs to another service, is audited."""
TARGET_MAX_CHARS = 253


class Door(Permits):
    """Let an actor through to an action (see `Permits`), and run it between its intent and its outcome."""

    def __init__(
        self,
        *,
        registry: Registry,
        audit: Audit,
        choices: Choices | None = None,
        read_only: bool = False,
        reason_required: str = NEVER,
    ) -> None:
        super().__init__(registry=registry, audit=audit, read_only=read_only, choices=choices)
        self._reason_required = reason_required
        self._told = Told()

    @contextmanager
    def act(
        self,
        leave: Leave,
        *,
        target: str = "",
        consent: Consent = UNASKED,
        guards: Sequence[Guard] = (),
        slot: Slot = FREE,
        judged: Judged = UNJUDGED,
    ) -> Iterator[Outcome]:
        """Run an action that was permitted: guard, slot, intent, the action, outcome; in this order and no other.

        `judged` is what a guard of typed lines said beforehand, for the row.
        Raise what a guard or the slot refuses with, NotRecorded when the intent cannot be written, and whatever the
        action raises. What outlives the request keeps its slot and its row open by `ExitStack.pop_all`.
        """
        row = _row(leave, target, consent, judged)
        self._guard(leave, row, consent, guards)
        with self._slot(row, slot), self._recorded(leave, row) as outcome:
            yield outcome

    def missed(self, leave: Leave, target: str) -> None:
        """Write down that somebody named what is not there for them, for an action that would have been recorded."""
        if leave.action.recorded:
            self._audit.refused(_row(leave, target[:TARGET_MAX_CHARS], UNASKED, UNJUDGED), rule=NOT_THERE)

    def wants_reason(self, leave: Leave) -> bool:
        """Tell whether this installation asks why before it does this."""
        return is_wanted(self._reason_required, dangerous=leave.action.dangerous, production=leave.is_production)

    def _guard(self, leave: Leave, row: Row, consent: Consent, guards: Sequence[Guard]) -> None:
        if leave.action.dangerous and not any(isinstance(guard, Confirmation) for guard in guards):
            raise TypeError(f"{leave.action.name} is dangerous and has no confirmation")
        wanted = self.wants_reason(leave)
        for guard in guards:
            verdict = guard(Asked(leave=leave, consent=consent, reason_wanted=wanted))
            if verdict.refusal is not None:
                if verdict.is_attempt:
                    self._audit.refused(row, rule=verdict.rule)
                raise verdict.refusal

    @contextmanager
    def _slot(self, row: Row, slot: Slot) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(slot)
            except Refusal:
                if self._told.is_news((row.actor.name, row.action, row.service)):
                    self._audit.refused(row, rule=LIMIT)
                raise
            yield

    def _recorded(self, leave: Leave, row: Row) -> AbstractContextManager[Outcome]:
        """Plain views are not written down, and so go on when the audit log cannot be written."""
        return recorded(self._audit, row) if leave.action.recorded else nullcontext(Outcome(target=row.target))


def _row(leave: Leave, target: str, consent: Consent, judged: Judged) -> Row:
    return Row(
        actor=leave.actor,
        action=leave.action.name,
        service=leave.place,
        target=target,
        reason=consent.reason,
        verdict=judged.verdict,
        rule=judged.rule,
    )


__all__ = ["Door", "Leave", "Outcome", "Pass"]
