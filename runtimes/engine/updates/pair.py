"""The two containers of an update, each time read anew and held against the scope: the old one, and the one made."""

from __future__ import annotations

from runtimes.base import Scope
from runtimes.engine import scope as wall
from runtimes.engine.aside import KEPT
from runtimes.engine.updates.course import Course
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.raw import Raw, id_of, labels_of, name_of, part
from runtimes.errors import Conflict, Missing


class Pair:
    """The containers that one update is about."""

    def __init__(self, looking: Looking, course: Course, scope: Scope) -> None:
        self._looking = looking
        self._course = course
        self.scope = scope

    def old(self) -> Raw:
        """Read the container that is replaced. Raise Missing where it is not the service's own any more."""
        update = self._course.update
        found = self._looking.container(update.old)
        if name_of(found) not in (update.name, update.kept_as) or not self.owns(found):
            raise wall.missing(update.name, service=self.scope.service)
        return found

    def new(self) -> Raw | None:
        """Read the one that was made; None where there is none, or none any more."""
        new = self._course.update.new
        return self._looking.found(new) if new else None

    def made(self) -> str:
        """Find the new container where its id was not written down any more: nobody else makes one of that name."""
        made = self._looking.found(self._course.update.made_as)
        return id_of(made) if made is not None and self.owns(made) else ""

    def owns(self, container: Raw) -> bool:
        """Hold a container against the scope under the name that it is to have."""
        return wall.owns(self.scope, name=self._course.update.name, labels=labels_of(container))

    def is_aside(self, container: Raw, name: str = "") -> bool:
        """Tell whether a container is the service's own, and stands where an update (of `name`) has put it aside."""
        kept = KEPT.fullmatch(name_of(container))
        if kept is None or part(container, "State").get("Running") or (name and kept["name"] != name):
            return False
        return wall.owns(self.scope, name=kept["name"], labels=labels_of(container))

    def rename(self, container: str, name: str) -> None:
        """Give a container a name, unless it has it."""
        if name_of(self._looking.container(container)) != name:
            self._looking.rename(container, name)

    def silence_old(self) -> None:
        """Stop the old container where it runs: an engine that was started meanwhile may have started it too."""
        if part(self.old(), "State").get("Running"):
            self._looking.stop(self._course.update.old)

    def image_of(self, container: Raw) -> Raw:
        """Read the image that a container runs. Raise Conflict where that is gone."""
        try:
            return self._looking.image(str(container.get("Image")))
        except Missing as problem:
            name = self._course.update.name
            sentence = f"The image that {name} runs is gone: nobody can tell its settings from the image's."
            raise Conflict(sentence, hint="Replace it by hand, with what made it.") from problem
