"""A word of a command: what the program gets, and whether any of it was quoted where it was typed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One argument. `quoted`: quotes or a backslash stood in it, so that what looks like a sign was meant as text."""

    text: str
    quoted: bool = False
