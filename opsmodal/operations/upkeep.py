"""Scaling, Metrics Server and images: what the Pods tab shows and does beside the pods.

Metrics Server and the images of nodes are the whole cluster's; who may manage a service of it may look after them, and
is told first what else is hit. Scaling itself is done by the changes of workloads; it is only read here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeVar

from opsmodal import actions
from opsmodal.access import Watch
from opsmodal.fleet import Fleet
from opsmodal.operations.deployment_answers import AutoscalerRow, autoscaler_row
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.guards import Consent
from opsmodal.operations.previews import Preview, confirmation, previewed
from opsmodal.operations.task_rights import held as held_to_rights
from opsmodal.operations.tasks import CLEANUP, noted
from opsmodal.permissions import Actor
from opsmodal.tasks import Ended, Task, Tasks
from runtimes.base import Event, Runtime, Scope, Upkeep
from runtimes.deployment import Deployed, Deployment
from runtimes.errors import RuntimeProblem, Unsupported
from runtimes.planning import Plan
from runtimes.upkeep import Cleanup, MetricsServer, Telling

T = TypeVar("T")

METRICS_SERVER = "metrics-server"
INSTALLATION, REMOVAL = "installation", "removal"
"""The kinds of tasks that begin here, beside CLEANUP."""
SCALE, SCALING = "scale", "scaling"
NAME_MAX_CHARS = 255
"""Of an image or a node in the row of a cleanup: what is sent may be a megabyte, and is written down refused or not."""
FRESH_S = 4.0
"""Shorter than the 5 s after which a page asks again: however many are open, the cluster is asked by one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledWorkload:
    """A workload that can be scaled, and what scales it. `lock` says why a number cannot be set by hand, or "".

    `can_start`: 0 pods have switched its autoscaler off, which a number within its bounds switches on again.
    """

    id: str
    kind: str
    name: str
    desired: int
    ready: int
    autoscaler: AutoscalerRow | None
    lock: str
    can_start: bool
    managed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsServerAnswer:
    """How the Metrics API stands. `ours`: installed from here; `logs` and `events` only in diagnostics."""

    state: Literal["answering", "starting", "failing", "absent", "unknown"]
    sentence: str
    hint: str
    ours: bool
    image: str
    events: tuple[Event, ...]
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingAnswer:
    """What of a service can be scaled, and how the Metrics API stands. `notes`: what could not be read, and why.

    `total` counts the workloads, also those that were not searched for.
    `stale`: the runtime has not answered since `as_of`, and `problem` says why.
    """

    workloads: tuple[ScaledWorkload, ...]
    metrics_server: MetricsServerAnswer | None
    nodes: tuple[str, ...]
    notes: tuple[str, ...]
    as_of: datetime
    total: int = 0
    stale: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesAnswer:
    """The nodes of the cluster, by name."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What was begun: a sentence, and the task that goes on with it."""

    sentence: str
    task: Task


