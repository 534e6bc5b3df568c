"""The Deployment tab of an engine: the containers of a service as they were made, and their replacement.

Nothing is changed in place: a change makes an update (`runtimes.updates`), which is planned here and carried on there.
What an earlier update put aside is no row of its own; it is named in a note.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn

from runtimes.base import Scope
from runtimes.changes import Change, Redeploy, SetImage
from runtimes.deployment import (
    Deployed,
    DeployedContainer,
    DeployedList,
    Manifest,
    Revision,
)
from runtimes.engine.answers import Inspected, moment
from runtimes.engine.api import Api
from runtimes.engine.containers import Containers
from runtimes.engine.detail import resources
from runtimes.engine.managers import managed_by
from runtimes.engine.problems import Kind
from runtimes.engine.scope import PROJECT_LABELS, first_label
from runtimes.engine.states import condition
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.pulling import Pulling
from runtimes.engine.updates.raw import Raw, id_of, name_of, part
from runtimes.engine.updates.refusals import check
from runtimes.engine.updates.steps import Replacement
from runtimes.engine.updates.words import plan_of
from runtimes.errors import Invalid, RuntimeProblem, Unsupported
from runtimes.planning import Plan, Progress
from runtimes.reference import Reference, reference
from runtimes.updates import Save, Telling, Update

KIND = "container"
VERBS = frozenset({"image", "redeploy"})
KEPT = re.compile(r".+-(before|next)-[0-9a-f]{8}")
ID_BYTES = 4
ALWAYS = ("", "no")
"""Restart policies that start nothing."""
IS_ID = re.compile(r"(sha256:)?[0-9a-f]{12,64}")


class EngineDeployment:
    """The containers of a service as they are deployed; also carries updates on (`runtimes.updates.Updates`)."""

    verbs = VERBS

    def __init__(self, api: Api, containers: Containers, *, really: Kind) -> None:
        self._api = api
        self._containers = containers
        self._looking = Looking(api, really=really)
        self._really: Kind = really

    def list(self, scope: Scope) -> DeployedList:
        """List the containers of a service, without those that an update put aside."""
        found = self._containers.all(scope)
        shown = [each for each in found if not _is_kept(each)]
        kept = sorted(each.own_name for each in found if _is_kept(each))
        notes = tuple(f"{name} is what an update has put aside; it is kept until the next one." for name in kept)
        digests = {image: self._digests(image) for image in {each.image for each in shown}}
        items = tuple(sorted((_row(each, digests[each.image]) for each in shown), key=lambda row: row.name))
        return DeployedList(items=items, as_of=datetime.now(UTC), notes=notes)

    def get(self, scope: Scope, workload: str) -> Deployed:
        """Read one by its id or its bare name. Raise Missing when it is not the service's."""
        found = self._containers.one(scope, name_in(workload))
        return _row(found, self._digests(found.image))

    def revisions(self, scope: Scope, workload: str) -> tuple[Revision, ...]:
        """Give none: an engine keeps no history."""
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
        update, old = self._prepared(scope, change)
        local = self._local(update.image)
        return plan_of(update, old, really=self._really, local=id_of(local) if local else "")

    def apply(self, scope: Scope, change: Change, *, revision: str = "") -> NoReturn:  # noqa: ARG002  (as asked)
        """Refuse: an update is carried on step by step, see `carry_on`."""
        raise Unsupported("A container is replaced step by step, as an update.")

    def prepare(self, scope: Scope, change: Change) -> Update:
        """Look up and judge an update, and do nothing; see `runtimes.updates`."""
        return self._prepared(scope, change)[0]

    def carry_on(self, scope: Scope, update: Update, save: Save, tell: Telling, *, again: bool = False) -> Update:
        """Do what is left of an update; see `runtimes.updates`."""
        replacement = Replacement(
            self._looking,
            Pulling(self._api),
            scope=scope,
            update=update,
            save=save,
            tell=tell,
            ping=self._api.ping,
        )
        return replacement.resume() if again else replacement.run()

    def _prepared(self, scope: Scope, change: Change) -> tuple[Update, Raw]:
        mine = self._containers.one(scope, name_in(change.workload))
        old = self._looking.container(mine.id)
        if not isinstance(change, SetImage | Redeploy):
            raise Unsupported("A container can only be replaced: by another image, or by the same.")
        check(old, others=self._looking.everything())
        policy = part(old, "HostConfig", "RestartPolicy")
        update = Update(
            id=secrets.token_hex(ID_BYTES),
            name=mine.own_name,
            old=mine.id,
            image=self._wanted(change, old),
            pull=change.pull,
            ran=bool(part(old, "State").get("Running") or part(old, "State").get("Restarting")),
            policy="" if (name := str(policy.get("Name") or "")) in ALWAYS else name,
            retries=int(policy.get("MaximumRetryCount") or 0),
        )
        if not update.pull and self._local(update.image) is None:
            hint = "Let it be pulled (pull=true), or bring it there first."
            raise Invalid(f"{update.image} is not on the engine's host.", hint=hint, field="image")
        return update, old

    def _wanted(self, change: SetImage | Redeploy, old: Raw) -> str:
        """Give the image to run: where only the tag is typed that is there, its digest is kept."""
        now = str(part(old, "Config").get("Image") or "")
        if isinstance(change, Redeploy):
            if change.pull and IS_ID.fullmatch(now):
                hint = "Name an image with its tag, or replace it without pulling."
                raise Invalid(f"{name_of(old)} runs an image without a name: it cannot be pulled.", hint=hint)
            return now
        wanted, before = reference(change.image), _known(now)
        same = before is not None and (before.name, before.tag) == (wanted.name, wanted.tag)
        return str(replace(wanted, digest=before.digest) if before and same and not wanted.digest else wanted)

    def _local(self, image: str) -> Raw | None:
        try:
            return self._looking.image(image)
        except RuntimeProblem:
            return None

    def _digests(self, image: str) -> str:
        return ", ".join(map(str, (self._local(image) or {}).get("RepoDigests") or ()))


