"""Ways to engines that the server's own user has already: offered to administrators who register a runtime."""

from __future__ import annotations

from pathlib import Path

from opsmodal import actions
from opsmodal.contexts import Suggestion, suggestions, texts_of
from opsmodal.contexts.reading import Unreadable
from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.operations.door import Door
from opsmodal.permissions import Actor


class Contexts:
    """Read what was found in the home of the user that runs the server."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def list(self, actor: Actor) -> tuple[Suggestion, ...]:
        """List Docker contexts and Podman connections, those that are broken as well. Secrets are not read."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        home = _home()
        return suggestions(home) if home else ()

    def one(self, actor: Actor, wanted: str) -> Suggestion:
        """Read one by its id. Raise NotThere."""
        found = next((each for each in self.list(actor) if each.id == wanted), None)
        if found is None:
            raise NotThere("There is no such suggestion any more.", hint="Look at the list again.")
        return found

    def texts(self, actor: Actor, wanted: str) -> dict[str, str]:
        """Read the files of one that is taken over, by field. Raise NotThere, Rejected."""
        self._door.administer(actor, actions.REGISTRY_CHANGE, f"suggestion {wanted[:80]}")
        found, home = self.one(actor, wanted), _home()
        try:
            return texts_of(found, home=home) if home else {}
        except Unreadable as problem:
            told = [Problem(field=next(iter(found.files), ""), sentence=str(problem))]
            raise Rejected("The suggestion cannot be taken over.", told, hint="Give the file in the form.") from problem


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home has no contexts
        return None
