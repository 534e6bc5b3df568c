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
