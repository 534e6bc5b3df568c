"""Where one update stands: written down before each step, and told to whoever listens."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from runtimes.planning import Progress, Step
from runtimes.updates import Save, Stage, Superseded, Telling, Update

log = logging.getLogger(__name__)

STAGES: tuple[tuple[Stage, str], ...] = (
    ("pulling", "Image"),
    ("creating", "New container"),
    ("stopping", "Stop the old one"),
    ("swapping", "Change places"),
    ("starting", "Start the new one"),
    ("watching", "See that it runs"),
    ("tidying", "Keep the old one aside"),
)
FAILED_HINT = "Look at what it said in its logs, mend that, and update it again."
State = Literal["running", "done", "failed"]


class Course:
    """The course of one update. `update` is as far as it has come; what changes it is written by `at`."""

    def __init__(self, update: Update, *, save: Save, tell: Telling) -> None:
        self.update = update
        self._save = save
        self._tell = tell
        self._layers: tuple[Step, ...] = ()

    def note(self, **values: Any) -> None:
        """Change what is known of the update; it is written with the next step."""
        self.update = replace(self.update, **values)

    def at(self, stage: Stage, sentence: str) -> None:
        """Write down which step comes, then tell it. Nothing of the step has been done yet."""
        self.note(stage=stage)
        self.write()
        if sentence:
            self.tell(sentence)

    def write(self) -> None:
        """Write down how far it is. Raise Superseded, and whatever the store raises."""
        self._save(self.update)

    def write_if_possible(self, what: str) -> None:
        """Write it down; a store that does not take it must not keep the service down. Raise Superseded."""
        try:
            self.write()
        except Superseded:
            raise
        except Exception:
            log.exception("%s of an update was not written down", what)

    def tell(self, sentence: str) -> None:
        """Tell it. Raise what the listener raises to end it."""
        self._tell(self._progress(sentence, "running"))

    def quietly(self, sentence: str, state: State) -> None:
        """Tell it to whoever listens; who wants it to end is heard no more."""
        with contextlib.suppress(Exception):
            self._tell(self._progress(sentence, state))

    def pulled(self, sentence: str, layers: tuple[Step, ...]) -> None:
        """Tell of the layers of an image, which are shown before the steps from then on."""
        self._layers = layers
        self.tell(sentence)

    def _progress(self, sentence: str, state: State) -> Progress:
        hint = FAILED_HINT if state == "failed" else ""
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
