"""All suggestions of a home, and the texts of the files that one of them names."""

from __future__ import annotations

from pathlib import Path

from opsmodal.contexts.docker import contexts
from opsmodal.contexts.podman import connections
from opsmodal.contexts.reading import Unreadable, read_text, shown_path
from opsmodal.contexts.suggestion import Suggestion


def suggestions(home: Path) -> tuple[Suggestion, ...]:
    """Give what was found in a home, Docker's first."""
    return (*contexts(home), *connections(home))


def texts_of(suggestion: Suggestion, *, home: Path) -> dict[str, str]:
    """Read the files of a suggestion, by field. Raise Unreadable for one that is gone or may not be read."""
    texts: dict[str, str] = {}
    for field, name in suggestion.files.items():
        text = read_text(Path(name), home=home)
        if text is None:
            raise Unreadable(f"{shown_path(Path(name), home=home)} is not there.")
        texts[field] = text
    return texts
