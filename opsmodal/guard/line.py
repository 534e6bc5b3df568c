"""Cuts a typed line into the words that a program will get, as a shell would cut it and without being one.

Quotes and backslashes mean what they mean to `shlex`; nothing is expanded, so `$HOME`, `~` and `*` stay text. What a
shell would act on outside quotes is refused instead of guessed at, and so is what a reader cannot see: control and
format characters, and blanks that look like a space. The text is never normalised, neither before a check nor after it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from opsmodal.guard.rule import Rule
from opsmodal.guard.words import Word

LINE_MAX_BYTES = 4096
"""What a person types is shorter; what is longer is a manifest, and belongs into the editor."""

LINE_RULES = (
    Rule("line-text", "A line is a text.", "Give the command as a text, or its words as texts."),
    Rule("line-empty", "A line holds a command.", "Type a command."),
    Rule("line-length", f"A line is at most {LINE_MAX_BYTES:,} bytes long.", "Type a shorter one."),
    Rule(
        "line-control",
        "A line holds no control or format characters: no line break, no NUL, nothing that cannot be seen.",
        "Type it on one line, and type by hand what was pasted.",
    ),
    Rule("line-blank", "Words are parted by spaces and tabs, and by no other blank.", "Type the blank by hand."),
    Rule(
        "line-operator",
        "No shell reads a line: ; & | < > ( ) ` $( and ${ are refused outside quotes.",
        "There is no shell here; use sh -c '…' inside the container, or put the sign in quotes if it is meant as text.",
    ),
    Rule("line-quotes", "Each quote is closed, and a backslash is followed by what it keeps.", "Close the quote."),
    Rule(
        "line-dash",
        "A dash is the sign on the keyboard, - and no longer one, unless it is quoted or stands behind --.",
        "Text programs make longer dashes of two short ones: type them by hand.",
    ),
)

_HINTS = {rule.id: rule.hint for rule in LINE_RULES}
_PIECE = re.compile(
    r"""(?P<blank>[ \t]+)"""
    r"""|'(?P<single>[^']*)'"""
    r'''|"(?P<double>(?:[^"\\]|\\.)*)"'''
    r"""|\\(?P<escaped>.)"""
    r"""|(?P<operator>\$[({]|[;&|<>()`]+)"""
    r"""|(?P<open>['"\\])"""
    r"""|(?P<plain>\$|[^ \t'"\\;&|<>()`$]+)"""
)
_KEPT = re.compile(r"""\\(["\\])""")
"""In double quotes a backslash keeps a quote or a backslash, and in front of anything else it is itself."""
_NEEDS_QUOTES = re.compile(r"""[ \t'"\\;&|<>()`]|\$[({]|\A\Z""")
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
_BLANKS = frozenset({"Zs", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a Braille cell that are drawn as nothing."""
_DASHES = frozenset("\u02d7\u2043\u2212\u2796")
"""Signs that look like a dash and are not of its category: modifier, bullet, minus, heavy minus."""


class Unsplittable(Exception):
    """The text is no line: `rule` is an id of `opsmodal.guard.rules`, `reason` a sentence, `hint` what to do."""

    def __init__(self, rule: str, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.hint = hint or _HINTS[rule]


def split(text: str) -> tuple[Word, ...]:
    """Cut a line into its words. Raise Unsplittable when it is none."""
    _demand_text(text)
    words: list[Word] = []
    pieces: list[str] = []
    quoted = False
    for match in _PIECE.finditer(text):
        piece = match.lastgroup
        if piece == "blank":
            words += _word(pieces, quoted)
            pieces, quoted = [], False
            continue
        pieces.append(_meant(match))
        quoted = quoted or piece != "plain"
    words += _word(pieces, quoted)
    if not words:
        raise Unsplittable("line-empty", "The line is empty.")
    return tuple(words)


def from_argv(argv: Sequence[str]) -> tuple[Word, ...]:
    """Take words that are parted already: quotes and operators in them are text. Raise Unsplittable as `split` does."""
    if not isinstance(argv, list | tuple) or not all(isinstance(text, str) for text in argv):
        raise Unsplittable("line-text", "The command is no list of texts.")
    _demand_text(" ".join(argv))
    return tuple(Word(text, quoted=_NEEDS_QUOTES.search(text) is not None) for text in argv)


def dashed(words: Iterable[Word]) -> str:
    """Give the first word in front of `--` that holds a dash of a text program, unquoted; "" where there is none."""
    for word in words:
        if word.text == "--":
            break
        if not word.quoted and not word.text.isascii() and any(map(_is_long_dash, word.text)):
            return word.text
    return ""


def _meant(match: re.Match[str]) -> str:
    """Give the text that a piece stands for."""
    if match.lastgroup == "operator":
        raise Unsplittable(
            "line-operator", f"“{match['operator']}” outside quotes is for a shell, and none reads this."
        )
    if match.lastgroup == "open":
        left = "The backslash at the end keeps nothing." if match["open"] == "\\" else "A quote is not closed."
        raise Unsplittable("line-quotes", left)
    if match.lastgroup == "double":
        return _KEPT.sub(r"\1", match["double"])
    return str(match[match.lastgroup or 0])


def _word(pieces: list[str], quoted: bool) -> tuple[Word, ...]:
    return (Word("".join(pieces), quoted=quoted),) if pieces else ()


def _demand_text(text: str) -> None:
    if not isinstance(text, str):
        raise Unsplittable("line-text", "The command is no text.")
    if len(text) > LINE_MAX_BYTES or len(text.encode(errors="replace")) > LINE_MAX_BYTES:
        raise Unsplittable("line-length", f"The line is longer than {LINE_MAX_BYTES:,} bytes.")
    if text.isascii() and text.isprintable():
        return
    for place, sign in enumerate(text, start=1):
        _demand_visible(sign, place)


def _demand_visible(sign: str, place: int) -> None:
    category = unicodedata.category(sign)
    if category in _UNSEEN and sign != "\t":
        name = {"\n": "a line break", "\r": "a line break", "\0": "a NUL"}.get(sign, f"U+{ord(sign):04X}")
        raise Unsplittable("line-control", f"Character {place} is {name}, which nobody sees in a line.")
    if (category in _BLANKS and sign != " ") or sign in _FILLERS:
        raise Unsplittable("line-blank", f"Character {place}, U+{ord(sign):04X}, looks like a space and is none.")


def _is_long_dash(sign: str) -> bool:
    return sign != "-" and (unicodedata.category(sign) == "Pd" or sign in _DASHES)
