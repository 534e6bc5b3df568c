"""The Deployment tab of an engine: the containers of a service as they were made, and their replacement.

What replaces a container is an update (`runtimes.updates`), which is planned here and carried on there; limits and the
restart policy are changed in place. What an earlier update put aside is no row of its own; it is named in a note.
"""

from __future__ import annotations

from datetime import UTC, datetime

from runtimes.base import Scope
from runtimes.changes import Change, RedeployAll, Restore, SetResources, SetRestartPolicy
from runtimes.deployment import Deployed, DeployedList, Manifest, Revision
from runtimes.engine.api import Api
from runtimes.engine.aside import is_put_aside
from runtimes.engine.containers import Containers
from runtimes.engine.problems import Kind
from runtimes.engine.updates.course import Course
from runtimes.engine.updates.inplace import InPlace
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.preparing import Preparing
from runtimes.engine.updates.pulling import Pulling
from runtimes.engine.updates.raw import id_of
from runtimes.engine.updates.readable import differences
from runtimes.engine.updates.rows import VERBS, name_in, row_of
from runtimes.engine.updates.specs import settings_in, spec_of
from runtimes.engine.updates.steps import After, Replacement, no_more
from runtimes.engine.updates.words import plan_of, plan_of_all
from runtimes.errors import Conflict, Missing, Unsupported
from runtimes.planning import Applied, Plan, Progress
from runtimes.registries import Logins, no_logins
from runtimes.updates import Save, Spec, Telling, Update


class EngineDeployment:
    """The containers of a service as they are deployed; also carries updates on (`runtimes.updates.Updates`)."""

    verbs = VERBS

    def __init__(
        self,
        api: Api,
        containers: Containers,
        *,
        really: Kind,
        logins: Logins = no_logins,
        after: After = no_more,
    ) -> None:
        self._api = api
        self._logins = logins
        self._containers = containers
        self._looking = Looking(api, really=really)
        self._really: Kind = really
        self._after = after
        self._preparing = Preparing(containers, self._looking)
        self._in_place = InPlace(api, containers, self._looking)

    def list(self, scope: Scope) -> DeployedList:
        """List the containers of a service, without those that an update put aside."""
        found = self._containers.all(scope)
        shown = [each for each in found if not is_put_aside(each)]
        kept = sorted(each.own_name for each in found if is_put_aside(each))
        notes = tuple(f"{name} is what an update has put aside; it is kept until the next one." for name in kept)
        digests = {image: self._digests(image) for image in {each.image for each in shown}}
        items = tuple(sorted((row_of(each, digests[each.image]) for each in shown), key=lambda row: row.name))
        return DeployedList(items=items, as_of=datetime.now(UTC), notes=notes)

    def get(self, scope: Scope, workload: str) -> Deployed:
        """Read one by its id or its bare name. Raise Missing when it is not the service's."""
        found = self._containers.one(scope, name_in(workload))
        return row_of(found, self._digests(found.image))

    def revisions(self, scope: Scope, workload: str) -> tuple[Revision, ...]:
        """Give none: an engine keeps no history, and what was done here is kept by who did it (`spec`)."""
        self._containers.one(scope, name_in(workload))
        return ()

    def manifest(self, scope: Scope, workload: str) -> Manifest:
        """Refuse: a container has no manifest."""
        self._containers.one(scope, name_in(workload))
        raise Unsupported("A container has no manifest.", hint="Its page lists how it was made.")

    def manifest_after(self, scope: Scope, change: Change) -> Manifest:
        """Refuse, as `manifest` does."""
        return self.manifest(scope, change.workload)

    def progress(self, scope: Scope, workload: str, *, generation: int = 0) -> Progress:  # noqa: ARG002  (none here)
        """Say whether a container runs: an update tells of itself by its job."""
        row = self.get(scope, workload)
        return Progress(state="done" if row.ready else "running", sentence=f"{row.name}: {row.conditions[0][1]}.")

    def plan(self, scope: Scope, change: Change) -> Plan:
        """Say what an update would do. Raise what it would be refused with."""
        if isinstance(change, SetResources | SetRestartPolicy):
            return self._in_place.plan(scope, change)
        if isinstance(change, RedeployAll):
            prepared = self._preparing.all(scope, change)
            return plan_of_all(prepared, scope=scope, pull=change.pull, really=self._really)
        update, old = self._preparing.one(scope, change)
        if isinstance(change, Restore):
            now = spec_of(old, self._looking.image_if_there(str(old.get("Image"))) or {})
            differing = differences(now.settings, settings_in(change.spec))
            return plan_of(update, old, really=self._really, differing=differing)
        local = self._looking.image_if_there(update.image)
        return plan_of(update, old, really=self._really, local=id_of(local) if local else "")

    def apply(self, scope: Scope, change: Change, *, revision: str = "") -> Applied:
        """Change what can be changed in place. Raise Unsupported for what is an update, see `carry_on`."""
        if isinstance(change, SetResources | SetRestartPolicy):
            return self._in_place.apply(scope, change, revision=revision)
        raise Unsupported("A container is replaced step by step, as an update.")

    def prepare(self, scope: Scope, change: Change) -> Update:
        """Look up and judge an update, and do nothing; see `runtimes.updates`."""
        return self._preparing.one(scope, change)[0]

    def prepare_all(self, scope: Scope, change: RedeployAll) -> tuple[Update, ...]:
        """Look up and judge the updates of a whole service, in their order; see `runtimes.updates`."""
        return tuple(update for update, _ in self._preparing.all(scope, change))

    def spec(self, scope: Scope, container: str) -> Spec:
        """Give the spec of a container as it is now. Raise Missing, and Conflict where its image is gone."""
        mine = self._containers.one(scope, name_in(container))
        try:
            return spec_of(self._looking.container(mine.id), self._looking.image(mine.image))
        except Missing as problem:
            raise Conflict(f"The image of {mine.own_name} is gone: its settings cannot be told from it.") from problem

    def spec_after(self, scope: Scope, change: SetResources | SetRestartPolicy, spec: Spec) -> Spec:
        """Give a spec as a change in place has left it, also where the engine does not show that."""
        return self._in_place.spec_after(scope, change, spec)

    def carry_on(
        self, scope: Scope, update: Update, save: Save, tell: Telling, *, again: bool = False, spec: Spec | None = None
    ) -> Update:
        """Do what is left of an update; see `runtimes.updates`."""
        pulling = Pulling(self._api, self._logins)
        course = Course(update, save=save, tell=lambda progress: tell(pulling.hinted(progress)))
        replacement = Replacement(self._looking, pulling, course, scope=scope, spec=spec, after=self._after)
        return replacement.resume() if again else replacement.run()

    def _digests(self, image: str) -> str:
        return ", ".join(map(str, (self._looking.image_if_there(image) or {}).get("RepoDigests") or ()))
