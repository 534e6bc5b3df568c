"""The Deployment tab: the workloads of a service, their revisions and manifests, and every change to them.

Every change is planned or applied here, by one way for all of them: which action it is, what has to be confirmed, and
what a manifest may not give. It refuses to know what a change does: that is the runtime's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.fleet import Fleet
from opsmodal.listing import ListQuery
from opsmodal.operations.changes import action_of, is_risky, is_update, target_of
from opsmodal.operations.command_world import commands_of
from opsmodal.operations.container_revisions import ContainerRevisions, masked
from opsmodal.operations.deployment_answers import (
    Changed,
    ManifestAnswer,
    WorkloadAnswer,
    WorkloadRow,
    WorkloadsAnswer,
)
from opsmodal.operations.deployment_rows import page_of, workload_row
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.facets import Facets
from opsmodal.operations.guards import Asked, Consent, Guard
from opsmodal.operations.manifests import FIELD, REVISION, Unprivileged
from opsmodal.operations.previews import Preview, confirmation, previewed
from opsmodal.operations.rollouts import Rollouts
from opsmodal.operations.tasks import seen
from opsmodal.operations.updating import Updating, container_of, updates_of
from opsmodal.permissions import Actor
from opsmodal.tasks import Tasks
from runtimes.base import Deployment, Runtime, Scope
from runtimes.changes import VERBS, Change, RedeployAll, Rollback, SetManifest, SetResources, SetRestartPolicy
from runtimes.deployment import Deployed, Revision
from runtimes.errors import Stale, Unsupported
from runtimes.planning import Plan
from runtimes.updates import Spec

DEPLOYMENT = "deployment"
KUBERNETES = "kubernetes"
QUESTION_MAX_CHARS = 300
"""Longer than the id of any workload: kind, dot and a name of 253."""
NO_VERBS: frozenset[str] = frozenset()


class DeploymentOperations:
    """Read and change the workloads of a service."""

    def __init__(
        self, door: Door, fleet: Fleet, tasks: Tasks, updating: Updating, revisions: ContainerRevisions
    ) -> None:
        self._door = door
        self._fleet = fleet
        self._tasks = tasks
        self._facets = Facets(fleet, _facet)
        self._commands = Facets(fleet, commands_of)
        self._updating = updating
        self._revisions = revisions
        self._rollouts = Rollouts(fleet, tasks)

    def list(self, actor: Actor, name: str, query: ListQuery, *, with_revisions: bool = False) -> WorkloadsAnswer:
        """List the workloads, those in trouble first."""
        leave = self._door.enter(actor, actions.DEPLOYMENT_VIEW, name)
        kept = self._facets.kept(leave, DEPLOYMENT, lambda deployment, scope: deployment.list(scope))
        verbs, jobs = self._verbs(leave), tuple(seen(task, leave) for task in self._tasks.latest(name))
        page = page_of(kept, query, datetime.now(UTC), verbs=verbs, with_revisions=with_revisions, jobs=jobs)
        if not self._is_replaced(leave):
            return page
        newest = self._revisions.newest(leave.service.runtime, name)
        return replace(page, items=tuple(replace(row, revision=newest.get(row.name, 0)) for row in page.items))

    def get(self, actor: Actor, name: str, workload: str) -> WorkloadAnswer:
        """Read one workload with its revisions. Raise Missing when it is not the service's."""
        leave = self._door.enter(actor, actions.DEPLOYMENT_VIEW, name)

        def ask(deployment: Deployment, scope: Scope) -> tuple[Deployed, tuple[Revision, ...]]:
            return deployment.get(scope, workload), deployment.revisions(scope, workload)

        kept = self._facets.kept(leave, f"{DEPLOYMENT} {workload[:QUESTION_MAX_CHARS]}", ask)
        found, revisions = kept.value
        row = workload_row(found, datetime.now(UTC), verbs=self._verbs(leave), revisions=revisions)
        if self._is_replaced(leave):
            row = self._with_revisions(leave, row)
        jobs = tuple(task for task in self._tasks.latest(name) if task.target == target_of(found.id))
        return WorkloadAnswer(workload=row, jobs=jobs, as_of=kept.as_of, stale=kept.stale, problem=kept.problem)

    def manifest(self, actor: Actor, name: str, workload: str) -> ManifestAnswer:
        """Give a workload as YAML. It holds the values of its environment, hence needs `manage`."""
        leave = self._door.enter(actor, actions.DEPLOYMENT_MANIFEST, name, target=target_of(workload))
        found = self._facets.read(leave, lambda deployment, scope: deployment.manifest(scope, workload))
        return ManifestAnswer(workload=found.workload, text=found.text, revision=found.revision)

    def plan(self, actor: Actor, name: str, change: Change, *, revision: str = "") -> Preview:
        """Say what a change would do, and what it takes to do it. Raise Stale where `revision` is not what is there."""
        leave = self._let(actor, name, change)
        change = self._meant(leave, change)
        for guard in self._guards(leave, change):
            verdict = guard(Asked(leave=leave))
            if verdict.refusal is not None:
                raise verdict.refusal
        plan = self._planned(leave, change)
        if revision and revision != plan.revision:
            hint = "Open it anew, and put your changes into what is there now."
            raise Stale(f"{plan.target} was changed since you looked at it.", hint=hint)
        return previewed(self._door, leave, plan)

    def apply(self, actor: Actor, name: str, change: Change, *, consent: Consent, revision: str = "") -> Changed:
        """Do a change, once. Raise Stale where the workload is no longer as at `revision`, when one is given."""
        leave = self._let(actor, name, change)
        change = self._meant(leave, change)
        if self._is_replaced(leave) and is_update(change):
            return self._update(leave, change, consent=consent, revision=revision)
        guards: list[Guard] = [*self._guards(leave, change)]
        if leave.action.dangerous:
            guards.append(confirmation(lambda: self._planned(leave, change)))
        reasoned = replace(change, reason=consent.reason)
        with self._door.act(leave, target=target_of(change.workload), consent=consent, guards=guards) as outcome:
            able = self._able(change).changing(leave)
            with self._remembered(leave, reasoned):
                applied = able.apply(leave.service.scope(), reasoned, revision=revision)
            outcome.detail = applied.sentence
        self._fleet.forget(leave.service)
        job = self._rollouts.follow(leave, change.workload, applied) if applied.lasting else None
        targets = (applied.target, *((applied.made,) if applied.made else ()))
        return Changed(done=Done(sentence=applied.sentence, targets=targets), job=job, revision=applied.revision)

    def _is_replaced(self, leave: Pass) -> bool:
        """Tell whether a workload is one container, which is replaced as an update."""
        return self._fleet.kind(leave.service.runtime) != KUBERNETES

    def _update(self, leave: Pass, change: Change, *, consent: Consent, revision: str) -> Changed:
        self._able(change).changing(leave)
        planned = cache(lambda: self._planned(leave, change))
        if isinstance(change, RedeployAll):
            job, count = self._updating.begin_all(leave, change, consent=consent, revision=revision, plan=planned)
            self._fleet.forget(leave.service)
            sentence = f"The redeploy of {count} containers has begun."
            return Changed(done=Done(sentence=sentence, targets=(f"service/{leave.place}",)), job=job)
        job, container = self._updating.begin(leave, change, consent=consent, revision=revision, plan=planned)
        self._fleet.forget(leave.service)
        sentence = f"The update of {container} has begun."
        return Changed(done=Done(sentence=sentence, targets=(f"container/{container}",)), job=job)

    def _let(self, actor: Actor, name: str, change: Change) -> Pass:
        """Let somebody through to a change, as dangerous as it is here."""
        target = target_of(change.workload) if change.workload else f"service/{name}"
        leave = self._door.enter(actor, action_of(change), name, target=target)
        if leave.action.dangerous or not is_risky(
            change, production=leave.is_production, interrupts=self._is_replaced(leave) and is_update(change)
        ):
            return leave
        return replace(leave, action=replace(leave.action, dangerous=True))

    def _guards(self, leave: Pass, change: Change) -> tuple[Unprivileged, ...]:
        if not isinstance(change, SetManifest | Rollback):
            return ()
        able = self._able(change)

        def before() -> str:
            return able.read(leave, lambda deployment, scope: deployment.manifest(scope, change.workload)).text

        def after() -> str:
            if isinstance(change, SetManifest):
                return change.text
            return able.read(leave, lambda deployment, scope: deployment.manifest_after(scope, change)).text

        def tokens() -> frozenset[str]:
            return self._commands.read(leave, lambda commands, scope: commands.tokens(scope))

        field = FIELD if isinstance(change, SetManifest) else REVISION
        return (Unprivileged(before=before, after=after, tokens=tokens, field=field),)

    def _planned(self, leave: Pass, change: Change) -> Plan:
        plan = self._able(change).read(leave, lambda deployment, scope: deployment.plan(scope, change))
        return masked(plan) if self._is_replaced(leave) else plan

    def _meant(self, leave: Pass, change: Change) -> Change:
        """Give a change as its runtime takes it: an engine is told what a revision was, since it keeps none."""
        if not (isinstance(change, Rollback) and self._is_replaced(leave)):
            return change
        self._able(change).changing(leave)
        name = self._facets.read(leave, lambda deployment, scope: deployment.get(scope, change.workload)).name
        return self._revisions.restore(container_of(leave.service, name), change)

    @contextmanager
    def _remembered(self, leave: Pass, change: Change) -> Iterator[None]:
        """Keep what a container was before it is changed in place, and what it is then."""
        if not isinstance(change, SetResources | SetRestartPolicy) or not self._is_replaced(leave):
            yield
            return
        scope = leave.service.scope()
        found = self._facets.read(leave, lambda deployment, scope: deployment.get(scope, change.workload))
        updates = updates_of(self._fleet.runtime(leave.service.runtime, over=leave.over))
        whose = container_of(leave.service, found.name)
        self._revisions.found(updates, scope, whose)
        yield
        self._revisions.changed(updates, scope, whose, change, leave.actor.name)

    def _with_revisions(self, leave: Pass, row: WorkloadRow) -> WorkloadRow:
        def running() -> Spec:
            return Facets(self._fleet, updates_of).read(leave, lambda updates, scope: updates.spec(scope, row.name))

        rows = self._revisions.rows(container_of(leave.service, row.name), running, datetime.now(UTC))
        return replace(row, revisions=rows, revision=next((each.revision for each in rows if each.current), 0))

    def _verbs(self, leave: Pass) -> frozenset[str]:
        """Give what the runtime offers and this person may: they go together, or not at all."""
        if not self._door.may(leave.permissions, actions.DEPLOYMENT_EDIT):
            return NO_VERBS
        opened = self._fleet.opened(leave.service.runtime, over=leave.over)
        facet = opened.runtime.deployment if opened else None
        return facet.verbs if facet else NO_VERBS

    def _able(self, change: Change) -> Facets[Deployment]:
        """Reach the facet of runtimes that know a change."""
        return Facets(self._fleet, lambda runtime: _facet(runtime, change))


def _facet(runtime: Runtime, change: Change | None = None) -> Deployment:
    """Give the facet. Raise Unsupported where there is none, or where it does not know the change."""
    facet = runtime.deployment
    if facet is None:
        raise Unsupported(f"{runtime.kind.capitalize()} offers no Deployment tab here.")
    if change is not None and VERBS[type(change)] not in facet.verbs:
        raise Unsupported(f"{runtime.kind.capitalize()} cannot do this: it has no “{VERBS[type(change)]}”.")
    return facet
