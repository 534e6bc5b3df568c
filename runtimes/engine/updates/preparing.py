"""Looks up and judges updates, and does nothing: which container, which image, and whether that can be put back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace

from runtimes.base import Scope
from runtimes.changes import Change, Redeploy, RedeployAll, Restore, SetImage
from runtimes.engine.aside import is_put_aside
from runtimes.engine.containers import Containers
from runtimes.engine.updates.following import ordered
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.raw import Raw, id_of, name_of, part
from runtimes.engine.updates.refusals import check
from runtimes.engine.updates.rows import ALWAYS, name_in
from runtimes.engine.updates.specs import opened
from runtimes.errors import Conflict, Invalid, Unsupported
from runtimes.reference import Reference, reference
from runtimes.updates import Spec, Update

ID_BYTES = 4
ALL_MAX = 30
"""Containers that one job replaces: each is written down all the while."""
IS_ID = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
Prepared = tuple[Update, Raw]
"""An update, and the container that it replaces."""


class Preparing:
    """Make updates of changes."""

    def __init__(self, containers: Containers, looking: Looking) -> None:
        self._containers = containers
        self._looking = looking

    def one(self, scope: Scope, change: Change) -> Prepared:
        """Give the update of one container. Raise what it is refused with."""
        if not isinstance(change, SetImage | Redeploy | Restore):
            raise Unsupported("A container can only be replaced: by another image, by the same, or as it was.")
        mine = self._containers.one(scope, name_in(change.workload))
        old = self._looking.container(mine.id)
        check(old, others=self._looking.everything())
        update = self._update(old, change)
        self._demand_image(update)
        return update, old

    def all(self, scope: Scope, change: RedeployAll) -> tuple[Prepared, ...]:
        """Give the updates of all containers of a service, those first that others depend on.

        Raise Conflict where one of them cannot be replaced, or they depend on each other in a circle.
        """
        found = [self._looking.container(each.id) for each in self._containers.all(scope) if not is_put_aside(each)]
        if not 1 <= len(found) <= ALL_MAX:
            hint = "Redeploy them one by one."
            raise Conflict(f"{len(found)} containers are not redeployed at once (1 to {ALL_MAX} are).", hint=hint)
        mine = {id_of(each) for each in found}
        others = [each for each in self._looking.everything() if id_of(each) not in mine]
        prepared = []
        for old in ordered(found):
            check(old, others=others)
            update = self._update(old, Redeploy(workload=name_of(old), pull=change.pull, reason=change.reason))
            self._demand_image(update)
            prepared.append((update, old))
        return tuple(prepared)

    def _update(self, old: Raw, change: SetImage | Redeploy | Restore) -> Update:
        policy, state = part(old, "HostConfig", "RestartPolicy"), part(old, "State")
        update = Update(
            id=secrets.token_hex(ID_BYTES),
            name=name_of(old),
            old=id_of(old),
            image="",
            pull=change.pull,
            ran=bool(state.get("Running") or state.get("Restarting")),
            policy="" if (name := str(policy.get("Name") or "")) in ALWAYS else name,
            retries=int(policy.get("MaximumRetryCount") or 0),
            reason=change.reason,
        )
        if isinstance(change, Restore):
            return self._restored(update, change)
        cause = "another image" if isinstance(change, SetImage) else "redeploy"
        return replace(update, image=_wanted(change, old), cause=cause)

    def _restored(self, update: Update, change: Restore) -> Update:
        """Give the update with the image of a revision: by its name where that still means it, else exactly it."""
        spec, cause = change.spec, f"back to revision {change.revision}"
        names = (spec.image, *_digests(spec))
        for name in (*names, spec.image_id):
            if (found := self._looking.image_if_there(name)) and id_of(found) == spec.image_id:
                return replace(update, image=name, exactly=spec.image_id, pull=False, cause=cause)
        if not change.pull:
            raise Conflict(
                f"The image of revision {change.revision} ({spec.image}) is no longer on the engine's host.",
                hint="Roll back with pull=true to look for it at its registry, or bring it there first.",
            )
        asked = next(iter(_digests(spec)), spec.image)
        if IS_ID.fullmatch(asked):
            hint = "Bring it to the host first, by docker load for example."
            raise Conflict(f"The image of revision {change.revision} has no name: it cannot be pulled.", hint=hint)
        return replace(update, image=asked, exactly=spec.image_id, pull=True, cause=cause)

    def _demand_image(self, update: Update) -> None:
        if not update.pull and self._looking.image_if_there(update.image) is None:
            hint = "Let it be pulled (pull=true), or bring it there first."
            raise Invalid(f"{update.image} is not on the engine's host.", hint=hint, field="image")


def _wanted(change: SetImage | Redeploy, old: Raw) -> str:
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


def _digests(spec: Spec) -> Sequence[str]:
    return [str(each) for each in opened(spec)[1].get("RepoDigests") or ()]


def _known(text: str) -> Reference | None:
    try:
        return reference(text)
    except Invalid:
        return None
