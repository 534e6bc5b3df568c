"""What a task does that carries updates on: one, or several in turn, with what is remembered of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from opsmodal.operations.container_revisions import ContainerRevisions
from opsmodal.operations.in_turn import InTurn
from opsmodal.revisions import Container
from opsmodal.updates import UpdateJournal, Written
from runtimes.base import Scope, Updates
from runtimes.errors import Stale
from runtimes.updates import Spec, Stage, Superseded, Telling, Update

RUNS: Stage = "tidying"
"""The step before which the new container has shown that it runs."""


class Carrying:
    """Carry on updates that are written down, and keep what they make as revisions."""

    def __init__(self, journal: UpdateJournal, revisions: ContainerRevisions) -> None:
        self._journal = journal
        self._revisions = revisions

    def one(
        self, written: Written, scope: Scope, updates: Updates, *, again: bool = False, spec: Spec | None = None
    ) -> Callable[[Telling], None]:
        def run(tell: Telling) -> None:
            with self._journal.beating(written):
                try:
                    self._carry(written, scope, updates, tell, again=again, spec=spec)
                except Superseded as lost:
                    raise _elsewhere() from lost

        return run

    def all(
        self, all_: Sequence[Written], scope: Scope, updates: Updates, *, again: bool = False
    ) -> Callable[[Telling], None]:
        def carry(written: Written, tell: Telling, again: bool) -> Update:
            whose = Container(runtime=written.runtime, service=written.service, name=written.update.name)
            spec = None if again else self._revisions.unshown(whose, written.update.old)
            return self._carry(written, scope, updates, tell, again=again, spec=spec)

        def run(tell: Telling) -> None:
            with ExitStack() as beats:
                for each in all_:
                    beats.enter_context(self._journal.beating(each))
                turns = InTurn(all_, carry, tell)
                try:
                    turns.recover() if again else turns.run()
                except Superseded as lost:
                    raise _elsewhere() from lost

        return run

    def _carry(
        self, written: Written, scope: Scope, updates: Updates, tell: Telling, *, again: bool, spec: Spec | None
    ) -> Update:
        """Carry one update on, with its revisions: what was there before, and what runs now."""
        whose = Container(runtime=written.runtime, service=written.service, name=written.update.name)
        if not again:
            self._revisions.found(updates, scope, whose)

        def save(update: Update) -> None:
            self._journal.save(written, update)
            if update.stage == RUNS:
                self._revisions.made(updates, scope, whose, update, written.person)

        return updates.carry_on(scope, written.update, save, tell, again=again, spec=spec)


def _elsewhere() -> Stale:
    return Stale("Another worker carries this update on.", hint="Its own job tells how far it is.")
