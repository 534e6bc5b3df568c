"""How a line of docker or podman is refused from deep inside its judging; the entries turn it into a verdict."""

from __future__ import annotations

from opsmodal.guard.engine.rules import HINTS
from opsmodal.guard.verdict import Verdict, refused


class NotAllowed(Exception):
    """The line does not run: by which rule, why, and a line to take over where there is one.

    `instead` is a word of the line and what may have been meant by it, for a line that is known only further up.
    """

    def __init__(
        self, rule: str, reason: str, *, hint: str = "", suggestion: str = "", instead: tuple[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.instead = instead
        self.verdict: Verdict = refused(rule, reason, hint=hint or HINTS.get(rule, ""), suggestion=suggestion)


def shown(text: str) -> str:
    """Give a word of somebody's line for a sentence: no longer than it helps."""
    return f"“{text if len(text) <= SHOWN_MAX_CHARS else text[:SHOWN_MAX_CHARS] + '…'}”"


SHOWN_MAX_CHARS = 80
"""Longer than names and flags are, shorter than a page is wide."""
