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

from connectors.errors import ConnectionProblem
from runtimes.base import Scope
from runtimes.engine.updates.course import Course
from runtimes.engine.updates.following import followed, uses
from runtimes.engine.updates.health import Running, standing
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.pair import Pair
from runtimes.engine.updates.pulling import Pulling
from runtimes.engine.updates.putback import EVERY_S, SILENT_MAX_S, PutBack
from runtimes.engine.updates.raw import Raw, id_of, name_of, part
from runtimes.engine.updates.same import lost
from runtimes.engine.updates.spec import request_of
from runtimes.engine.updates.specs import opened
from runtimes.errors import Conflict, RuntimeProblem, Unavailable
from runtimes.updates import Spec, Superseded, Update

log = logging.getLogger(__name__)

After = Callable[[Scope], object]
"""Lets what leads to the containers of a service (its domains) follow them; called at the end of each update."""


def no_more(_scope: Scope) -> None:
    """Let nothing follow."""


class Replacement:
    """One update that is carried on. Made anew for each try; safe in one thread only."""

    def __init__(
        self,
        looking: Looking,
        pulling: Pulling,
        course: Course,
        *,
        scope: Scope,
        spec: Spec | None = None,
        after: After = no_more,
    ) -> None:
        """`spec` has the settings of the new container, where they are not the old one's; `after` see `After`."""
        self._looking = looking
        self._pulling = pulling
        self._course = course
        self._spec = spec
        self._after = after
        self._pair = Pair(looking, course, scope)

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
        found = id_of(self._looking.image(self.update.image))
        if self.update.exactly not in ("", found):
            sentence = f"{self.update.image} is another image than the one of that revision."
            raise Conflict(sentence, hint="Bring that very image to the host, or set the image that you want.")
        self._course.note(image_id=found)

    def _create(self) -> None:
        self._course.at("creating", "The new container is made, while the old one runs.")
        update, (pattern, its_image) = self.update, self._pattern()
        wanted = request_of(pattern, its_image, wanted=update.image, several=self._looking.really == "podman")
        new = self._looking.make(update.made_as, wanted)
        self._course.note(new=new)
        made, image = self._looking.container(new), self._looking.image(update.image_id)
        if made.get("Image") != update.image_id:
            raise Conflict(f"{update.image} came to mean another image meanwhile.", hint="Try again.")
        if missing := lost(pattern, its_image, made, image, really=self._looking.really):
            raise Conflict(
                f"The engine would not keep {', '.join(missing)} of {update.name}.",
                hint="Replace it by hand, with what made it.",
            )

    def _pattern(self) -> tuple[Raw, Raw]:
        """Give the container whose settings the new one gets, and that one's image."""
        old = self._pair.old()
        pattern, image = opened(self._spec) if self._spec else (old, self._pair.image_of(old))
        return followed(pattern, self._looking.found), image

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
        self._course.quietly(self._and_after(f"{self.update.name} runs {self.update.image}."), "done")

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
        """Remove the one that the update before kept, by its id, and what was kept only because it used that."""
        before = self._looking.found(self.update.before) if self.update.before else None
        if before is None or not self._pair.is_aside(before, self.update.name):
            return
        with contextlib.suppress(Conflict):  # podman removes none that others were made to use: it goes with the last
            self._looking.remove(id_of(before))
            for word in uses(before):
                if (used := self._looking.found(word)) is not None and self._pair.is_aside(used):
                    self._looking.remove(id_of(used))

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
        self._course.quietly(self._and_after(stands), "failed")
        self._course.write()

    def _and_after(self, sentence: str) -> str:
        """Let what leads to the container follow it; say what that failed with. It never undoes an update."""
        try:
            self._after(self._pair.scope)
        except (RuntimeProblem, ConnectionProblem) as problem:
            return f"{sentence} What leads there could not follow it: {problem.sentence}"
        except Exception:
            log.exception("what leads to a container could not follow its update")
            return f"{sentence} What leads there could not follow it: see the server's log."
        return sentence

    def _await_engine(self, silence: Unavailable) -> None:
        """Wait until the engine answers again. Raise what it last said when it stays silent."""
        give_up = monotonic() + SILENT_MAX_S
        while True:
            try:
                self._looking.ping()
                return
            except RuntimeProblem:
                if monotonic() > give_up:
                    raise silence from None
                self._course.quietly(f"Waiting for the engine: {silence.sentence}", "running")
                time.sleep(EVERY_S)
