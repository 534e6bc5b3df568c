"""Scaling, Metrics Server and images: what the Pods tab shows and does beside the pods.

Metrics Server and the images of nodes are the whole cluster's; who may manage a service of it may look after them, and
is told first what else is hit. Scaling itself is done by the changes of workloads; it is only read here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

from opsmodal import actions
from opsmodal.access import Watch
from opsmodal.fleet import Fleet
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.facets import Facets
from opsmodal.operations.guards import Consent
from opsmodal.operations.previews import Preview, confirmation, previewed
from opsmodal.operations.task_rights import held as held_to_rights
from opsmodal.operations.tasks import CLEANUP, noted
from opsmodal.operations.upkeep_answers import (
    Begun,
    MetricsServerAnswer,
    NodesAnswer,
    ScalingAnswer,
    can_scale,
    scaled_row,
    standing_answer,
)
from opsmodal.permissions import Actor
from opsmodal.tasks import Ended, Task, Tasks
from runtimes.base import Runtime, Scope, Upkeep
from runtimes.deployment import Deployment
from runtimes.errors import RuntimeProblem, Unsupported
from runtimes.planning import Plan
from runtimes.upkeep import Cleanup, Telling

T = TypeVar("T")

METRICS_SERVER = "metrics-server"
INSTALLATION, REMOVAL = "installation", "removal"
"""The kinds of tasks that begin here, beside CLEANUP."""
SCALING = "scaling"
NAME_MAX_CHARS = 255
"""Of an image or a node in the row of a cleanup: what is sent may be a megabyte, and is written down refused or not."""


class UpkeepOperations:
    """Read how a service scales, and look after what that needs of the cluster."""

    def __init__(self, door: Door, fleet: Fleet, tasks: Tasks, *, watch: Watch) -> None:
        self._door = door
        self._fleet = fleet
        self._facets = Facets(fleet, _upkeep)
        self._tasks = tasks
        self._watch = watch

    def scaling(self, actor: Actor, name: str, search: str = "") -> ScalingAnswer:
        """Read what can be scaled, by what it is scaled, and how the Metrics API stands.

        With `search` only the workloads whose names hold all of its words.
        """
        leave = self._door.enter(actor, actions.SCALING_VIEW, name)
        kept = Facets(self._fleet, _both).kept(leave, SCALING, _scaling)
        known, words = kept.value.workloads, search.lower().split()
        found = tuple(each for each in known if all(word in each.id.lower() for word in words))
        return replace(
            kept.value, workloads=found, total=len(known), as_of=kept.as_of, stale=kept.stale, problem=kept.problem
        )

    def may_change(self, actor: Actor, name: str) -> bool:
        """Tell whether this person has the forms."""
        leave = self._door.enter(actor, actions.SCALING_VIEW, name)
        return self._door.may(leave.permissions, actions.METRICS_SERVER_INSTALL)

    def metrics_server(self, actor: Actor, name: str) -> MetricsServerAnswer:
        """Say how the Metrics API stands."""
        leave = self._door.enter(actor, actions.METRICS_SERVER_VIEW, name)
        return standing_answer(self._facets.read(leave, lambda upkeep, scope: upkeep.metrics_server(scope)))

    def diagnostics(self, actor: Actor, name: str) -> MetricsServerAnswer:
        """Say how the Metrics API stands, with the events and the last log lines of its pods."""
        leave = self._door.enter(actor, actions.METRICS_SERVER_DIAGNOSE, name)
        return standing_answer(
            self._facets.read(leave, lambda upkeep, scope: upkeep.metrics_server(scope, diagnose=True))
        )

    def preview_metrics_server(self, actor: Actor, name: str, *, remove: bool) -> Preview:
        """Say what installing or removing it would do."""
        leave = self._let_through(actor, name, remove=remove)
        return previewed(self._door, leave, self._plan_metrics_server(leave, remove=remove))

    def change_metrics_server(self, actor: Actor, name: str, *, remove: bool, consent: Consent) -> Begun:
        """Install or reinstall it, or remove it; the task goes on until that is through."""
        leave = self._let_through(actor, name, remove=remove)
        upkeep, scope = self._facets.changing(leave), leave.service.scope()

        def run(tell: Telling) -> None:
            act = upkeep.remove_metrics_server if remove else upkeep.install_metrics_server
            act(scope, tell)

        task = self._begun(
            leave,
            REMOVAL if remove else INSTALLATION,
            run,
            consent=consent,
            plan=lambda: self._plan_metrics_server(leave, remove=remove),
        )
        return Begun(sentence=f"Metrics Server is being {'removed' if remove else 'installed'}.", task=task)

    def nodes(self, actor: Actor, name: str) -> NodesAnswer:
        """Name the nodes whose images can be cleaned."""
        leave = self._door.enter(actor, actions.IMAGES_VIEW, name)
        return NodesAnswer(nodes=self._facets.read(leave, lambda upkeep, scope: upkeep.nodes(scope)))

    def preview_cleanup(self, actor: Actor, name: str, cleanup: Cleanup) -> Preview:
        """Say what a cleanup would hit, on which nodes."""
        leave = self._door.enter(actor, actions.IMAGES_CLEAN, name, target=_target(cleanup))
        return previewed(self._door, leave, self._plan_cleanup(leave, cleanup))

    def clean(self, actor: Actor, name: str, cleanup: Cleanup, *, consent: Consent) -> Begun:
        """Delete unused images, or one, from one node or all; what each printed is told by the task."""
        leave = self._door.enter(actor, actions.IMAGES_CLEAN, name, target=_target(cleanup))
        upkeep, scope = self._facets.changing(leave), leave.service.scope()

        def run(tell: Telling) -> None:
            upkeep.clean_images(scope, cleanup, tell)

        task = self._begun(
            leave,
            CLEANUP,
            run,
            consent=consent,
            target=_target(cleanup),
            plan=lambda: self._plan_cleanup(leave, cleanup),
        )
        return Begun(sentence="Images are being cleaned.", task=task)

    def _let_through(self, actor: Actor, name: str, *, remove: bool) -> Pass:
        """Give leave; to put ours in the place of somebody else's is another action, which wants to be confirmed."""
        action = actions.METRICS_SERVER_REMOVE if remove else actions.METRICS_SERVER_INSTALL
        leave = self._door.enter(actor, action, name, target=METRICS_SERVER)
        if remove:
            return leave
        found = self._facets.read(leave, lambda upkeep, scope: upkeep.metrics_server(scope))
        if found.ours or found.state == "absent":
            return leave
        return self._door.enter(actor, actions.METRICS_SERVER_REPLACE, name, target=METRICS_SERVER)

    def _begun(
        self,
        leave: Pass,
        kind: str,
        run: Callable[[Telling], None],
        *,
        consent: Consent,
        plan: Callable[[], Plan],
        target: str = METRICS_SERVER,
    ) -> Task:
        """Begin a task that keeps the row of its action open until it is over."""
        with ExitStack() as mine:
            held = ExitStack()
            guards = (confirmation(plan),) if leave.action.dangerous else ()
            act = self._door.act(leave, target=target, consent=consent, guards=guards)
            outcome = held.enter_context(act)
            mine.push(held)  # the row is closed with what went wrong, unless the task has taken it over
            plan()  # what would be refused is refused now, in the answer, and not in a job that fails at once
            task = self._tasks.start(
                kind=kind,
                service=leave.place,
                person=leave.actor.name,
                run=held_to_rights(self._watch, leave, run, target=target),
                target=target,
                held=held,
                ended=self._over(leave, noted(outcome)),
            )
            mine.pop_all()
        return task

    def _over(self, leave: Pass, note: Ended) -> Ended:
        """Have what was kept of the service read anew when a task is over."""

        def over(task: Task) -> None:
            note(task)
            self._fleet.forget(leave.service)

        return over

    def _plan_metrics_server(self, leave: Pass, *, remove: bool) -> Plan:
        return self._facets.read(leave, lambda upkeep, scope: upkeep.plan_metrics_server(scope, remove=remove))

    def _plan_cleanup(self, leave: Pass, cleanup: Cleanup) -> Plan:
        return self._facets.read(leave, lambda upkeep, scope: upkeep.plan_cleanup(scope, cleanup))


