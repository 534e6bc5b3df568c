"""The images of a service's host: which there are, which tags have moved on, and the deletion of unused ones.

They are the host's, and other services run them, too: that is said before anything is deleted. While a container is
updated on the host nothing is: what it pulls belongs to no container yet.
"""

from __future__ import annotations

from contextlib import ExitStack

from opsmodal import actions
from opsmodal.access import Watch
from opsmodal.fleet import Fleet
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.facets import Facets
from opsmodal.operations.guards import Consent
from opsmodal.operations.previews import Preview, confirmation, previewed
from opsmodal.operations.task_rights import held as held_to_rights
from opsmodal.operations.tasks import CLEANUP, noted
from opsmodal.operations.upkeep_answers import Begun
from opsmodal.permissions import Actor
from opsmodal.tasks import Task, Tasks
from opsmodal.updates import UpdateJournal
from runtimes.base import Images, Runtime
from runtimes.errors import Conflict, Stale, Unsupported
from runtimes.images import HostImages, RegistryTag
from runtimes.planning import Plan
from runtimes.upkeep import Telling

IMAGES = "host images"
NAME_MAX_CHARS = 255


class ImageOperations:
    """Look after the images of the host that a service runs on."""

    def __init__(self, door: Door, fleet: Fleet, tasks: Tasks, journal: UpdateJournal, *, watch: Watch) -> None:
        self._door = door
        self._fleet = fleet
        self._facets = Facets(fleet, _images)
        self._tasks = tasks
        self._journal = journal
        self._watch = watch

    def list(self, actor: Actor, name: str) -> HostImages:
        """List the images of the service, and count those of others."""
        leave = self._door.enter(actor, actions.IMAGES_VIEW, name)
        return self._facets.kept(leave, IMAGES, lambda images, scope: images.list(scope)).value

    def may_change(self, actor: Actor, name: str) -> bool:
        """Tell whether this person has the buttons."""
        leave = self._door.enter(actor, actions.IMAGES_VIEW, name)
        return self._door.may(leave.permissions, actions.IMAGES_CLEAN)

    def tags(self, actor: Actor, name: str) -> tuple[RegistryTag, ...]:
        """Ask the registries what the tags of the service's containers mean there."""
        leave = self._door.enter(actor, actions.IMAGES_ASK, name)
        return self._facets.read(leave, lambda images, scope: images.tags(scope))

    def preview(self, actor: Actor, name: str, image: str) -> Preview:
        """Say which images would be deleted, and what that frees."""
        leave = self._door.enter(actor, actions.IMAGES_CLEAN, name, target=_target(image))
        return previewed(self._door, leave, self._planned(leave, image))

    def clean(self, actor: Actor, name: str, image: str, *, consent: Consent, revision: str) -> Begun:
        """Delete the unused images, or one; where `revision` is given, only if it is those that were looked at."""
        leave = self._door.enter(actor, actions.IMAGES_CLEAN, name, target=_target(image))
        scope = leave.service.scope()

        def run(tell: Telling) -> None:
            images.clean(scope, tell, image=image, revision=revision)

        def over(task: Task) -> None:
            note(task)
            self._fleet.forget(leave.service)

        with ExitStack() as mine:
            held = ExitStack()
            guard = confirmation(lambda: self._planned(leave, image))
            act = self._door.act(leave, target=_target(image), consent=consent, guards=(guard,))
            note = noted(held.enter_context(act))
            mine.push(held)  # the row is closed with what went wrong, unless the task has taken it over
            plan = self._planned(leave, image)  # what is refused is refused now, and not in a job that fails at once
            if revision and revision != plan.revision:
                raise Stale("Other images are unused than you looked at.", hint="Look at the list again.")
            images = self._facets.changing(leave)
            task = self._tasks.start(
                kind=CLEANUP,
                service=leave.place,
                person=leave.actor.name,
                run=held_to_rights(self._watch, leave, run, target=_target(image)),
                target=_target(image),
                held=held,
                ended=over,
            )
            mine.pop_all()
        return Begun(sentence="Images are being deleted.", task=task)

    def _planned(self, leave: Pass, image: str) -> Plan:
        if going := self._journal.going(leave.service.runtime):
            count = f"{len(going)} container{'s are' if len(going) > 1 else ' is'}"
            hint = "What an update pulls is used by nobody yet. Wait until it is over."
            raise Conflict(f"{count} being updated on this host.", hint=hint)
        return self._facets.read(leave, lambda images, scope: images.plan_cleanup(scope, image))


def _target(image: str) -> str:
    return image[:NAME_MAX_CHARS] or "unused images"


def _images(runtime: Runtime) -> Images:
    if runtime.images is None:
        hint = "Those of its nodes are cleaned from the Pods tab, under Scaling."
        raise Unsupported(f"{runtime.kind.capitalize()} has no single host whose images could be listed.", hint=hint)
    return runtime.images
