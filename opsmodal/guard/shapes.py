"""Matches a line with the runbooks of a runtime: word for word, with parameters that fit their patterns.

A runbook is what an administrator decided may run on the host. Nothing of a line gets into one but whole words that
match a pattern from the first character to the last, and no such word may begin with a dash: it would be a flag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opsmodal.guard.verdict import Decision, Target, Verdict, Where
from opsmodal.guard.words import Word
from opsmodal.guard.world import Shape

_PARAMETER = re.compile(r"\{([A-Za-z][A-Za-z0-9_-]{0,62})\}")


def parameter(word: str) -> str:
    """Give the name of the parameter that a word of a runbook is; "" where it is a literal word."""
    match = _PARAMETER.fullmatch(word)
    return match[1] if match else ""


def matching(words: Sequence[Word], shapes: Sequence[Shape]) -> Shape | None:
    """Give the first runbook that the words are; None where they are none."""
    texts = [word.text for word in words]
    return next((shape for shape in shapes if not misfits(texts, shape)), None)


def misfits(texts: Sequence[str], shape: Shape) -> str:
    """Say why words are not this runbook; "" where they are."""
    if len(texts) != len(shape.argv):
        return f"The runbook {shape.name} has {len(shape.argv)} words."
    for text, wanted in zip(texts, shape.argv, strict=True):
        name = parameter(wanted)
        if name and name in shape.parameters:
            if text.startswith("-") or re.fullmatch(shape.parameters[name], text) is None:
                return f"“{text[:80]}” does not fit {name} of the runbook {shape.name}."
        elif text != wanted:
            return f"The runbook {shape.name} has “{wanted}” where this has “{text[:80]}”."
    return ""


def run(words: Sequence[Word], shape: Shape) -> Verdict:
    """Let a runbook run: at once where it is approved for the person, else after a confirmation."""
    return Verdict(
        decision=Decision.ALLOW if shape.approved else Decision.CONFIRM,
        rule="runbook",
        reason=f"This is the runbook {shape.name}.",
        argv=tuple(word.text for word in words),
        where=Where.HOST,
        verb=f"runbook {shape.name}",
        needs=shape.permissions,
        changes=True,
        targets=(Target("runbook", shape.name),),
    )