def _target(cleanup: Cleanup) -> str:
    return f"{cleanup.image[:NAME_MAX_CHARS] or 'unused images'} on {cleanup.node[:NAME_MAX_CHARS] or 'all nodes'}"


def _upkeep(runtime: Runtime) -> Upkeep:
    if runtime.upkeep is None:
        raise Unsupported(f"{runtime.kind.capitalize()} has no cluster to look after.")
    return runtime.upkeep


def _deployment(runtime: Runtime) -> Deployment:
    if runtime.deployment is None:
        raise Unsupported(f"Nothing can be scaled on {runtime.kind.capitalize()}.")
    return runtime.deployment


def _both(runtime: Runtime) -> tuple[Deployment, Upkeep]:
    return _deployment(runtime), _upkeep(runtime)


def _scaling(facets: tuple[Deployment, Upkeep], scope: Scope) -> ScalingAnswer:
    deployment, upkeep = facets
    known, notes = deployment.list(scope), list[str]()
    metrics = _or_note(lambda: standing_answer(upkeep.metrics_server(scope, lately=True)), notes)
    nodes = _or_note(lambda: upkeep.nodes(scope, lately=True), notes)
    return ScalingAnswer(
        workloads=tuple(scaled_row(each) for each in known.items if can_scale(each)),
        metrics_server=metrics,
        nodes=nodes or (),
        notes=(*known.notes, *notes),
        as_of=known.as_of,
    )


def _or_note(read: Callable[[], T], notes: list[str]) -> T | None:
    """Read something that the page can do without; what is in the way becomes a note."""
    try:
        return read()
    except RuntimeProblem as problem:
        notes.append(f"{problem.sentence} {problem.hint}".strip())
        return None
