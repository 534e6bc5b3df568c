"""Carries one update from any stage to its end: the new container runs, or the old one does, and never none.

The new one is made while the old one runs, compared with it, and only then they change places. Whatever goes wrong
after the old one was stopped puts it back and starts it. What was on its way when the engine or this program went away
is decided by what is there afterwards (`carry_on`), never by what was last written: a step may or may not have been
done. Every step may therefore be done twice.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from time import monotonic

from runtimes.base import Scope
from runtimes.engine.updates.course import Course
from runtimes.engine.updates.health import Running, standing
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.pair import Pair
from runtimes.engine.updates.pulling import Pulling
from runtimes.engine.updates.putback import EVERY_S, SILENT_MAX_S, PutBack
from runtimes.engine.updates.raw import id_of, name_of, part
from runtimes.engine.updates.same import lost
from runtimes.engine.updates.spec import request_of
from runtimes.errors import Conflict, RuntimeProblem, Unavailable
from runtimes.updates import Save, Superseded, Telling, Update

log = logging.getLogger(__name__)


class Replacement:
    """One update that is carried on. Made anew for each try; safe in one thread only."""

    def __init__(
        self,
        looking: Looking,
        pulling: Pulling,
        *,
        scope: Scope,
        update: Update,
        save: Save,
        tell: Telling,
        ping: Callable[[], None],
    ) -> None:
        self._looking = looking
        self._pulling = pulling
        self._ping = ping
        self._course = Course(update, save=save, tell=tell)
        self._pair = Pair(looking, self._course, scope)

    @property
    def update(self) -> Update:
        """The update as far as it has come."""
        return self._course.update

    def run(self) -> Update:
        """Do what is left; see `runtimes.updates.Updates.carry_on`."""
        try:
            self._forward()
        except Superseded:
            raise
        except Unavailable as silence:
            self._await_engine(silence)
            self._decide(silence.sentence)
        except RuntimeProblem as problem:
            self._undo(problem.sentence)
        except BaseException as stopped:  # whatever ends this thread's work: the service comes first
            self._undo(getattr(stopped, "sentence", "It was stopped."))
            raise
        return self.update

    def resume(self) -> Update:
        """Find out how far an update is that nobody carries on any more, and finish or undo it."""
        try:
            self._decide("The opsmodal process or the engine ended in the middle of it.")
        except Unavailable as silence:
            self._await_engine(silence)
            self._decide(silence.sentence)
        return self.update

    def _forward(self) -> None:
        self._pull()
        self._create()
        self._course.at("stopping", f"Stopping {self.update.name}.")
        self._looking.stop(self.update.old)
        self._course.at("swapping", "The old container is put aside.")
        self._pair.rename(self.update.old, self.update.kept_as)
        self._pair.rename(self.update.new, self.update.name)
        self._course.at("starting", "The new container is started.")
        self._pair.silence_old()
        self._looking.start(self.update.new)
        self._finish()

    def _pull(self) -> None:
        self._course.at("pulling", f"Looking for {self.update.image}.")
        if self.update.pull:
            self._pulling.pull(self.update.image, self._course.pulled)
        self._course.note(image_id=id_of(self._looking.image(self.update.image)))

    def _create(self) -> None:
        self._course.at("creating", "A container with the same settings is made.")
        old, update = self._pair.old(), self.update
        old_image = self._pair.image_of(old)
        wanted = request_of(old, old_image, wanted=update.image, several=self._looking.really == "podman")
        new = self._looking.make(update.made_as, wanted)
        self._course.note(new=new)
        made, image = self._looking.container(new), self._looking.image(update.image_id)
        if made.get("Image") != update.image_id:
            raise Conflict(f"{update.image} came to mean another image meanwhile.", hint="Try again.")
        if missing := lost(old, old_image, made, image, really=self._looking.really):
            raise Conflict(
                f"The engine would not keep {', '.join(missing)} of {update.name}.",
                hint="Replace it by hand, with what made it.",
            )

    def _finish(self) -> None:
        self._course.at("watching", f"Waiting until {self.update.name} has shown that it runs.")
        if self.update.policy:  # two containers that both start by themselves would fight for their ports
            self._looking.set_policy(self.update.old, "no")
        self._pair.silence_old()
        self._watch()
        try:
            self._course.at("tidying", "It runs. The old container is kept aside.")
            self._tidy()
            self._course.at("over", "")
        except Superseded:
            raise
        except Exception:  # it runs: whatever is left is done by whoever finds the update
            log.exception("an update was not tidied up after")
        self._course.quietly(f"{self.update.name} runs {self.update.image}.", "done")

    def _watch(self) -> None:
        watched = Running(stays_up_s=self.update.stays_up_s)
        while True:
            if self._looking.really == "podman" and watched.is_check_due(monotonic()):
                with contextlib.suppress(RuntimeProblem):
                    self._looking.check_health(self.update.new)
            stands = standing(self._looking.container(self.update.new), watched, monotonic())
            self._course.tell(stands.sentence)
            if stands.runs:
                return
            time.sleep(EVERY_S)

    def _tidy(self) -> None:
        """Remove the one that the update before kept, by its id, where it still is that and stopped."""
        before = self._looking.found(self.update.before) if self.update.before else None
        if before is None or part(before, "State").get("Running"):
            return
        if name_of(before).startswith(f"{self.update.name}-before-") and self._pair.owns(before):
            self._looking.remove(id_of(before))

    def _decide(self, why: str) -> None:
        """Go by what is there: on where the new container has taken over and runs, back otherwise."""
        if self.update.stage == "over":
            return
        new = self._pair.new()
        took_over = new is not None and name_of(new) == self.update.name and bool(part(new, "State").get("Running"))
        if not took_over or self.update.stage == "undoing":
            self._undo(self.update.why or why)
            return
        try:
            self._finish()
        except Superseded:
            raise
        except RuntimeProblem as problem:
            self._undo(problem.sentence)
        except BaseException as stopped:
            self._undo(getattr(stopped, "sentence", "It was stopped."))
            raise

    def _undo(self, why: str) -> None:
        """Put the old container back and start it, and tell why."""
        stands = PutBack(self._looking, self._course, self._pair).undo(why)
        self._course.quietly(stands, "failed")
        self._course.write()

    def _await_engine(self, silence: Unavailable) -> None:
        """Wait until the engine answers again. Raise what it last said when it stays silent."""
        give_up = monotonic() + SILENT_MAX_S
        while True:
            try:
                self._ping()
                return
            except RuntimeProblem:
                if monotonic() > give_up:
                    raise silence from None
                self._course.quietly(f"Waiting for the engine: {silence.sentence}", "running")
                time.sleep(EVERY_S)
