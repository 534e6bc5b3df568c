"""The versions of ConfigMaps and Secrets: what opsmodal kept of each, how it differs from now, and putting it back.

A version is never shown by its values: how it differs is the plan of its restoration, which tells none of a Secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsmodal import actions
from opsmodal.operations.config_answers import KINDS, ConfigDone
from opsmodal.operations.config_objects import ConfigObjects, Target, demand_revision, place_of
from opsmodal.operations.door import Pass
from opsmodal.operations.guards import Consent
from opsmodal.operations.previews import Preview, previewed
from opsmodal.permissions import Actor
from opsmodal.versions import Version
from runtimes.config import ConfigChange, ConfigContent
from runtimes.errors import Conflict, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version without its values: how it came, by whom and why."""

    id: str
    at: datetime
    person: str
    action: str
    reason: str
    type: str
    keys: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsAnswer:
    """The versions of one, newest first. `exists`: it is there now."""

    holder: str
    kind: str
    name: str
    exists: bool
    revision: str
    items: tuple[VersionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedRow:
    """One that was deleted by opsmodal and can be restored."""

    holder: str
    kind: str
    name: str
    at: datetime
    person: str


class ConfigPast:
    """List and restore versions."""

    def __init__(self, objects: ConfigObjects) -> None:
        self._objects = objects
        self._door = objects.door
        self._versions = objects.versions

    def deleted(self, actor: Actor, name: str) -> tuple[DeletedRow, ...]:
        """List what was deleted by opsmodal in the namespace and can be restored."""
        leave = self._door.enter(actor, actions.CONFIG_VIEW, name)
        found = self._versions.deleted(leave.service.runtime, leave.service.namespace)
        return tuple(_deleted_row(version) for version in found)

    def versions(self, actor: Actor, name: str, target: Target) -> VersionsAnswer:
        """List the versions that opsmodal has kept of one, also of one that was deleted."""
        leave = self._door.enter(actor, actions.CONFIG_VIEW, name, target=target.recorded)
        content = self._objects.content_or_none(leave, target)
        items = tuple(_version_row(version) for version in self._versions.list(place_of(leave, target)))
        if content is None and not items:
            raise Missing(f"{KINDS[target.holder]} {target.name[:100]} does not exist (any more).")
        revision = content.about.revision if content else ""
        return VersionsAnswer(
            holder=target.holder,
            kind=KINDS[target.holder],
            name=target.name,
            exists=content is not None,
            revision=revision,
            items=items,
        )

    def plan_restore(self, actor: Actor, name: str, target: Target, version: str) -> Preview:
        """Say what restoring a version would do: how it differs from what there is now."""
        leave = self._door.enter(actor, actions.CONFIG_RESTORE, name, target=target.recorded)
        change, _ = self._restoring(leave, target, version)
        return previewed(self._door, leave, self._objects.plan(leave, change))

    def restore(
        self, actor: Actor, name: str, target: Target, version: str, *, revision: str, consent: Consent
    ) -> ConfigDone:
        """Put a version in the place of what there is now. Raise Stale when that is no longer at `revision`."""
        leave = self._door.enter(actor, actions.CONFIG_RESTORE, name, target=target.recorded)
        change, content = self._restoring(leave, target, version)
        if content is not None:
            demand_revision(target, content, revision)
        return self._objects.save(leave, target, change, content, "restored", consent)

    def _restoring(self, leave: Pass, target: Target, version: str) -> tuple[ConfigChange, ConfigContent | None]:
        """Read a version as a change of what there is. Raise Conflict for a Secret that is of another type by now."""
        content = self._objects.content_or_none(leave, target)
        _, kept = self._versions.get(place_of(leave, target), version)
        if content is not None and content.about.type != kept.type:
            what = f"{KINDS[target.holder]} {target.name}"
            sentence = f"{what} is of the type {content.about.type} now, and this version is of {kept.type}."
            raise Conflict(sentence, hint="Delete it first: a Secret keeps the type that it was made with.")
        revision = content.about.revision if content else ""
        change = ConfigChange(
            holder=target.holder, name=target.name, values=kept.values, revision=revision, type=kept.type
        )
        return change, content


def _version_row(version: Version) -> VersionRow:
    return VersionRow(
        id=version.id,
        at=version.at,
        person=version.person,
        action=version.action,
        reason=version.reason,
        type=version.type,
        keys=version.keys,
        size_bytes=version.size_bytes,
    )


def _deleted_row(version: Version) -> DeletedRow:
    return DeletedRow(
        holder=version.holder, kind=KINDS[version.holder], name=version.name, at=version.at, person=version.person
    )
