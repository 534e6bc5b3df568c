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
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Literal

from runtimes.base import Scope
from runtimes.engine import scope as wall
from runtimes.engine.updates.health import Running, standing
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.pulling import Pulling
from runtimes.engine.updates.raw import Raw, id_of, labels_of, name_of, part
from runtimes.engine.updates.same import lost
from runtimes.engine.updates.spec import request_of
from runtimes.errors import Conflict, Missing, RuntimeProblem, Unavailable
from runtimes.planning import Progress, Step
from runtimes.updates import Save, Stage, Superseded, Telling, Update

log = logging.getLogger(__name__)

SILENT_MAX_S = 120.0
"""How long an engine may be silent in the middle of an update before it is left to whoever finds it later."""
EVERY_S = 0.5
STAGES: tuple[tuple[Stage, str], ...] = (
    ("pulling", "Image"),
    ("creating", "New container"),
    ("stopping", "Stop the old one"),
    ("swapping", "Change places"),
    ("starting", "Start the new one"),
    ("watching", "See that it runs"),
    ("tidying", "Keep the old one aside"),
)
State = Literal["running", "done", "failed"]


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
        self._scope = scope
        self._save = save
        self._tell = tell
        self._ping = ping
        self._layers: tuple[Step, ...] = ()
        self.update = update

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
        self._at("stopping", f"Stopping {self.update.name}.")
        self._looking.stop(self.update.old)
        self._at("swapping", "The old container is put aside.")
        self._swap()
        self._at("starting", "The new container is started.")
        self._silence_old()
        self._looking.start(self.update.new)
        self._finish()

    def _pull(self) -> None:
        self._at("pulling", f"Looking for {self.update.image}.")
        if self.update.pull:
            self._pulling.pull(self.update.image, self._pulled)
        image = self._looking.image(self.update.image)
        self.update = replace(self.update, image_id=id_of(image))

    def _pulled(self, sentence: str, layers: tuple[Step, ...]) -> None:
        self._layers = layers
        self._tell(self._progress(sentence))

    def _create(self) -> None:
        self._at("creating", "A container with the same settings is made.")
        old, update = self._old(), self.update
        old_image = self._image_of(old)
        wanted = request_of(old, old_image, wanted=update.image, several=self._looking.really == "podman")
        new = self._looking.make(update.made_as, wanted)
        self.update = replace(update, new=new)
        made, image = self._looking.container(new), self._looking.image(update.image_id)
        if made.get("Image") != update.image_id:
            raise Conflict(f"{update.image} came to mean another image meanwhile.", hint="Try again.")
        if missing := lost(old, old_image, made, image, really=self._looking.really):
            raise Conflict(
                f"The engine would not keep {', '.join(missing)} of {update.name}.",
                hint="Replace it by hand, with what made it.",
            )

    def _swap(self) -> None:
        update = self.update
        self._rename(update.old, update.kept_as)
        self._rename(update.new, update.name)

    def _finish(self) -> None:
        self._at("watching", f"Waiting until {self.update.name} has shown that it runs.")
        if self.update.policy:  # two containers that both start by themselves would fight for their ports
            self._looking.set_policy(self.update.old, "no")
        self._silence_old()
        self._watch()
        try:
            self._at("tidying", "It runs. The old container is kept aside.")
            self._tidy()
            self._at("over", "")
        except Superseded:
            raise
        except Exception:  # it runs: whatever is left is done by whoever finds the update
            log.exception("an update was not tidied up after")
        self._quietly(f"{self.update.name} runs {self.update.image}.", "done")

    def _silence_old(self) -> None:
        """Stop the old container where an engine that was started meanwhile has started it too."""
        if part(self._old(), "State").get("Running"):
            self._looking.stop(self.update.old)

    def _watch(self) -> None:
        watched = Running(stays_up_s=self.update.stays_up_s)
        while True:
            if self._looking.really == "podman" and watched.is_check_due(monotonic()):
                with contextlib.suppress(RuntimeProblem):
                    self._looking.check_health(self.update.new)
            stands = standing(self._looking.container(self.update.new), watched, monotonic())
            self._tell(self._progress(stands.sentence))
            if stands.runs:
                return
            time.sleep(EVERY_S)

    def _tidy(self) -> None:
        """Remove the one that the update before kept, by its id, where it still is that and stopped."""
        before = self._looking.found(self.update.before) if self.update.before else None
        if before is None or part(before, "State").get("Running"):
            return
        if name_of(before).startswith(f"{self.update.name}-before-") and self._owns(before):
            self._looking.remove(id_of(before))

    def _decide(self, why: str) -> None:
        """Go by what is there: on where the new container has taken over and runs, back otherwise."""
        update = self.update
        if update.stage == "over":
            return
        new = self._looking.found(update.new) if update.new else None
        took_over = new is not None and name_of(new) == update.name and bool(part(new, "State").get("Running"))
        if not took_over or update.stage == "undoing":
            self._undo(update.why or why)
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
        self._note_undoing(why)
        give_up = monotonic() + SILENT_MAX_S
        while True:
            try:
                stands = self._put_back()
                break
            except RuntimeProblem as problem:  # the engine may be on its way up, or a port be given back
                if monotonic() > give_up:
                    raise
                self._quietly(f"Trying again: {problem.sentence}", "running")
                time.sleep(EVERY_S)
        self.update = replace(self.update, stage="over")
        self._quietly(f"{why.rstrip('.')}. {stands}", "failed")
        self._save(self.update)

    def _note_undoing(self, why: str) -> None:
        """Write down that it is undone; a store that does not take it must not keep the service down."""
        was, self.update = self.update.stage, replace(self.update, stage="undoing", why=why)
        if was == "undoing":
            return
        self._quietly(f"{why.rstrip('.')}. The old container is put back.", "running")
        try:
            self._save(self.update)
        except Superseded:
            raise
        except Exception:
            log.exception("the undoing of an update was not written down")

    def _put_back(self) -> str:
        """Do it, and say how it stands then."""
        update = self.update
        try:
            old = self._old()
        except Missing:
            return self._keep_new()
        for each in sorted({update.new, self._made()} - {"", update.old}):
            if (new := self._looking.found(each)) is not None:
                if part(new, "State").get("Running"):
                    self._looking.stop(each)
                self._looking.remove(each)
        name = self._name_back(old)
        if update.policy:
            self._looking.set_policy(update.old, update.policy, update.retries)
        if not update.ran:
            return f"{name} is as it was before, and not running, as before."
        if not part(old, "State").get("Running"):
            self._looking.start(update.old)
        return f"{name} is as it was before, and runs."

    def _name_back(self, old: Raw) -> str:
        """Give the old container its name; where somebody else took it meanwhile, it runs under the other one."""
        if name_of(old) == self.update.name:
            return self.update.name
        try:
            self._looking.rename(self.update.old, self.update.name)
        except Conflict:
            return f"{self.update.kept_as} (another container took the name {self.update.name})"
        return self.update.name

    def _keep_new(self) -> str:
        """Let the new container run where somebody removed the old one meanwhile."""
        new = self._looking.found(self.update.new) if self.update.new else None
        if new is None or not self._owns(new):
            return "Somebody removed the old container meanwhile: none is left. Make it again with what made it."
        with contextlib.suppress(Conflict):
            self._rename(self.update.new, self.update.name)
        self._looking.start(self.update.new)
        return "Somebody removed the old container meanwhile, so the new one runs."

    def _made(self) -> str:
        """Find the new container where its id was not written down any more: nobody else makes one of that name."""
        made = self._looking.found(self.update.made_as)
        return id_of(made) if made is not None and self._owns(made) else ""

    def _old(self) -> Raw:
        """Read the container that is replaced. Raise Missing where it is not the service's own any more."""
        found = self._looking.container(self.update.old)
        if name_of(found) not in (self.update.name, self.update.kept_as) or not self._owns(found):
            raise wall.missing(self.update.name, service=self._scope.service)
        return found

    def _owns(self, container: Raw) -> bool:
        """Hold a container against the scope under the name that it is to have."""
        return wall.owns(self._scope, name=self.update.name, labels=labels_of(container))

    def _rename(self, container: str, name: str) -> None:
        if name_of(self._looking.container(container)) != name:
            self._looking.rename(container, name)

    def _image_of(self, container: Raw) -> Raw:
        try:
            return self._looking.image(str(container.get("Image")))
        except Missing as problem:
            sentence = f"The image that {self.update.name} runs is gone: nobody can tell its settings from the image's."
            raise Conflict(sentence, hint="Replace it by hand, with what made it.") from problem

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
                self._quietly(f"Waiting for the engine: {silence.sentence}", "running")
                time.sleep(EVERY_S)

    def _at(self, stage: Stage, sentence: str) -> None:
        """Write down which step comes, then tell it. Nothing of the step has been done yet."""
        self.update = replace(self.update, stage=stage)
        self._save(self.update)
        if sentence:
            self._tell(self._progress(sentence))

    def _quietly(self, sentence: str, state: State) -> None:
        """Tell it to whoever listens; who wants it to end is heard no more."""
        with contextlib.suppress(Exception):
            self._tell(self._progress(sentence, state))

    def _progress(self, sentence: str, state: State = "running") -> Progress:
        hint = "Look at what it said in its logs, mend that, and update it again." if state == "failed" else ""
        steps = steps_of(self.update, failed=state == "failed" or self.update.stage == "undoing")
        return Progress(state=state, sentence=sentence, hint=hint, steps=(*self._layers, *steps))


def steps_of(update: Update, *, failed: bool) -> Sequence[Step]:
    """Give the steps of an update as they stand."""
    if failed:
        return (Step(name="Put the old one back", state="done" if update.stage == "over" else "running"),)
    names = [stage for stage, _ in STAGES]
    at = names.index(update.stage) if update.stage in names else len(names)
    return tuple(
        Step(name=words, state="done" if place < at else "running" if place == at else "waiting")
        for place, (_, words) in enumerate(STAGES)
    )
