"""Puts the old container back and starts it, whatever stage an update came to. Each part of it may be done twice."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from time import monotonic

from runtimes.engine.answers import moment
from runtimes.engine.updates.course import Course
from runtimes.engine.updates.following import followed, is_stranded, shared
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.pair import Pair
from runtimes.engine.updates.raw import Raw, id_of, name_of, part
from runtimes.engine.updates.spec import request_of
from runtimes.errors import Conflict, Missing, RuntimeProblem
from runtimes.updates import Update

SILENT_MAX_S = 120.0
"""How long an engine may be silent in the middle of an update before it is left to whoever finds it later."""
EVERY_S = 0.5


class PutBack:
    """The way back of one update."""

    def __init__(self, looking: Looking, course: Course, pair: Pair) -> None:
        self._looking = looking
        self._course = course
        self._pair = pair

    def undo(self, why: str) -> str:
        """Put the old container back and start it; say why and how it stands then, and leave the telling to others."""
        self._note(why)
        give_up = monotonic() + SILENT_MAX_S
        while True:
            try:
                stands = self._put_back()
                break
            except RuntimeProblem as problem:  # the engine may be on its way up, or a port be given back
                if monotonic() > give_up:
                    raise
                self._course.quietly(f"Trying again: {problem.sentence}", "running")
                time.sleep(EVERY_S)
        self._course.note(stage="over")
        return f"{why.rstrip('.')}. {stands}"

    def _note(self, why: str) -> None:
        """Write down that it is undone."""
        was = self._course.update.stage
        self._course.note(stage="undoing", why=why)
        if was == "undoing":
            return
        self._course.quietly(f"{why.rstrip('.')}. The old container is put back.", "running")
        self._course.write_if_possible("the undoing")

    def _put_back(self) -> str:
        """Do it, and say how it stands then."""
        update = self._course.update
        try:
            old = self._pair.old()
        except Missing:
            return self._keep_new()
        self._remove_new()
        if is_stranded(old, self._looking.found):
            return self._make_again(old)
        name = self._name_back(old)
        if update.policy:
            self._looking.set_policy(update.old, update.policy, update.retries)
        if not update.ran:
            return f"{name} is as it was before, and not running, as before."
        if self._has_lost_its_namespaces(old):
            self._looking.stop(update.old)
            old = self._pair.old()
        if not part(old, "State").get("Running"):
            self._looking.start(update.old)
        return f"{name} is as it was before, and runs."

    def _has_lost_its_namespaces(self, old: Raw) -> bool:
        """Tell whether the container whose namespaces it lives in was started later: it lives in dead ones then."""
        if not part(old, "State").get("Running"):
            return False
        used = [each for word in shared(old) if (each := self._looking.found(word)) is not None]
        return any(_began(each) > _began(old) for each in used if part(each, "State").get("Running"))

    def _make_again(self, old: Raw) -> str:
        """Make one with the old settings and image, since the old one cannot start any more.

        It lives in the namespaces of a container that was replaced meanwhile, and is made to live in its successor's.
        """
        update = self._course.update
        if part(old, "State").get("Running"):
            self._looking.stop(update.old)
        self._pair.rename(update.old, update.kept_as)
        pattern, image = followed(_with_policy(old, update), self._looking.found), self._pair.image_of(old)
        said = str(part(old, "Config").get("Image"))
        wanted = said if (here := self._looking.image_if_there(said)) and here.get("Id") == image.get("Id") else ""
        request = request_of(pattern, image, wanted=wanted or id_of(image), several=self._looking.really == "podman")
        if update.policy:
            self._looking.set_policy(update.old, "no")
        self._course.note(new=self._looking.make(update.made_as, request))
        self._course.write_if_possible("the one made again")
        self._looking.rename(self._course.update.new, update.name)
        if update.ran:
            self._looking.start(self._course.update.new)
        return f"{update.name} has its settings of before, and uses what was replaced meanwhile."

    def _remove_new(self) -> None:
        update = self._course.update
        for each in sorted({update.new, self._pair.made()} - {"", update.old}):
            if (new := self._looking.found(each)) is not None:
                if part(new, "State").get("Running"):
                    self._looking.stop(each)
                self._looking.remove(each)

    def _name_back(self, old: Raw) -> str:
        """Give the old container its name; where somebody else took it meanwhile, it runs under the other one."""
        update = self._course.update
        if name_of(old) == update.name:
            return update.name
        try:
            self._looking.rename(update.old, update.name)
        except Conflict:
            return f"{update.kept_as} (another container took the name {update.name})"
        return update.name

    def _keep_new(self) -> str:
        """Let the new container run where somebody removed the old one meanwhile."""
        update, new = self._course.update, self._pair.new()
        if new is None or not self._pair.owns(new):
            return "Somebody removed the old container meanwhile: none is left. Make it again with what made it."
        with contextlib.suppress(Conflict):
            self._pair.rename(update.new, update.name)
        self._looking.start(update.new)
        return "Somebody removed the old container meanwhile, so the new one runs."


def _with_policy(old: Raw, update: Update) -> Raw:
    """Give the old container with the restart policy that it had, which may be switched off by now."""
    if not update.policy:
        return old
    policy = {"Name": update.policy, "MaximumRetryCount": update.retries}
    return {**old, "HostConfig": {**part(old, "HostConfig"), "RestartPolicy": policy}}


def _began(container: Raw) -> datetime:
    return moment(str(part(container, "State").get("StartedAt") or "")) or datetime.min.replace(tzinfo=UTC)
