"""Begins updates of containers, as jobs, and carries on those that stand still: their server was killed, say.

Each goes on in a task of its own, under the name of whoever began it; the row of its action in the audit log stays open
until then. One that is found later is finished or undone whoever may still do what: the service must run something.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from connectors.errors import ConnectionProblem
from opsmodal.access import Watch
from opsmodal.errors import Refusal
from opsmodal.fleet import Fleet
from opsmodal.operations.carrying import Carrying
from opsmodal.operations.changes import target_of
from opsmodal.operations.container_revisions import ContainerRevisions
from opsmodal.operations.door import Door, Outcome
from opsmodal.operations.guards import Consent
from opsmodal.operations.permits import Pass
from opsmodal.operations.previews import confirmation
from opsmodal.operations.task_rights import held as held_to_rights
from opsmodal.operations.tasks import UPDATE, noted
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec
from opsmodal.revisions import Container
from opsmodal.store.errors import StoreProblem
from opsmodal.tasks import Ended, Task, Tasks
from opsmodal.updates import UpdateJournal, Written
from runtimes.base import Runtime, Updates
from runtimes.changes import Change, RedeployAll, Restore
from runtimes.errors import RuntimeProblem, Stale, Unsupported
from runtimes.planning import Plan
from runtimes.updates import Telling, Update, set_revision

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
JOIN_S = 5.0
GROUP_BYTES = 8
FOUND = "It was found in the middle: its server or its engine had ended. It is looked at what runs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What updates go through: the door, what is open and registered, and who may what."""

    door: Door
    fleet: Fleet
    registry: Registry
    watch: Watch


