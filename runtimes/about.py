"""What a runtime says of itself. Part of `runtimes.base`, which is where to import it from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What answered when the runtime was opened: program, version, and whether opsmodal itself simulates it."""

    program: str
    version: str
    detail: tuple[tuple[str, str], ...] = ()
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that does not work with the identity that a runtime was opened with, and what to do about it."""

    sentence: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a runtime keeps live: collections, items in them, how often they were listed, the age of the oldest."""

    collections: int = 0
    items: int = 0
    lists: int = 0
    oldest_s: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        """Add up two."""
        return Counts(
            collections=self.collections + other.collections,
            items=self.items + other.items,
            lists=self.lists + other.lists,
            oldest_s=max(self.oldest_s, other.oldest_s),
        )
