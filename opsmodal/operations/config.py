"""The Config tab: ConfigMaps and Secrets are listed, read, revealed, changed and deleted, and their versions restored.

A value of a Secret leaves here only by a reveal, which is on record; neither audit rows, plans nor errors ever hold
one. What moved since somebody looked is not overwritten: a program is told so, a person is shown both sides. Each
change is kept as a version, and what was there before it as well: before anything is sent to the cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from opsmodal import actions
from opsmodal.errors import NotThere, Refusal
from opsmodal.fleet import Fleet
from opsmodal.listing import ListQuery, Page
from opsmodal.operations.config_answers import (
    KINDS,
    ConfigAnswer,
    ConfigDone,
    ConfigRow,
    Merge,
    config_answer,
    merge_of,
    page_of,
)
from opsmodal.operations.config_edits import Edits, Merged
from opsmodal.operations.config_objects import (
    ConfigObjects,
    DesiredConfig,
    Target,
    change_of,
    demand_revision,
    held,
    target_of,
)
from opsmodal.operations.config_objects import named as recorded
from opsmodal.operations.config_past import ConfigPast
from opsmodal.operations.config_values import key_told
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.guards import Confirmation, Consent
from opsmodal.operations.previews import Preview, confirmation, previewed
from opsmodal.permissions import Action, Actor
from opsmodal.versions import Versions
from runtimes.base import Runtime
from runtimes.changes import Change, Restart
from runtimes.config import ConfigChange, ConfigContent
from runtimes.errors import RuntimeProblem, Unsupported

RESTARTED = ("deployment", "statefulset", "daemonset")
"""Kinds whose pods a restart replaces; the others read a new value when they next run."""
MOVED = "It changed meanwhile, in other keys than yours: this is put onto what is there now."


class Restarting(Protocol):
    """Restart a workload, as the Deployment tab does. Raise what that raises."""

    def __call__(self, actor: Actor, name: str, change: Change, /, *, consent: Consent) -> object: ...


class ConfigOperations:
    """Read and change the ConfigMaps and Secrets of a service's namespace."""

    def __init__(self, door: Door, fleet: Fleet, versions: Versions, *, restart: Restarting) -> None:
        self._door = door
        self._fleet = fleet
        self._objects = ConfigObjects(door, fleet, versions)
        self._restart = restart
        self.past = ConfigPast(self._objects)

    def list(self, actor: Actor, name: str, query: ListQuery) -> Page[ConfigRow]:
        """List all of the namespace, without values. Filter: holder. Raise what the door or the runtime raises."""
        leave = self._door.enter(actor, actions.CONFIG_VIEW, name)
        found = self._objects.facets.read(leave, lambda config, scope: config.list(scope))
        return page_of(found, query, datetime.now(UTC))

    def get(self, actor: Actor, name: str, target: Target) -> ConfigAnswer:
        """Read one: a ConfigMap with its values, a Secret without."""
        leave = self._door.enter(actor, actions.CONFIG_VIEW, name, target=target.recorded)
        content = self._objects.content(leave, target, with_uses=True)
        return self._answer(leave, target, content, revealed=target.holder == "configmaps")

    def reveal(self, actor: Actor, name: str, target: Target, *, consent: Consent) -> ConfigAnswer:
        """Read one with all its values; of a Secret that is on record. Raise Unsupported for what is never shown."""
        if target.holder == "configmaps":
            return self.get(actor, name, target)
        leave = self._door.enter(actor, actions.CONFIG_REVEAL, name, target=target.recorded)
        with self._door.act(leave, target=target.recorded, consent=consent) as outcome:
            content = self._shown(leave, target, with_uses=True)
            outcome.detail = f"{len(content.values)} keys"
        return self._answer(leave, target, content, revealed=True)

    def value(self, actor: Actor, name: str, target: Target, key: str, *, consent: Consent) -> bytes:
        """Read one value as it is; of a Secret that is on record. Raise NotThere where there is no such key."""
        if target.holder == "configmaps":
            leave = self._door.enter(actor, actions.CONFIG_VIEW, name, target=target.recorded)
            return _one(self._objects.content(leave, target), key)
        leave = self._door.enter(actor, actions.CONFIG_REVEAL, name, target=target.recorded)
        with self._door.act(leave, target=target.recorded, consent=consent) as outcome:
            value = _one(self._shown(leave, target), key)
            outcome.detail, outcome.bytes_count = f"key {key}", len(value)
        return value

    def target(self, actor: Actor, name: str, action: Action, holder: str, named: str) -> Target:
        """Name one out of an address, for who may do this with it: they are told that before what is wrong.

        Raise what the door raises, then NotThere for another holder than there is.
        """
        self._door.enter(actor, action, name, target=recorded(holder, named))
        return target_of(holder, named)

    def plan(self, actor: Actor, name: str, target: Target, wanted: DesiredConfig) -> Preview | Merge:
        """Say what saving would do, by a dry run; both sides where an edit meets what moved meanwhile."""
        leave = self._enter(actor, name, target, wanted)
        content = self._objects.content(leave, target)
        merged, has_moved = self._merged(leave, target, wanted, content)
        if merged.clashes:
            return merge_of(content, merged)
        plan = self._objects.plan(leave, change_of(target, wanted, merged, content))
        told = [*([MOVED] if has_moved else ()), *plan.warnings]
        hits = (*plan.hits, *(f"all pods of {_words(each)} are replaced afterwards" for each in wanted.restart))
        return previewed(self._door, leave, replace(plan, warnings=tuple(told), hits=hits))

    def save(
        self, actor: Actor, name: str, target: Target, wanted: DesiredConfig, *, consent: Consent
    ) -> ConfigDone | Preview | Merge:
        """Save one, and restart who reads it only at its start; where it moved meanwhile, nothing is saved.

        A person is then shown what would be. Raise Stale for a program whose revision is no longer there.
        """
        leave = self._enter(actor, name, target, wanted)
        content = self._objects.content(leave, target)
        merged, has_moved = self._merged(leave, target, wanted, content)
        if merged.clashes or has_moved:
            return self.plan(actor, name, target, wanted)
        change = change_of(target, wanted, merged, content)
        guards = (confirmation(lambda: self._objects.plan(leave, change)),) if leave.action.dangerous else ()
        done = self._objects.save(leave, target, change, content, "saved", consent, guards)
        notes = [note for each in wanted.restart if (note := self._restarted(actor, name, each, consent))]
        return replace(done, notes=(*done.notes, *notes))

    def _enter(self, actor: Actor, name: str, target: Target, wanted: DesiredConfig) -> Pass:
        """Let somebody through to saving: in production a restart makes that what it is by itself, dangerous."""
        leave = self._door.enter(actor, actions.CONFIG_SAVE, name, target=target.recorded)
        if wanted.restart and leave.is_production:
            return replace(leave, action=replace(leave.action, dangerous=True))
        return leave

    def _restarted(self, actor: Actor, name: str, workload: str, consent: Consent) -> str:
        """Restart a workload, by an action of its own; give what there is to say about it."""
        try:
            self._restart(actor, name, Restart(workload=workload), consent=consent)
        except (RuntimeProblem, Refusal) as problem:
            return f"{_words(workload)} was not restarted: {problem.sentence}"
        return f"{_words(workload)} restarts."

    def plan_new(self, actor: Actor, name: str, target: Target, wanted: DesiredConfig) -> Preview:
        """Say what creating one would do, by a dry run."""
        leave = self._door.enter(actor, actions.CONFIG_CREATE, name, target=target.recorded)
        return previewed(self._door, leave, self._objects.plan(leave, self._new(leave, target, wanted)))

    def create(self, actor: Actor, name: str, target: Target, wanted: DesiredConfig, *, consent: Consent) -> ConfigDone:
        """Create one. Raise Conflict where its name is taken."""
        leave = self._door.enter(actor, actions.CONFIG_CREATE, name, target=target.recorded)
        return self._objects.save(leave, target, self._new(leave, target, wanted), None, "created", consent)

    def delete(self, actor: Actor, name: str, target: Target, *, revision: str, consent: Consent) -> ConfigDone:
        """Delete one, as it was at `revision` where one is given. Raise Stale when it moved."""
        leave = self._door.enter(actor, actions.CONFIG_DELETE, name, target=target.recorded)
        scope, content = leave.service.scope(), self._objects.content(leave, target)
        demand_revision(target, content, revision)
        word = f"{KINDS[target.holder]} {target.name}"
        by_hand = f"kubectl -n {scope.namespace} delete {target.holder.removesuffix('s')} {target.name}"
        # A token that came back into a Secret of its name would be good again, and could be read there.
        is_kept = not content.about.locked

        def hits() -> Sequence[str]:
            uses = self._objects.facets.read(leave, lambda config, _: config.uses(scope, target.holder, target.name))
            kept = () if is_kept else ("No version of it is kept: it cannot be restored",)
            keys = f"{word} with {len(content.values)} keys"
            return (keys, *kept, *(f"{use.workload} uses it: {use.how}" for use in uses))

        asked = Confirmation(hits=hits, label=f"Delete {word}", command=by_hand)
        with self._door.act(leave, target=target.recorded, consent=consent, guards=(asked,)):
            if is_kept:
                self._objects.keep(leave, target, held(content), "found", consent)
            config = self._objects.facets.changing(leave)
            applied = config.delete(scope, target.holder, target.name, revision=content.about.revision)
            notes = self._objects.kept(leave, target, held(content), "deleted", consent) if is_kept else ()
        return ConfigDone(sentence=applied.sentence, targets=(target.told,), notes=notes)

    def _merged(
        self, leave: Pass, target: Target, wanted: DesiredConfig, content: ConfigContent
    ) -> tuple[Merged, bool]:
        """Put a wish onto what there is; tell also whether that is another revision than was looked at."""
        has_moved = bool(wanted.revision) and wanted.revision != content.about.revision
        if has_moved and not isinstance(wanted.wish, Edits):
            demand_revision(target, content, wanted.revision)
        return wanted.wish.onto(content.values, self._objects.naming(leave, target)), has_moved

    def _new(self, leave: Pass, target: Target, wanted: DesiredConfig) -> ConfigChange:
        return change_of(target, wanted, wanted.wish.onto({}, self._objects.naming(leave, target)))

    def _answer(self, leave: Pass, target: Target, content: ConfigContent, *, revealed: bool) -> ConfigAnswer:
        naming = self._objects.naming(leave, target)
        name = naming.shown if revealed else naming.masked
        seen = {key: name(key, value) for key, value in content.values.items()}
        return config_answer(content, seen=seen, revealed=revealed, restartable=self._restartable(leave, content))

    def _restartable(self, leave: Pass, content: ConfigContent) -> tuple[str, ...]:
        """Name the workloads that read it only when they start, and that are this service's own."""
        wanted = {use.workload for use in content.uses if not use.live and use.workload.split(".")[0] in RESTARTED}
        if not wanted:
            return ()
        scope = leave.service.scope()

        def own(runtime: Runtime) -> set[str]:
            deployed = runtime.deployment.list(scope).items if runtime.deployment else ()
            return {each.id for each in deployed if "restart" in each.verbs}

        try:
            return tuple(sorted(wanted & self._fleet.read(leave.service.runtime, own, over=leave.over)))
        except RuntimeProblem:  # the Deployment tab says what is wrong with it; this page shows what it has
            return ()

    def _shown(self, leave: Pass, target: Target, *, with_uses: bool = False) -> ConfigContent:
        content = self._objects.content(leave, target, with_uses=with_uses)
        if content.about.locked:
            raise Unsupported(f"The values of {target.told} are not shown.", hint=content.about.locked)
        return content


def _words(workload: str) -> str:
    return workload.replace(".", " ", 1)[:200]


def _one(content: ConfigContent, key: str) -> bytes:
    if key not in content.values:
        sentence = f"{content.about.name} has no key {key[:60]!r}."
        told = f"{content.about.name} has no key {key_told(key)}."
        raise NotThere(sentence, hint="Go back to it and choose again.", recorded=told)
    return content.values[key]