class Updating:
    """Begin updates, and carry on those that nobody carries on any more. `start()` it once, `close()` it at the end."""

    def __init__(
        self,
        reached: Reached,
        tasks: Tasks,
        journal: UpdateJournal,
        revisions: ContainerRevisions,
        *,
        stays_up_s: float,
    ) -> None:
        self._door = reached.door
        self._fleet = reached.fleet
        self._registry = reached.registry
        self._watch = reached.watch
        self._tasks = tasks
        self._journal = journal
        self._revisions = revisions
        self._carrying = Carrying(journal, revisions)
        self._stays_up_s = stays_up_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="updates", daemon=True)

    def begin(
        self, leave: Pass, change: Change, *, consent: Consent, revision: str, plan: Callable[[], Plan]
    ) -> tuple[Task, str]:
        """Begin an update; give its task and the container. Raise Stale where that is no longer `revision`."""
        scope, reasoned = leave.service.scope(), replace(change, reason=consent.reason)
        with self._acting(leave, change, consent, plan) as (mine, held, outcome):
            updates = updates_of(self._fleet.runtime(leave.service.runtime, over=leave.over))
            wanted = replace(updates.prepare(scope, reasoned), stays_up_s=self._stays_up_s)
            _demand_current(wanted.name, revision, wanted.old)
            whose = container_of(leave.service, wanted.name)
            spec = change.spec if isinstance(change, Restore) else self._revisions.unshown(whose, wanted.old)
            written = self._open(leave, wanted)
            run = self._carrying.one(written, scope, updates, spec=spec)
            sentence = f"{wanted.name} is to run {wanted.image}."
            task = self._task(leave, f"container/{wanted.name}", sentence, run, held=held, note=noted(outcome))
            mine.pop_all()
        return task, wanted.name

    def begin_all(
        self, leave: Pass, change: RedeployAll, *, consent: Consent, revision: str, plan: Callable[[], Plan]
    ) -> tuple[Task, int]:
        """Begin to redeploy all containers of a service in turn; give the task and how many they are."""
        service, reasoned = leave.service, replace(change, reason=consent.reason)
        scope = service.scope()
        with self._acting(leave, change, consent, plan) as (mine, held, outcome):
            updates = updates_of(self._fleet.runtime(service.runtime, over=leave.over))
            wanted, group = updates.prepare_all(scope, reasoned), secrets.token_hex(GROUP_BYTES)
            _demand_current(service.name, revision, set_revision(each.old for each in wanted))
            written = self._open_all(
                leave, [replace(each, stays_up_s=self._stays_up_s, group=group) for each in wanted]
            )
            target, sentence = (
                f"service/{service.name}",
                f"{len(written)} containers are redeployed, one after another.",
            )
            run = self._carrying.all(written, scope, updates)
            task = self._task(leave, target, sentence, run, held=held, note=noted(outcome))
            mine.pop_all()
        return task, len(written)

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
        alive = self._journal.groups_alive()
        still = [each for each in self._journal.still() if not each.update.group or each.update.group not in alive]
        taken = [mine for each in still if (mine := self._journal.take(each)) is not None]
        groups: dict[str, list[Written]] = {}
        for mine in taken:
            groups.setdefault(mine.update.group or mine.update.id, []).append(mine)
        for together in groups.values():
            self._recover(together)
        return len(taken)

    def _recover(self, together: Sequence[Written]) -> None:
        """Carry on what one job did; the one that it was at may be finished, those after it are settled."""
        mine = together[0]
        service = self._registry.service(mine.service)
        if service is None or service.runtime != mine.runtime:
            why = {"update": mine.update.id, "service": mine.service, "container": mine.update.name}
            log.error("an update stands still whose service is not registered any more", extra=why)
            return
        try:
            updates = updates_of(self._fleet.runtime(mine.runtime))
            is_one = len(together) == 1
            run = (
                self._carrying.one(mine, service.scope(), updates, again=True)
                if is_one
                else self._carrying.all(together, service.scope(), updates, again=True)
            )
            self._tasks.start(
                kind=UPDATE,
                service=mine.service,
                person=mine.person,
                target=f"container/{mine.update.name}" if is_one else f"service/{mine.service}",
                sentence=FOUND,
                run=run,
                ended=lambda _: self._fleet.forget(service),
            )
        except (RuntimeProblem, ConnectionProblem, Refusal, StoreProblem) as problem:  # found again before long
            why = {"update": mine.update.id, "why": problem.sentence}
            log.warning("an update that stands still could not be carried on", extra=why)

    @contextmanager
    def _acting(
        self, leave: Pass, change: Change, consent: Consent, plan: Callable[[], Plan]
    ) -> Iterator[tuple[ExitStack, ExitStack, Outcome]]:
        """Go through the door with an action that lasts.

        Give what ends it unless its `pop_all` is called, what a task takes over of it, and its outcome.
        """
        with ExitStack() as mine:
            held = ExitStack()
            guards = (confirmation(plan),) if leave.action.dangerous else ()
            target = target_of(change.workload) if change.workload else f"service/{leave.place}"
            outcome = held.enter_context(self._door.act(leave, target=target, consent=consent, guards=guards))
            mine.push(held)
            yield mine, held, outcome

    def _task(
        self, leave: Pass, target: str, sentence: str, run: Callable[[Telling], None], *, held: ExitStack, note: Ended
    ) -> Task:
        service = leave.service

        def over(task: Task) -> None:
            note(task)
            self._fleet.forget(service)

        return self._tasks.start(
            kind=UPDATE,
            service=service.name,
            person=leave.actor.name,
            target=target,
            sentence=sentence,
            run=held_to_rights(self._watch, leave, run, target=target),
            held=held,
            ended=over,
        )

    def _open(self, leave: Pass, wanted: Update) -> Written:
        service = leave.service
        return self._journal.open(wanted, runtime=service.runtime, service=service.name, person=leave.actor.name)

    def _open_all(self, leave: Pass, wanted: Sequence[Update]) -> list[Written]:
        """Write down all of them; none where one of them goes on already."""
        written: list[Written] = []
        try:
            for each in wanted:
                written.append(self._open(leave, each))
        except BaseException:
            for opened in written:
                self._journal.drop(opened)
            raise
        return written

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


def container_of(service: ServiceSpec, name: str) -> Container:
    """Name a container of a service, whose revisions are kept."""
    return Container(runtime=service.runtime, service=service.name, name=name)


def _demand_current(name: str, looked_at: str, now: str) -> None:
    if looked_at and looked_at != now:
        raise Stale(f"{name} was replaced since you looked at it.", hint="Look at it again.")
