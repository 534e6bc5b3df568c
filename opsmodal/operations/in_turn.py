"""Carries on the updates of several containers, one after another: up to the first that fails, and says how each is.

Those that were not begun by then are settled as well: one that shares the network of another, which was replaced or put
back meanwhile, does not run right until it is made or started again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from opsmodal.updates import Written
from runtimes.errors import RuntimeProblem
from runtimes.planning import Progress, Step
from runtimes.updates import Superseded, Telling, Update

log = logging.getLogger(__name__)

HINT = "Look at what it said in its logs, mend that, and redeploy again: what is new stays so."
State = Literal["running", "done", "failed"]
Carry = Callable[[Written, Telling, bool], Update]
"""Carries one on to its end and gives it; with True it finds out how far that is, and finishes or undoes it."""


@dataclass(slots=True)
class _Turn:
    """How one container stands."""

    written: Written
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    detail: str = ""


class InTurn:
    """The updates of one job, in their order."""

    def __init__(self, all_: Sequence[Written], carry: Carry, tell: Telling) -> None:
        self._turns = [_Turn(written=each) for each in all_]
        self._carry = carry
        self._tell = tell

    def run(self) -> None:
        """Do all of them; stop at the first that fails, and tell which are new. Raise what `tell` raises, too."""
        for at, turn in enumerate(self._turns):
            try:
                self._one(turn, again=False)
            except Superseded:
                raise
            except BaseException:
                self._settle(self._turns[at + 1 :])
                raise
            if turn.state == "failed":
                self._settle(self._turns[at + 1 :])
                self._tell_failed(turn)
                return
        self._tell(self._progress("done", f"{self._names('done')} are new and run.", ()))

    def recover(self) -> None:
        """Find out how far each is, and finish or undo it."""
        for turn in self._turns:
            self._one(turn, again=True)
        failed = [turn for turn in self._turns if turn.state == "failed"]
        if failed:
            self._tell_failed(failed[0])

    def _one(self, turn: _Turn, *, again: bool) -> None:
        turn.state = "running"

        def tell(progress: Progress) -> None:
            turn.detail = progress.sentence
            self._tell(self._progress("running", progress.sentence, progress.steps))

        turn.state = "failed" if self._carry(turn.written, tell, again).why else "done"

    def _settle(self, rest: Sequence[_Turn]) -> None:
        for turn in rest:
            try:
                self._carry(turn.written, lambda _: None, True)
            except (RuntimeProblem, Superseded) as problem:  # whoever looks for updates that stand still finds it
                log.warning("a container was not settled", extra={"why": str(problem)})
            turn.state = "waiting"

    def _tell_failed(self, turn: _Turn) -> None:
        new, old = self._names("done") or "none", self._names("failed", "waiting") or "none"
        words = f"{turn.written.update.name}: {turn.detail} New: {new}. As before: {old}."
        self._tell(replace(self._progress("failed", words, ()), hint=HINT))

    def _names(self, *states: str) -> str:
        return ", ".join(turn.written.update.name for turn in self._turns if turn.state in states)

    def _progress(
        self, state: Literal["running", "done", "failed"], sentence: str, inner: tuple[Step, ...]
    ) -> Progress:
        steps = tuple(Step(name=each.written.update.name, state=each.state, detail=each.detail) for each in self._turns)
        return Progress(state=state, sentence=sentence, steps=(*steps, *inner))
