"""How what a command wrote, and a line that was refused, look on a page. Pure: text in, pieces out.

Control characters never act (see `opsmodal.web.ansi`), colours go on over line ends as they do in a terminal, and a
page shows a bounded number of lines whatever was written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from opsmodal.web.ansi import PLAIN, Span, styled

LINES_MAX = 4000
"""Lines on a page; a browser scrolls through as many without a pause."""
CHARS_MAX = 600_000
"""Characters on a page, so that a few endless lines do not make up for it."""
DASH = "–"
SECOND_MS, MINUTE_S, KILOBYTE = 1000, 60, 1000
_WORDS = re.compile(r"\s+|[^\s]+")
_QUOTED = re.compile(r"[`'\"“]([^`'\"”]+)[`'\"”]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a page shows of a text: its first lines and its last, and how many lines between them it leaves out."""

    head: tuple[tuple[Span, ...], ...] = ()
    tail: tuple[tuple[Span, ...], ...] = ()
    left_out: int = 0
    lines: int = 0


def screen(text: str | None) -> Screen:
    """Cut what a program wrote into lines of coloured pieces."""
    if not text:
        return Screen()
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    kept = min(LINES_MAX, len(lines))
    while kept > 2 and sum(map(len, _ends(lines, kept))) > CHARS_MAX:
        kept //= 2
    shown, style = list[tuple[Span, ...]](), PLAIN
    for line in _ends(lines, kept):
        spans, style = styled(line[:CHARS_MAX], style)
        shown.append(tuple(spans))
    left_out = len(lines) - len(shown)
    half = len(shown) if not left_out else kept // 2
    return Screen(head=tuple(shown[:half]), tail=tuple(shown[half:]), left_out=left_out, lines=len(lines))


def pointed(line: str, suggestion: str, reason: str) -> list[tuple[str, bool]]:
    """Cut a refused line into pieces, and say of each whether it is what the refusal is about.

    That is what the reason names of the line; where it names nothing of it, what the suggested line has not.
    """
    named = (*_QUOTED.findall(reason), *(word.rstrip(".,:") for word in reason.split() if word.startswith("-")))
    quoted = sorted({each for each in named if each.strip("-") and each in line}, key=len, reverse=True)
    if quoted:
        pieces = re.split("({})".format("|".join(map(_whole, quoted))), line)
        return [(piece, at % 2 == 1) for at, piece in enumerate(pieces) if piece]
    words = _WORDS.findall(line)
    wrong = _dropped(words, _WORDS.findall(suggestion)) if suggestion else set[int]()
    return [(word, at in wrong and not word.isspace()) for at, word in enumerate(words)]


def took(duration_ms: float | None) -> str:
    """Say how long something took: `84 ms`, `4.2 s`, `2 m 5 s`."""
    if duration_ms is None:
        return DASH
    if duration_ms < SECOND_MS:
        return f"{duration_ms:.0f} ms"
    seconds = duration_ms / SECOND_MS
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // MINUTE_S} m {int(seconds) % MINUTE_S} s"


def lasting(seconds: float) -> str:
    """Say how long something may take: `30 s`, `10 minutes`."""
    whole = int(seconds)
    if whole < MINUTE_S * 2 or whole % MINUTE_S:
        return f"{whole} s"
    return f"{whole // MINUTE_S} minutes"


def _whole(text: str) -> str:
    """Find a text where it is no part of a longer word."""
    before, after = r"(?<!\w)" if text[0].isalnum() else "", r"(?!\w)" if text[-1].isalnum() else ""
    return f"{before}{re.escape(text)}{after}"


def spelled(argv: Iterable[str]) -> str:
    """Write words as a line that says where each begins and ends."""
    return shlex.join(argv)


def amount(count: float | None) -> str:
    """Write how much output something is, by the thousand as its limits are: `5 MB`, `1.2 kB`."""
    if count is None:
        return DASH
    if count < KILOBYTE:
        return f"{count:.0f} B"
    return f"{count / KILOBYTE:.3g} kB" if count < KILOBYTE**2 else f"{count / KILOBYTE**2:.3g} MB"


def _ends(lines: list[str], count: int) -> list[str]:
    return lines if count >= len(lines) else [*lines[: count // 2], *lines[len(lines) - (count - count // 2) :]]


def _dropped(words: list[str], others: list[str]) -> set[int]:
    found = SequenceMatcher(a=words, b=others, autojunk=False).get_opcodes()
    return {at for tag, start, end, *_ in found if tag in ("delete", "replace") for at in range(start, end)}


FILTERS = (screen, pointed, took, lasting, amount, spelled)