def name_in(workload: str) -> str:
    """Give the name of a container: `container.web` and `container/web` name web; so does web itself."""
    for start in (f"{KIND}.", f"{KIND}/"):
        if workload.startswith(start):
            return workload.removeprefix(start)
    return workload


def _is_kept(container: Inspected) -> bool:
    return bool(KEPT.fullmatch(container.own_name)) and not container.state.running


def _manager(container: Inspected) -> str:
    words = managed_by(container.labels, pod="")
    if first_label(container.labels, PROJECT_LABELS):
        return f"It belongs to the {words}: what is changed here does not change its file."
    return f"It belongs to the {words}." if words else ""


def _known(text: str) -> Reference | None:
    try:
        return reference(text)
    except Invalid:
        return None


def _row(container: Inspected, digests: str) -> Deployed:
    stands = condition(container, recent_restarts=0)
    host, name = container.host_config, container.own_name
    return Deployed(
        id=f"{KIND}.{name}",
        kind="Container",
        name=name,
        desired=1 if container.state.running or host.restart_policy.name not in ALWAYS else 0,
        ready=1 if stands.ready else 0,
        containers=(DeployedContainer(name=name, image=container.config.image, resources=resources(host)),),
        strategy_facts=_facts(container, digests),
        conditions=(("State", f"{stands.status} {stands.reason}".strip()),),
        managed_by=_manager(container),
        verbs=VERBS,
        made_at=moment(container.created),
    )


def _facts(container: Inspected, digests: str) -> dict[str, str]:
    policy = container.host_config.restart_policy
    tries = f", at most {policy.maximum_retry_count} times" if policy.maximum_retry_count else ""
    at = moment(container.created)
    found = {
        "restart_policy": f"{policy.name or 'no'}{tries}",
        "image_id": container.image,
        "digest": digests,
        "created_at": at.isoformat(timespec="seconds") if at else "",
    }
    return {name: text for name, text in found.items() if text}
