"""Begins updates of containers, as jobs, and carries on those that stand still: their server was killed, say.

Each goes on in a task of its own, under the name of whoever began it; the row of its action in the audit log stays open
until then. One that is found later is finished or undone whoever may still do what: the service must run something.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from connectors.errors import ConnectionProblem
from opsmodal.access import Watch
from opsmodal.errors import Refusal
from opsmodal.fleet import Fleet
from opsmodal.operations.door import Door
from opsmodal.operations.guards import Consent
from opsmodal.operations.permits import Pass
from opsmodal.operations.previews import confirmation
from opsmodal.operations.task_rights import held as held_to_rights
from opsmodal.operations.tasks import UPDATE, noted
from opsmodal.registry.registry import Registry
from opsmodal.store.errors import StoreProblem
from opsmodal.tasks import Task, Tasks
from opsmodal.updates import UpdateJournal, Written
from runtimes.base import Runtime, Scope, Updates
from runtimes.changes import Change
from runtimes.errors import RuntimeProblem, Stale, Unsupported
from runtimes.planning import Plan
from runtimes.updates import Superseded, Telling

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
JOIN_S = 5.0
FOUND = "It was found in the middle: its server or its engine had ended. It is looked at what runs."


class Updating:
    """Begin updates, and carry on those that nobody carries on any more. `start()` it once, `close()` it at the end."""

    def __init__(
        self,
        door: Door,
        fleet: Fleet,
        registry: Registry,
        tasks: Tasks,
        journal: UpdateJournal,
        watch: Watch,
        *,
        stays_up_s: float,
    ) -> None:
        self._door = door
        self._fleet = fleet
        self._registry = registry
        self._tasks = tasks
        self._journal = journal
        self._watch = watch
        self._stays_up_s = stays_up_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="updates", daemon=True)

    def begin(
        self, leave: Pass, change: Change, *, consent: Consent, revision: str, plan: Callable[[], Plan]
    ) -> tuple[Task, str]:
        """Begin an update; give its task and the container. Raise Stale where that is no longer `revision`."""
        service, scope = leave.service, leave.service.scope()
        with ExitStack() as mine:
            held = ExitStack()
            guards = (confirmation(plan),) if leave.action.dangerous else ()
            act = self._door.act(leave, target=change.workload.replace(".", "/", 1), consent=consent, guards=guards)
            outcome = held.enter_context(act)
            mine.push(held)
            updates = updates_of(self._fleet.runtime(service.runtime, over=leave.over))
            wanted = replace(updates.prepare(scope, change), stays_up_s=self._stays_up_s)
            if revision and revision != wanted.old:
                raise Stale(f"{wanted.name} was replaced since you looked at it.", hint="Look at it again.")
            written = self._journal.open(wanted, runtime=service.runtime, service=service.name, person=leave.actor.name)
            note = noted(outcome)

            def over(task: Task) -> None:
                note(task)
                self._fleet.forget(service)

            task = self._tasks.start(
                kind=UPDATE,
                service=service.name,
                person=leave.actor.name,
                target=f"container/{wanted.name}",
                sentence=f"{wanted.name} is to run {wanted.image}.",
                run=held_to_rights(
                    self._watch, leave, self._carried(written, scope, updates), target=f"container/{wanted.name}"
                ),
                held=held,
                ended=over,
            )
            mine.pop_all()
        return task, wanted.name

    def start(self) -> None:
        """Begin to look for updates that stand still."""
        self._thread.start()

    def close(self) -> None:
        """End looking. May be called twice, and without a start."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def look(self) -> int:
        """Take over what stands still; say how many that were. Raise StoreProblem."""
        taken = [mine for each in self._journal.still() if (mine := self._journal.take(each)) is not None]
        for mine in taken:
            self._recover(mine)
        return len(taken)

    def _recover(self, mine: Written) -> None:
        service = self._registry.service(mine.service)
        if service is None or service.runtime != mine.runtime:
            why = {"update": mine.update.id, "service": mine.service, "container": mine.update.name}
            log.error("an update stands still whose service is not registered any more", extra=why)
            return
        try:
            updates = updates_of(self._fleet.runtime(mine.runtime))
            self._tasks.start(
                kind=UPDATE,
                service=mine.service,
                person=mine.person,
                target=f"container/{mine.update.name}",
                sentence=FOUND,
                run=self._carried(mine, service.scope(), updates, again=True),
                ended=lambda _: self._fleet.forget(service),
            )
        except (RuntimeProblem, ConnectionProblem, Refusal, StoreProblem) as problem:  # found again before long
            why = {"update": mine.update.id, "why": problem.sentence}
            log.warning("an update that stands still could not be carried on", extra=why)

    def _carried(
        self, written: Written, scope: Scope, updates: Updates, *, again: bool = False
    ) -> Callable[[Telling], None]:
        def run(tell: Telling) -> None:
            with self._journal.beating(written):
                try:
                    updates.carry_on(
                        scope, written.update, lambda it: self._journal.save(written, it), tell, again=again
                    )
                except Superseded as lost:
                    sentence = "Another worker carries this update on."
                    raise Stale(sentence, hint="Its own job tells how far it is.") from lost

        return run

    def _look_on(self) -> None:
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                self.look()
            except StoreProblem as problem:
                log.warning("updates that stand still were not looked for", extra={"why": problem.sentence})
            except Exception:  # the top of a thread
                log.exception("updates that stand still were not looked for")


def updates_of(runtime: Runtime) -> Updates:
    """Give the facet. Raise Unsupported where there is none."""
    if runtime.updates is None:
        raise Unsupported(f"{runtime.kind.capitalize()} replaces its instances by itself.")
    return runtime.updates