class UpkeepOperations:
    """Read how a service scales, and look after what that needs of the cluster."""

    def __init__(self, door: Door, fleet: Fleet, tasks: Tasks, *, watch: Watch) -> None:
        self._door = door
        self._fleet = fleet
        self._tasks = tasks
        self._watch = watch

    def scaling(self, actor: Actor, name: str, search: str = "") -> ScalingAnswer:
        """Read what can be scaled, by what it is scaled, and how the Metrics API stands.

        With `search` only the workloads whose names hold all of its words.
        """
        leave = self._door.enter(actor, actions.SCALING_VIEW, name)
        scope = leave.service.scope()

        def ask(runtime: Runtime) -> ScalingAnswer:
            deployment, upkeep, notes = _deployment(runtime), _upkeep(runtime), list[str]()
            known = deployment.list(scope)
            metrics = _or_note(lambda: _standing(upkeep.metrics_server(scope, lately=True)), notes)
            nodes = _or_note(lambda: upkeep.nodes(scope, lately=True), notes)
            return ScalingAnswer(
                workloads=tuple(_scaled(each) for each in known.items if _can_scale(each)),
                metrics_server=metrics,
                nodes=nodes or (),
                notes=(*known.notes, *notes),
                as_of=known.as_of,
            )

        kept = self._fleet.kept(leave.service, SCALING, ask, fresh_s=FRESH_S, over=leave.over)
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
        return _standing(self._asked(leave, lambda upkeep, scope: upkeep.metrics_server(scope)))

    def diagnostics(self, actor: Actor, name: str) -> MetricsServerAnswer:
        """Say how the Metrics API stands, with the events and the last log lines of its pods."""
        leave = self._door.enter(actor, actions.METRICS_SERVER_DIAGNOSE, name)
        return _standing(self._asked(leave, lambda upkeep, scope: upkeep.metrics_server(scope, diagnose=True)))

    def preview_metrics_server(self, actor: Actor, name: str, *, remove: bool) -> Preview:
        """Say what installing or removing it would do."""
        leave = self._let_through(actor, name, remove=remove)
        return previewed(self._door, leave, self._plan_metrics_server(leave, remove=remove))

    def change_metrics_server(self, actor: Actor, name: str, *, remove: bool, consent: Consent) -> Begun:
        """Install or reinstall it, or remove it; the task goes on until that is through."""
        leave = self._let_through(actor, name, remove=remove)
        upkeep, scope = self._upkeep(leave), leave.service.scope()

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
        return NodesAnswer(nodes=self._asked(leave, lambda upkeep, scope: upkeep.nodes(scope)))

    def preview_cleanup(self, actor: Actor, name: str, cleanup: Cleanup) -> Preview:
        """Say what a cleanup would hit, on which nodes."""
        leave = self._door.enter(actor, actions.IMAGES_CLEAN, name, target=_target(cleanup))
        return previewed(self._door, leave, self._plan_cleanup(leave, cleanup))

    def clean(self, actor: Actor, name: str, cleanup: Cleanup, *, consent: Consent) -> Begun:
        """Delete unused images, or one, from one node or all; what each printed is told by the task."""
        leave = self._door.enter(actor, actions.IMAGES_CLEAN, name, target=_target(cleanup))
        upkeep, scope = self._upkeep(leave), leave.service.scope()

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
        found = self._asked(leave, lambda upkeep, scope: upkeep.metrics_server(scope))
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
        return self._asked(leave, lambda upkeep, scope: upkeep.plan_metrics_server(scope, remove=remove))

    def _plan_cleanup(self, leave: Pass, cleanup: Cleanup) -> Plan:
        return self._asked(leave, lambda upkeep, scope: upkeep.plan_cleanup(scope, cleanup))

    def _asked(self, leave: Pass, ask: Callable[[Upkeep, Scope], T]) -> T:
        scope = leave.service.scope()
        return self._fleet.read(leave.service.runtime, lambda runtime: ask(_upkeep(runtime), scope), over=leave.over)

    def _upkeep(self, leave: Pass) -> Upkeep:
        """Give the facet for what changes something: that is sent once, whatever becomes of its way."""
        return _upkeep(self._fleet.runtime(leave.service.runtime, over=leave.over))


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


def _or_note(read: Callable[[], T], notes: list[str]) -> T | None:
    """Read something that the page can do without; what is in the way becomes a note."""
    try:
        return read()
    except RuntimeProblem as problem:
        notes.append(f"{problem.sentence} {problem.hint}".strip())
        return None


def _standing(found: MetricsServer) -> MetricsServerAnswer:
    return MetricsServerAnswer(
        state=found.state,
        sentence=found.sentence,
        hint=found.hint,
        ours=found.ours,
        image=found.image,
        events=found.events,
        logs=found.logs,
    )


def _can_scale(known: Deployed) -> bool:
    return SCALE in known.verbs or known.autoscaler is not None


def _scaled(known: Deployed) -> ScaledWorkload:
    return ScaledWorkload(
        id=known.id,
        kind=known.kind,
        name=known.name,
        desired=known.desired,
        ready=known.ready,
        autoscaler=autoscaler_row(known.autoscaler),
        lock=_lock(known),
        can_start=_can_start(known),
        managed_by=known.managed_by,
    )


def _can_start(known: Deployed) -> bool:
    return known.autoscaler is not None and known.autoscaler.is_off_at(known.desired)


def _lock(known: Deployed) -> str:
    scaler = known.autoscaler
    if scaler is None:
        return ""
    if _can_start(known):
        return (
            f"0 pods have switched the autoscaler {scaler.name} off, and it starts none by itself. A number between "
            f"{scaler.minimum} and {scaler.maximum} switches it on again; for any other it has to be removed first."
        )
    return (
        f"The autoscaler {scaler.name} sets this number, between {scaler.minimum} and {scaler.maximum}: "
        "what you set by hand it would undo within seconds."
    )
